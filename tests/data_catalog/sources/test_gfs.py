"""NOAA's bucket of GFS as a replica of its exact layout on this machine."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry, dataset
from data_catalog.errors import MissingDataError
from data_catalog.sources.gfs import gfs_addresses, open_gfs
from data_catalog.sources.open_source import open_source
from tests.data_catalog.sources.grib.buckets import put, value
from tests.data_catalog.sources.grib.serving import Served, serving

CHANNELS = ("z500", "u250", "v250", "q850", "t2m")
STATIC = ("orography", "lsm")
ENTRY = DatasetEntry(
    name="replica", title="x", source="gfs", location="http://set.later", channels=CHANNELS, static=STATIC,
    step_hours=12, period_start=date(2021, 3, 22), period_end=date(2021, 3, 23), licence="public domain",
    description="x",
)  # fmt: skip
TIMES = np.array(["2021-03-22T00", "2021-03-22T12", "2021-03-23T00"], "M8[h]")


@pytest.mark.parametrize(
    ("start", "path"),
    [
        ("2021-01-01T06", "gfs.20210101/06/gfs.t06z.pgrb2.0p25.f000"),
        ("2021-03-22T06", "gfs.20210322/06/gfs.t06z.pgrb2.0p25.f000"),
        ("2021-03-22T12", "gfs.20210322/12/atmos/gfs.t12z.pgrb2.0p25.f000"),
        ("2026-11-15T18", "gfs.20261115/18/atmos/gfs.t18z.pgrb2.0p25.f000"),
    ],
)
def test_addresses_follow_the_date(start: str, path: str) -> None:
    first = gfs_addresses(np.datetime64(start, "h"))[0]
    assert (first.path, first.index_path) == (path, f"{path}.idx")


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Three analyses over the change of the layout; the last file is where its date would not have it."""
    monkeypatch.setenv("PLUMECAST_PATIENCE", "3")
    for number, start in enumerate(TIMES):
        which = -1 if number == 2 else 0
        path = gfs_addresses(start)[which].path
        put(tmp_path / "bucket", path, start, number, [*CHANNELS, *STATIC, "msl", "u10"])
    with serving(tmp_path / "bucket") as served:
        yield served


def test_analyses_are_read_by_ranges_across_a_change_of_layout(bucket: Served, tmp_path: Path) -> None:
    opened = open_source(ENTRY, bucket.url)
    assert opened["time"].values.tolist() == TIMES.astype("M8[ns]").tolist()
    bucket.ranges.clear()
    summary = ingest(ENTRY, opened, tmp_path / "a.zarr")
    assert summary.added == 3
    assert len({(path, start) for path, start, length in bucket.ranges if length > 16}) == 3 * 4 + 2
    found = open_archive(tmp_path / "a.zarr").load()
    for channel, scale in (("z500", 9.80665), ("u250", 1.0), ("v250", 1.0), ("q850", 1.0), ("t2m", 1.0)):
        expected = np.stack([scale * value(channel, number)[::-1] for number in range(3)])
        np.testing.assert_allclose(found[channel], expected, rtol=1e-5, err_msg=channel)
    np.testing.assert_allclose(found["orography"], value("orography", 0)[::-1], rtol=1e-5)


def test_days_not_yet_published_are_holes(bucket: Served) -> None:
    opened = open_gfs(bucket.url, ["t2m"], step_hours=24, start=date(2021, 3, 22), end=date(2021, 3, 24))
    assert opened.sizes["time"] == 2
    with pytest.raises(MissingDataError, match="expected analyses from 2026-11-20T00:00Z to 2026-11-20T00:00Z, found"):
        open_gfs(bucket.url, ["t2m"], step_hours=24, start=date(2026, 11, 20), end=date(2026, 11, 20))


def test_the_shipped_dataset_has_the_grid_of_the_files() -> None:
    entry = dataset("gfs-0p25")
    assert entry.grid is not None
    assert [axis.size for axis in entry.grid.coordinates()] == [721, 1440]
    assert (entry.source, entry.is_remote) == ("gfs", True)
