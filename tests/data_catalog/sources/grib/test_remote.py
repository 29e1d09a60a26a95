"""Only the messages that are wanted are fetched, each is what the index says, and errors name the object."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_catalog.errors import InvalidDataError
from data_catalog.sources.grib.messages import MessagePlace
from data_catalog.sources.grib.remote import IndexedFile, names_in_grib, open_indexed
from tests.data_catalog.sources.grib.serving import Served, serving
from tests.data_catalog.sources.grib.writing import LATITUDE, LONGITUDE, message, on_level, weather

DAYS = np.arange("2020-01-01", "2020-01-04", dtype="M8[D]").astype("M8[h]")


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("PLUMECAST_PATIENCE", "5")
    with serving(tmp_path) as found:
        yield found


def _files(served: Served) -> list[IndexedFile]:
    files = []
    for number, day in enumerate(DAYS):
        keys = {"dataDate": 20200101 + number, "shift": float(number)}
        fields = {
            "2t": message("2t", **keys), "z_500hPa": on_level("z", 500, **keys), "msl": message("msl", **keys),
            "lsm": message("lsm", values=np.full((4, 6), 0.5), **keys),
        }  # fmt: skip
        ends = np.cumsum([len(field) for field in fields.values()]).tolist()
        index = {
            name: MessagePlace(end - len(fields[name]), len(fields[name]))
            for name, end in zip(fields, ends, strict=True)
        }
        (served.root / f"{number}.grib2").write_bytes(b"".join(fields.values()))
        files.append(IndexedFile(day, day, f"{number}.grib2", index))
    return files


def _range(file: IndexedFile, name: str) -> tuple[int, int]:
    return file.index[name].start, file.index[name].length


def test_only_the_messages_of_the_channels_and_times_wanted_are_fetched(served: Served) -> None:
    files = _files(served)
    opened = open_indexed(served.url, files, ["t2m", "z500"], ["lsm"])
    assert sorted(served.ranges) == sorted(("0.grib2", *_range(files[0], name)) for name in ("2t", "z_500hPa", "lsm"))
    served.ranges.clear()
    found = opened["t2m"].isel(time=[2]).values
    assert served.ranges == [("2.grib2", *_range(files[2], "2t"))]
    np.testing.assert_allclose(found[0], weather("2t", LATITUDE[::-1, None], LONGITUDE, 2.0), atol=1e-3)
    assert opened["lsm"].dims == ("latitude", "longitude")
    assert opened["time"].values.tolist() == DAYS.astype("M8[ns]").tolist()


def test_what_an_index_lacks_is_named(served: Served) -> None:
    with pytest.raises(
        InvalidDataError, match=r"/0\.grib2: expected q850 at 2020-01-01T00:00Z in its index, found 2t, "
    ):
        open_indexed(served.url, _files(served), ["q850"])


def test_an_index_that_does_not_fit_its_file_is_found(served: Served) -> None:
    files = _files(served)
    wrong = IndexedFile(DAYS[1], DAYS[1], "1.grib2", {**files[1].index, "2t": files[1].index["msl"]})
    opened = open_indexed(served.url, [files[0], wrong], ["t2m"])
    with pytest.raises(InvalidDataError, match=r"expected 2t .* for 2020-01-02T00:00Z, found msl"):
        opened["t2m"].load()
    cut = IndexedFile(DAYS[1], DAYS[1], "1.grib2", {"2t": MessagePlace(10, 100)})
    with pytest.raises(InvalidDataError, match="expected a GRIB message of 100 bytes, found 100 bytes from"):
        open_indexed(served.url, [files[0], cut], ["t2m"])["t2m"].load()


def test_an_outage_is_waited_out_and_a_page_instead_of_bytes_asked_again(served: Served) -> None:
    files = _files(served)
    opened = open_indexed(served.url, files, ["t2m"])["t2m"]
    served.faults = [503, 503, b"<html>"]
    np.testing.assert_allclose(opened[1], weather("2t", LATITUDE[::-1, None], LONGITUDE, 1.0), atol=1e-3)
    assert not served.faults


def test_at_the_first_look_faults_are_asked_again_as_well(served: Served) -> None:
    files = _files(served)
    served.faults = [b"<html>", 503]
    assert open_indexed(served.url, files, ["t2m"])["t2m"].shape == (3, 4, 6)
    assert not served.faults


def test_a_length_that_the_index_does_not_say_is_read_from_the_message(served: Served) -> None:
    files = _files(served)
    last = [replace(file, index={"lsm": replace(file.index["lsm"], length=0)}) for file in files]
    assert float(open_indexed(served.url, [*last], ["lsm"])["lsm"].max()) == 0.5
    start, length = _range(files[0], "lsm")
    assert served.ranges[:1] == [("0.grib2", start, 16)]
    assert ("0.grib2", start, length) in served.ranges


def test_names() -> None:
    assert names_in_grib("z500")[:2] == ["z_500hPa", "geopotential_500hPa"]
    assert "2t" in names_in_grib("t2m")
    assert "gh_500hPa" in names_in_grib("z500")
