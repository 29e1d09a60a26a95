"""What a path or URL holds, and files of each format by URL."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.sources.files import open_files
from data_catalog.sources.formats import format_of, open_stored
from tests.data_catalog.conftest import MakeAnalysis
from tests.data_catalog.sources.grib.serving import Served, serving
from tests.data_catalog.sources.grib.writing import LATITUDE, LONGITUDE, message, on_level, weather, write


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("PLUMECAST_PATIENCE", "3")
    monkeypatch.setattr("data_catalog.storage.patience.Patience.waits", lambda self: iter([0.01] * 100))
    with serving(tmp_path) as found:
        yield found


def test_formats(served: Served) -> None:
    write(served.root / "gfs.t00z.pgrb2.0p25.f000", message("2t"))
    write(served.root / "a.grib", message("2t"))
    (served.root / "b.zarr").mkdir()
    (served.root / "odd.h5x").write_bytes(b"\x89HDF\r\n")
    found = {
        place: format_of(place)
        for place in (
            "s3://a/b.nc", "gs://a/b.GRIB2", "https://a/b.zarr-v3", "https://a/b", "x.json", served.root / "a.grib",
            served.root / "b.zarr", served.root / "odd.h5x", f"{served.url}/odd.h5x", f"{served.url}/absent.x",
            f"{served.url}/gfs.t00z.pgrb2.0p25.f000",
        )
    }  # fmt: skip
    assert list(found.values()) == [
        "netcdf", "grib", "zarr", "zarr", "zarr", "grib", "zarr", "netcdf", "netcdf", "zarr", "grib",
    ]  # fmt: skip


def test_grib_at_a_url_is_looked_through_by_its_headers(served: Served) -> None:
    steps = [
        field
        for day in range(3)
        for field in (
            message("2t", dataDate=20200101 + day, shift=float(day)),
            *(on_level("z", level, dataDate=20200101 + day, bitsPerValue=24) for level in (500, 850)),
            message("lsm", values=np.full((4, 6), 0.5), dataDate=20200101 + day),
        )
    ]
    write(served.root / "a.grib2", *steps)
    opened = open_files(f"{served.url}/a.grib2", ["t2m", "z500"])
    served.ranges.clear()
    found = opened["t2m"].values
    assert [length for *_, length in served.ranges] == 3 * [len(steps[0])]
    np.testing.assert_allclose(found[1], weather("2t", LATITUDE[::-1, None], LONGITUDE, 1.0), atol=1e-3)


def test_netcdf_at_a_url_is_an_analysis(served: Served, make_analysis: MakeAnalysis) -> None:
    expected = make_analysis(channels=("t2m", "msl"), static=("lsm",))
    expected.to_netcdf(served.root / "a.nc")
    opened = open_files(f"{served.url}/a.nc", ["t2m", "msl"], ["lsm"])
    xr.testing.assert_equal(opened.load(), expected)
    assert not served.whole


def test_a_pattern_over_http_is_refused_in_one_line(served: Served) -> None:
    with pytest.raises((InvalidDataError, ConfigurationError), match=r"a_\*\.nc: expected ") as refused:
        open_files(f"{served.url}/a_*.nc", ["t2m"])
    assert "\n" not in str(refused.value)


def test_a_page_is_no_weather(served: Served) -> None:
    (served.root / "a.grib").write_bytes(b"<html>Please sign in</html>")
    with pytest.raises(InvalidDataError, match=r"/a\.grib: expected GRIB messages, found none"):
        open_stored(f"{served.url}/a.grib")
