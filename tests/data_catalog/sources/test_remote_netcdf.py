"""NetCDF at a URL: only what is wanted is fetched, and what is wrong is named."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, DefiniteFaultError, InvalidDataError, MissingDataError
from data_catalog.sources.remote_netcdf import remote_netcdf_dataset
from tests.data_catalog.sources.grib.serving import Served, serving

LEVELS = np.array([1000.0, 850.0, 500.0], np.float32)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("PLUMECAST_PATIENCE", "3")
    monkeypatch.setenv("PLUMECAST_READ_TWICE", "0")
    with serving(tmp_path) as found:
        yield found


def _write(path: Path, **options: str) -> xr.Dataset:
    values = np.random.default_rng(1).standard_normal((30, 3, 19, 36)).astype(np.float32)
    values[2, 1, 0, 0] = np.nan
    places = {
        "time": np.arange(30) * 24.0,
        "level": LEVELS,
        "lat": np.linspace(90, -90, 19),
        "lon": np.arange(36) * 10.0,
    }
    dataset = xr.Dataset({"hgt": (("time", "level", "lat", "lon"), values, {"units": "m"})}, places)
    dataset["time"].attrs["units"] = "hours since 1800-01-01 00:00:0.0"
    chunks = {"chunksizes": (1, 1, 19, 36), "zlib": True} if options.get("format", "NETCDF4") == "NETCDF4" else {}
    encoding = {"hgt": {"_FillValue": np.float32(-9.96921e36), **chunks}}
    dataset.to_netcdf(path, unlimited_dims=["time"], encoding=encoding, **options)  # type: ignore[call-overload]
    return xr.open_dataset(path, engine="netcdf4")


def test_only_the_chunks_that_are_wanted_are_fetched(served: Served) -> None:
    expected = _write(served.root / "hgt.nc")["hgt"]
    opened = remote_netcdf_dataset(f"{served.url}/hgt.nc")["hgt"]
    assert opened.dims == expected.dims
    assert opened.encoding["preferred_chunks"] == {"time": 1, "level": 1, "lat": 19, "lon": 36}
    size = (served.root / "hgt.nc").stat().st_size
    np.testing.assert_array_equal(opened[2:4, 1], expected[2:4, 1])
    served.ranges.clear()
    np.testing.assert_array_equal(opened[4:7, 1], expected[4:7, 1])
    assert 0 < sum(length for *_, length in served.ranges) < size / 5


@pytest.mark.parametrize("form", ["NETCDF3_CLASSIC", "NETCDF3_64BIT"])
def test_older_files_are_fetched_whole_and_once(served: Served, form: str) -> None:
    expected = _write(served.root / f"{form}.nc", format=form)
    opened = remote_netcdf_dataset(f"{served.url}/{form}.nc")
    xr.testing.assert_equal(opened.load(), expected)
    remote_netcdf_dataset(f"{served.url}/{form}.nc")
    size = (served.root / f"{form}.nc").stat().st_size
    assert sum(length for *_, length in served.ranges) == size + 2 * 4


def test_an_outage_and_a_page_in_place_of_bytes_are_survived(served: Served) -> None:
    expected = _write(served.root / "faults.nc")["hgt"]
    served.faults = [b"<htm", 503, 403]
    opened = remote_netcdf_dataset(f"{served.url}/faults.nc")["hgt"]
    np.testing.assert_array_equal(opened[0, 0], expected[0, 0])
    assert not served.faults


def test_what_is_wrong_is_named(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_catalog.storage.patience.Patience.waits", lambda self: iter([0.01] * 100))
    for name, content in {
        "page": b"<html>",
        "grib": b"GRIB",
        "cut": b"\x89HDF\r\n\x1a\n" + bytes(40),
        "empty": b"",
    }.items():
        (served.root / f"{name}.nc").write_bytes(content)
    with pytest.raises(InvalidDataError, match=r"/page\.nc: expected NetCDF, GRIB or Zarr, found neither"):
        remote_netcdf_dataset(f"{served.url}/page.nc")
    with pytest.raises(InvalidDataError, match=r"/grib\.nc: expected NetCDF, GRIB or Zarr, found GRIB"):
        remote_netcdf_dataset(f"{served.url}/grib.nc")
    with pytest.raises(InvalidDataError, match=r"/cut\.nc: expected a readable NetCDF file, found "):
        remote_netcdf_dataset(f"{served.url}/cut.nc")
    with pytest.raises(MissingDataError, match=r"/absent\.nc: expected an object, found none"):
        remote_netcdf_dataset(f"{served.url}/absent.nc")
    with pytest.raises(ConfigurationError, match=r"a\.nc\?\.\.\.: expected a URL without a query"):
        remote_netcdf_dataset(f"{served.url}/a.nc?key=secret")


def test_values_declared_missing_are_missing(served: Served) -> None:
    _write(served.root / "missing.nc")
    opened = remote_netcdf_dataset(f"{served.url}/missing.nc")["hgt"]
    assert np.isnan(opened[2, 1, 0, 0])
    assert int(np.isnan(opened[2]).sum()) == 1


@pytest.mark.parametrize(("fault", "words"), [("units", "times in 'fortnights since"), ("range", "as valid_range")])
def test_what_arrived_whole_and_is_wrong_is_read_once(served: Served, fault: str, words: str) -> None:
    dataset = xr.Dataset({"hgt": (("time", "lat"), np.zeros((2, 3), np.float32))}, {"time": [0.0, 1.0]})
    dataset["time"].attrs["units"] = "fortnights since 1800-01-01" if fault == "units" else "hours since 1800-01-01"
    if fault == "range":
        dataset["hgt"].attrs["valid_range"] = "many"
    dataset.to_netcdf(served.root / "odd.nc")
    with pytest.raises(DefiniteFaultError, match=words):
        remote_netcdf_dataset(f"{served.url}/odd.nc")
    assert [length for *_, length in served.ranges].count(4) == 1
