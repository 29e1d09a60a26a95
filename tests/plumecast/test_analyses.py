"""Analyses by the name of their dataset, or by path."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import plumecast


def test_name_means_the_archive_at_home(forecast_home: Path) -> None:
    analysis = plumecast.open_archive("speedy-5p6", home=forecast_home)
    assert analysis.sizes["time"] == 10
    assert analysis["t2m"].dims == ("time", "latitude", "longitude")
    assert analysis["orography"].dims == ("latitude", "longitude")
    assert analysis["t2m"].chunks is not None
    by_path = plumecast.open_archive(forecast_home / "archives" / "speedy-5p6.zarr")
    xr.testing.assert_identical(analysis.isel(time=[0, 9]).load(), by_path.isel(time=[0, 9]).load())


def test_shipped_sample_needs_no_archive(forecast_home: Path, tmp_path: Path) -> None:
    sample = plumecast.open_archive("speedy-5p6", home=tmp_path)
    assert sample.sizes["time"] == 366
    archived = plumecast.open_archive("speedy-5p6", home=forecast_home)
    np.testing.assert_array_equal(sample["z500"][3], archived["z500"][3])


def test_any_file_of_a_known_layout_is_an_analysis(tmp_path: Path) -> None:
    sample = plumecast.open_archive("speedy-5p6", home=tmp_path)[["t2m", "orography"]].isel(time=slice(3)).load()
    theirs = sample.isel(latitude=slice(None, None, -1)).rename(latitude="lat", longitude="lon", t2m="2m_temperature")
    theirs.to_netcdf(tmp_path / "theirs.nc", engine="netcdf4")
    theirs.to_zarr(tmp_path / "theirs.zarr", zarr_format=2, consolidated=True)
    for name in ("theirs.nc", "theirs.zarr"):
        analysis = plumecast.open_archive(tmp_path / name)
        assert set(analysis.data_vars) == {"t2m", "orography"}
        xr.testing.assert_equal(analysis["t2m"].load(), sample["t2m"])


def test_missing_locations_are_errors(tmp_path: Path) -> None:
    with pytest.raises(plumecast.MissingDataError, match="plumecast ingest era5-5p6"):
        plumecast.open_archive("era5-5p6", home=tmp_path)
    with pytest.raises(plumecast.ConfigurationError, match="speedy-5p6"):
        plumecast.open_archive("speedy", home=tmp_path)
    with pytest.raises(plumecast.MissingDataError):
        plumecast.open_archive(tmp_path)
