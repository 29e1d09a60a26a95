"""NOAA's bucket of GEFS as a replica of its exact layout on this machine."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from data_catalog.catalog import dataset
from data_catalog.errors import InvalidDataError
from data_catalog.sources.gefs import gefs_addresses, open_gefs
from data_catalog.sources.open_source import open_source
from tests.data_catalog.sources.grib.buckets import put, value
from tests.data_catalog.sources.grib.serving import serving

TIMES = np.array(["2020-09-23T06", "2020-09-23T12"], "M8[h]")


@pytest.mark.parametrize(
    ("start", "member", "path"),
    [
        ("2017-01-01T00", 0, "gefs.20170101/00/gec00.t00z.pgrb2af000"),
        ("2018-07-27T00", 0, "gefs.20180727/00/pgrb2a/gec00.t00z.pgrb2af00"),
        ("2020-09-23T06", 20, "gefs.20200923/06/pgrb2a/gep20.t06z.pgrb2af00"),
        ("2020-09-23T12", 0, "gefs.20200923/12/atmos/pgrb2ap5/gec00.t12z.pgrb2a.0p50.f000"),
        ("2026-11-15T18", 30, "gefs.20261115/18/atmos/pgrb2ap5/gep30.t18z.pgrb2a.0p50.f000"),
    ],
)
def test_addresses_follow_the_date_and_the_member(start: str, member: int, path: str) -> None:
    first = gefs_addresses(np.datetime64(start, "h"), member)[0]
    assert (first.path, first.index_path) == (path, f"{path}.idx")


def test_the_control_is_read_by_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMECAST_PATIENCE", "3")
    for number, start in enumerate(TIMES):
        path = gefs_addresses(start)[0].path
        put(tmp_path, path, start, number, ["t850", "msl", "t2m", "orography"], ensemble="ENS=low-res ctl")
    days = {"start": date(2020, 9, 23), "end": date(2020, 9, 23)}
    with serving(tmp_path) as bucket:
        opened = open_gefs(bucket.url, ["t850", "msl"], ["orography"], step_hours=6, **days)
        assert opened["time"].values.tolist() == TIMES.astype("M8[ns]").tolist()
        expected = np.stack([value("msl", number)[::-1] for number in range(2)])
        np.testing.assert_allclose(opened["msl"], expected, rtol=1e-6)
        with pytest.raises(
            InvalidDataError, match=r"pgrb2af00: expected q850 at 2020-09-23T06:00Z in its index, found"
        ):
            open_gefs(bucket.url, ["q850"], step_hours=6, **days)


def test_members_are_read_and_a_time_that_lacks_one_is_a_hole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMECAST_PATIENCE", "3")
    days = np.arange("2026-11-01", "2026-11-04", dtype="M8[D]").astype("M8[h]")
    for number, start in enumerate(days):
        for member in range(3 if number != 1 else 2):
            path = gefs_addresses(start, member)[0].path
            label = f"ENS=+{member}" if member else "ENS=low-res ctl"
            put(
                tmp_path, path, start, number + 10 * member, ["t850", "msl", "orography"], ensemble=label, member=member
            )
    entry = dataset("gefs-0p5").model_copy(
        update={"name": "x", "members": 3, "channels": ("msl", "t850"), "period_start": date(2026, 11, 1), "grid": None}
    )
    with serving(tmp_path) as bucket:
        opened = open_source(entry, bucket.url, end=date(2026, 11, 3))
        assert dict(opened["msl"].sizes) == {"time": 2, "member": 3, "latitude": 4, "longitude": 6}
        assert opened["time"].values.tolist() == days[[0, 2]].astype("M8[ns]").tolist()
        for member in range(3):
            np.testing.assert_allclose(opened["t850"][1, member], value("t850", 2 + 10 * member)[::-1], rtol=1e-6)
        assert opened["orography"].dims == ("latitude", "longitude")


def test_the_shipped_dataset_has_the_grid_of_the_files() -> None:
    entry = dataset("gefs-0p5")
    assert entry.grid is not None
    assert [axis.size for axis in entry.grid.coordinates()] == [361, 720]
    assert (entry.source, entry.is_remote) == ("gefs", True)
