from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.analysis import open_analysis
from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.sources.files import open_files

MakeAnalysis = Callable[..., xr.Dataset]
CHANNELS, STATIC = ("msl", "t2m"), ("lsm",)


@pytest.mark.parametrize("file_format", ["NETCDF4", "NETCDF3_64BIT"])
def test_a_netcdf_file_is_read_lazily(make_analysis: MakeAnalysis, tmp_path: Path, file_format: str) -> None:
    analysis = make_analysis()
    analysis.to_netcdf(tmp_path / "a.nc", engine="netcdf4", format=file_format)
    found = open_analysis(tmp_path / "a.nc", CHANNELS, STATIC)
    assert found["msl"].chunks is not None
    xr.testing.assert_identical(found.compute(), analysis)


def test_a_directory_joins_years_and_variables(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    whole = make_analysis(times=12)
    for part, times in (("b", slice(0, 5)), ("a", slice(5, 12))):
        whole[["msl"]].isel(time=times).to_netcdf(tmp_path / f"msl_{part}.nc", engine="netcdf4")
    whole[["t2m", "lsm"]].to_netcdf(tmp_path / "rest.nc", engine="netcdf4")
    (tmp_path / "README.txt").write_text("not data")
    xr.testing.assert_identical(open_analysis(tmp_path, CHANNELS, STATIC).compute(), whole)
    by_pattern = open_analysis(tmp_path / "msl_*.nc", ["msl"])
    xr.testing.assert_identical(by_pattern.compute(), whole[["msl"]])


def test_a_file_on_another_grid_is_left_out_with_a_warning(
    make_analysis: MakeAnalysis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = make_analysis(times=12)
    whole.isel(time=slice(0, 5)).to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    whole.isel(time=slice(5, 12)).to_netcdf(tmp_path / "b.nc", engine="netcdf4")
    whole.isel(latitude=slice(0, 2)).to_netcdf(tmp_path / "native.nc", engine="netcdf4")
    xr.testing.assert_identical(open_analysis(tmp_path, CHANNELS, STATIC).compute(), whole)
    assert "native.nc: left out" in caplog.text


def test_files_that_overlap_are_refused(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    whole = make_analysis(times=8)
    whole.isel(time=slice(0, 5)).to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    whole.isel(time=slice(4, 8)).to_netcdf(tmp_path / "b.nc", engine="netcdf4")
    with pytest.raises(InvalidDataError, match=r"b\.nc: msl at 2001-01-05T00:00Z: expected times after those of"):
        open_analysis(tmp_path, CHANNELS)


def test_channels_must_share_their_times(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    whole = make_analysis(times=8)
    whole[["msl"]].to_netcdf(tmp_path / "msl.nc", engine="netcdf4")
    whole[["t2m"]].isel(time=slice(0, 7)).to_netcdf(tmp_path / "t2m.nc", engine="netcdf4")
    with pytest.raises(InvalidDataError, match="same times for msl and t2m, found 2001-01-08T00:00Z in one only"):
        open_analysis(tmp_path, CHANNELS)


def test_nan_in_a_file_names_file_variable_and_time(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    analysis = make_analysis()
    analysis["t2m"][7, 0, 0] = np.nan
    analysis.to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    with pytest.raises(InvalidDataError, match=r"a\.nc: t2m at 2001-01-08T00:00Z: expected a value everywhere"):
        open_analysis(tmp_path / "a.nc", CHANNELS).compute()


def test_a_missing_location_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected a file or directory, found none"):
        open_files(tmp_path / "absent.nc", CHANNELS)
    with pytest.raises(ConfigurationError, match="expected NetCDF files or Zarr groups"):
        open_files(tmp_path, CHANNELS)


def test_pole_points_and_regions_open(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    poles = make_analysis(latitude=np.array([90.0, 0.0, -90.0]))
    poles.to_netcdf(tmp_path / "poles.nc", engine="netcdf4")
    assert open_analysis(tmp_path / "poles.nc", CHANNELS)["latitude"].values.tolist() == [-90.0, 0.0, 90.0]
    region = make_analysis(longitude=np.array([290.0, 320.0, 350.0, 380.0]))
    region.to_netcdf(tmp_path / "region.nc", engine="netcdf4")
    assert open_analysis(tmp_path / "region.nc", CHANNELS)["longitude"].values.tolist() == [-70.0, -40.0, -10.0, 20.0]
