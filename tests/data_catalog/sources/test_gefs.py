"""NOAA's bucket of GEFS as a replica of its exact layout on this machine."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from data_catalog.catalog import dataset
from data_catalog.errors import InvalidDataError
from data_catalog.sources.gefs import gefs_addresses, open_gefs
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


def test_the_shipped_dataset_has_the_grid_of_the_files() -> None:
    entry = dataset("gefs-0p5")
    assert entry.grid is not None
    assert [axis.size for axis in entry.grid.coordinates()] == [361, 720]
    assert (entry.source, entry.is_remote) == ("gefs", True)
