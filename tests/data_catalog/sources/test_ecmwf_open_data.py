"""ECMWF's open data as a replica of its exact layout on this machine: addresses by date, indices, ranges."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry, dataset
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.sources.ecmwf_open_data import file_path, index_path, open_ecmwf_open_data, read_index
from data_catalog.sources.grib.messages import MessagePlace
from data_catalog.sources.open_source import open_source
from tests.data_catalog.sources.grib.serving import Served, serving
from tests.data_catalog.sources.grib.writing import LATITUDE, LONGITUDE, message, on_level, weather

ADDRESSES = [
    ("2022-01-25T00", 0, "ifs", "hres", "20220125/00z/0p4-beta/oper/20220125000000-0h-oper-fc.grib2"),
    ("2022-01-25T06", 90, "ifs", "hres", "20220125/06z/0p4-beta/scda/20220125060000-90h-scda-fc.grib2"),
    ("2024-02-15T12", 6, "ifs", "hres", "20240215/12z/0p25/oper/20240215120000-6h-oper-fc.grib2"),
    ("2024-02-28T00", 6, "ifs", "members", "20240228/00z/0p25/enfo/20240228000000-6h-enfo-ef.grib2"),
    ("2024-02-28T06", 6, "ifs", "hres", "20240228/06z/ifs/0p25/scda/20240228060000-6h-scda-fc.grib2"),
    ("2024-02-29T00", 0, "ifs", "hres", "20240229/00z/ifs/0p25/oper/20240229000000-0h-oper-fc.grib2"),
    ("2026-05-12T00", 240, "ifs", "control", "20260512/00z/ifs/0p25/enfo/20260512000000-240h-enfo-ef.grib2"),
    ("2026-05-11T18", 0, "ifs", "hres", "20260511/18z/ifs/0p25/scda/20260511180000-0h-scda-fc.grib2"),
    ("2026-05-12T06", 0, "ifs", "hres", "20260512/06z/ifs/0p25/oper/20260512060000-0h-oper-fc.grib2"),
    ("2026-05-12T06", 12, "ifs", "control", "20260512/06z/ifs/0p25/oper/20260512060000-12h-oper-fc.grib2"),
    ("2026-05-12T12", 12, "ifs", "members", "20260512/12z/ifs/0p25/enfo/20260512120000-12h-enfo-ef.grib2"),
    ("2024-03-01T00", 6, "aifs-single", "hres", "20240301/00z/aifs/0p25/oper/20240301000000-6h-oper-fc.grib2"),
    ("2025-02-10T06", 6, "aifs-single", "hres",
     "20250210/06z/aifs-single/0p25/experimental/oper/20250210060000-6h-oper-fc.grib2"),
    ("2025-02-25T06", 6, "aifs-single", "hres", "20250225/06z/aifs-single/0p25/oper/20250225060000-6h-oper-fc.grib2"),
    ("2026-01-01T00", 6, "aifs-ens", "members", "20260101/00z/aifs-ens/0p25/enfo/20260101000000-6h-enfo-pf.grib2"),
    ("2026-01-01T00", 6, "aifs-ens", "control", "20260101/00z/aifs-ens/0p25/enfo/20260101000000-6h-enfo-cf.grib2"),
]  # fmt: skip


@pytest.mark.parametrize(("start", "step", "model", "kind", "path"), ADDRESSES)
def test_addresses_follow_the_date(start: str, step: int, model: str, kind: str, path: str) -> None:
    assert file_path(np.datetime64(start), step, model=model, kind=kind) == path  # type: ignore[arg-type]


def test_before_its_first_start_a_model_has_no_address() -> None:
    with pytest.raises(InvalidDataError, match="of aifs-single: expected a start since its first, found 2023-01-01"):
        file_path(np.datetime64("2023-01-01T00"), 0, model="aifs-single")


def test_an_index_names_fields_as_messages_do() -> None:
    lines = [
        {"param": "2t", "levtype": "sfc", "_offset": 0, "_length": 10},
        {"param": "gh", "levtype": "pl", "levelist": "500", "_offset": 10, "_length": 20},
        {"param": "vsw", "levtype": "sol", "levelist": "2", "_offset": 30, "_length": 5},
        {"param": "z", "levtype": "sfc", "_offset": 35, "_length": 6},
    ]
    text = ("\n".join(map(json.dumps, lines)) + "\n\n").encode()
    assert read_index(text, "a.index") == {
        "2t": MessagePlace(0, 10), "gh_500hPa": MessagePlace(10, 20), "swvl2": MessagePlace(30, 5),
        "geopotential_at_surface": MessagePlace(35, 6),
    }  # fmt: skip
    for wrong in ("<html>", '{"param": "2t"}', "[1]", '{"param": "2t", "_offset": null, "_length": 4}'):
        with pytest.raises(InvalidDataError, match=r"a\.index: line 5: expected JSON with param, _offset and _length"):
            read_index(text + wrong.encode(), "a.index")


TIMES = np.arange("2026-05-11T00", "2026-05-13T00", 6, dtype="M8[h]")
ENTRY = DatasetEntry(
    name="replica", title="x", source="ecmwf-open-data", location="http://set.later", channels=("z500", "t2m", "q850"),
    static=("lsm",), step_hours=6, period_start=date(2026, 5, 11), period_end=date(2026, 5, 12), licence="CC-BY-4.0",
    description="x",
)  # fmt: skip


def _put(root: Path, number: int, start: np.datetime64) -> None:
    """One file of the bucket and its index: fields that nobody asked for among those of the channels."""
    day, hour = str(start.astype("M8[D]")).replace("-", ""), int(start.astype(int) % 24)
    keys = {"dataDate": int(day), "dataTime": 100 * hour, "dataType": "fc", "packingType": "grid_ccsds"}
    fields = [
        ("10u", "sfc", None, message("10u", **keys)),
        ("2t", "sfc", None, message("2t", shift=number, **keys)),
        ("gh", "pl", 500, on_level("gh", 500, shift=number, **keys)),
        ("gh", "pl", 850, on_level("gh", 850, values=np.full((4, 6), 1500.0), **keys)),
        ("q", "pl", 850, on_level("q", 850, values=np.full((4, 6), 0.005), **keys)),
        ("lsm", "sfc", None, message("lsm", values=np.full((4, 6), 0.5), **keys)),
    ]
    lines, offset = [], 0
    for param, kind, level, content in fields:
        line = {"domain": "g", "date": day, "time": f"{hour:02d}00", "expver": "0001", "class": "od", "type": "fc"}
        line |= {"stream": "oper", "step": "0", "levtype": kind, "param": param, "_offset": offset}
        line |= {"_length": len(content)} | ({} if level is None else {"levelist": str(level)})
        lines.append(json.dumps(line))
        offset += len(content)
    path = root / file_path(start, 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(content for *_, content in fields))
    (root / index_path(file_path(start, 0))).write_text("\n".join(lines) + "\n")


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Two days over the change to cycle 50r1, without the last start, which is not published yet."""
    monkeypatch.setenv("PLUMECAST_PATIENCE", "3")
    for number, start in enumerate(TIMES[:-1]):
        _put(tmp_path / "bucket", number, start)
    with serving(tmp_path / "bucket") as served:
        yield served


def test_analyses_are_read_by_ranges_across_a_change_of_cycle(bucket: Served, tmp_path: Path) -> None:
    opened = open_source(ENTRY, bucket.url)
    assert sorted(set(bucket.whole)) == sorted(index_path(file_path(start, 0)) for start in TIMES)
    assert len(bucket.ranges) == 4  # one message of each channel, to know its grid
    assert opened["time"].values.tolist() == TIMES[:-1].astype("M8[ns]").tolist()
    heights = weather("gh", LATITUDE[::-1, None], LONGITUDE, np.arange(7.0)[:, None, None])
    np.testing.assert_allclose(opened["z500"], 9.80665 * heights, rtol=1e-6)
    bucket.ranges.clear()
    assert ingest(ENTRY, opened, tmp_path / "a.zarr").added == 7
    assert {path for path, _, _ in bucket.ranges} == {file_path(start, 0) for start in TIMES[:-1]}
    assert len(set(bucket.ranges)) == 7 * 3 + 1
    np.testing.assert_array_equal(open_archive(tmp_path / "a.zarr")["t2m"], opened["t2m"])


def test_some_days_are_read_without_the_others(bucket: Served) -> None:
    opened = open_source(ENTRY, bucket.url, start=date(2026, 5, 12))
    assert opened.sizes["time"] == 3
    assert not any(path.startswith("20260511") for path in bucket.whole)


def test_what_is_not_there_yet(bucket: Served) -> None:
    with pytest.raises(
        MissingDataError, match="expected analyses from 2026-05-12T18:00Z to 2026-05-12T18:00Z, found no"
    ):
        open_source(ENTRY, bucket.url, start=datetime(2026, 5, 12, 18), end=datetime(2026, 5, 12, 18))
    with pytest.raises(ConfigurationError, match="expected a step that is a multiple of 6 h, found 3 h"):
        open_ecmwf_open_data(bucket.url, ["t2m"], step_hours=3, start=date(2026, 5, 12))


def test_the_shipped_dataset_has_the_grid_of_the_open_data() -> None:
    entry = dataset("ifs-0p25")
    assert entry.grid is not None
    assert [axis.size for axis in entry.grid.coordinates()] == [721, 1440]
    assert (entry.source, entry.is_remote) == ("ecmwf-open-data", True)
