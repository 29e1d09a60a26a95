import subprocess
import sys
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


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")
def test_a_zarr_group_is_read_lazily(make_analysis: MakeAnalysis, tmp_path: Path, zarr_format: int) -> None:
    analysis = make_analysis()
    analysis.chunk({"time": 6}).to_zarr(tmp_path / "a.zarr", zarr_format=zarr_format, consolidated=zarr_format == 2)
    (tmp_path / "a.zarr" / "note.json").write_text("{}")
    found = open_analysis(tmp_path / "a.zarr", CHANNELS, STATIC)
    xr.testing.assert_identical(found.compute(), analysis)


def test_an_absent_zarr_chunk_is_an_error_and_not_nan(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    make_analysis().chunk({"time": 5}).to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False)
    (tmp_path / "a.zarr" / "t2m" / "c" / "2" / "0" / "0").unlink()
    found = open_analysis(tmp_path / "a.zarr", CHANNELS, STATIC)
    assert np.isfinite(found["msl"].values).all()
    with pytest.raises(InvalidDataError, match=r"a\.zarr: t2m at 2001-01-.* no chunk t2m/c/2/0/0"):
        found["t2m"].compute()


def test_a_directory_joins_years_and_variables(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    whole = make_analysis(times=12)
    for part, times in (("b", slice(0, 5)), ("a", slice(5, 12))):
        whole[["msl"]].isel(time=times).to_netcdf(tmp_path / f"msl_{part}.nc", engine="netcdf4")
    whole[["t2m", "lsm"]].to_netcdf(tmp_path / "rest.nc", engine="netcdf4")
    (tmp_path / "README.txt").write_text("not data")
    xr.testing.assert_identical(open_analysis(tmp_path, CHANNELS, STATIC).compute(), whole)
    by_pattern = open_analysis(tmp_path / "msl_*.nc", ["msl"])
    xr.testing.assert_identical(by_pattern.compute(), whole[["msl"]])


def test_a_file_on_another_grid_is_left_out_aloud(
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


def test_a_truncated_file_is_refused(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    make_analysis(times=300).to_netcdf(path, engine="netcdf4")
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(InvalidDataError, match=r"a\.nc"):
        open_analysis(path, CHANNELS).compute()


@pytest.mark.parametrize(("start", "kind"), [(b"GRIB", "GRIB"), (b"PK\x03\x04", "zip"), (b"hello", "neither")])
def test_files_of_another_kind_are_named(tmp_path: Path, start: bytes, kind: str) -> None:
    (tmp_path / "a.nc").write_bytes(start + bytes(100))
    with pytest.raises(InvalidDataError, match=rf"a\.nc: expected NetCDF or Zarr, found .*{kind}"):
        open_files(tmp_path / "a.nc", CHANNELS)


def test_nothing_there(tmp_path: Path) -> None:
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


def test_eccodes_is_never_imported(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    """Imported before pyproj it crashes the process; xarray imports it when no engine is named."""
    make_analysis().to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    code = (
        "import sys; from data_catalog.archive.analysis import open_analysis; "
        f"open_analysis({str(tmp_path / 'a.nc')!r}, ['msl']).compute(); "
        "assert not {'eccodes', 'cfgrib', 'gribapi', 'torch', 'prefect'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
