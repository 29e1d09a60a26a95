from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.analysis import open_analysis
from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.sources.absences import absences_of
from data_catalog.sources.files import open_every_channel, open_files
from tests.data_catalog.sources.grib.writing import LATITUDE, LONGITUDE, members, message, on_level, weather, write

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
    xr.testing.assert_equal(open_analysis(tmp_path, CHANNELS, STATIC).compute(), whole)
    assert "native.nc: left out" in caplog.text


def test_times_of_a_file_on_another_grid_are_holes_with_a_reason(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    whole = make_analysis(times=12)
    for name, part in (("a", slice(0, 5)), ("c", slice(7, 12))):
        whole.isel(time=part).to_netcdf(tmp_path / f"{name}.nc", engine="netcdf4")
    whole.isel(time=slice(5, 7), latitude=slice(0, 2)).to_netcdf(tmp_path / "b.nc", engine="netcdf4")
    (absence,) = absences_of(open_analysis(tmp_path, CHANNELS, STATIC))
    assert (absence.first, absence.last, absence.never) == ("2001-01-06T00:00:00", "2001-01-07T00:00:00", False)
    assert "b.nc: left out, its grid (2, 8) is not that of most files (4, 8)" in absence.reason


def test_channels_whose_files_round_the_grid_differently_share_it(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    whole = make_analysis(times=8)
    whole[["msl"]].to_netcdf(tmp_path / "msl.nc", engine="netcdf4")
    moved = whole[["t2m"]].assign_coords(latitude=whole["latitude"] + 0.0004, longitude=whole["longitude"] + 0.0003)
    moved.to_netcdf(tmp_path / "t2m.nc", engine="netcdf4")
    found = open_analysis(tmp_path, CHANNELS).compute()
    xr.testing.assert_equal(found, whole[list(CHANNELS)])
    moved.assign_coords(latitude=whole["latitude"] + 1.0).to_netcdf(tmp_path / "t2m.nc", engine="netcdf4")
    with pytest.raises(InvalidDataError, match=r"t2m\.nc: t2m \(grid of .*msl\.nc\)"):
        open_analysis(tmp_path, CHANNELS)


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
    with pytest.raises(ConfigurationError, match="expected NetCDF files, GRIB files or Zarr groups"):
        open_files(tmp_path, CHANNELS)


def test_pole_points_and_regions_open(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    poles = make_analysis(latitude=np.array([90.0, 0.0, -90.0]))
    poles.to_netcdf(tmp_path / "poles.nc", engine="netcdf4")
    assert open_analysis(tmp_path / "poles.nc", CHANNELS)["latitude"].values.tolist() == [-90.0, 0.0, 90.0]
    region = make_analysis(longitude=np.array([290.0, 320.0, 350.0, 380.0]))
    region.to_netcdf(tmp_path / "region.nc", engine="netcdf4")
    assert open_analysis(tmp_path / "region.nc", CHANNELS)["longitude"].values.tolist() == [-70.0, -40.0, -10.0, 20.0]


def _day(day: int, **keys: object) -> list[bytes]:
    return [on_level("z", 500, dataDate=20200101 + day, shift=day, **keys), message("2t", dataDate=20200101 + day)]


def test_a_grib_file_holds_several_hypercubes(tmp_path: Path) -> None:
    fields = [field for day in range(3) for field in _day(day)]
    rain = message("tp", dataType="fc", stepRange="0-6")
    path = write(tmp_path / "a.grib", *fields, rain, message("lsm"), message("2t", dataType="fc", step=24))
    found = open_analysis(path, ["z500", "t2m"], ["lsm"])
    assert found["z500"].chunks == ((3,), (4,), (6,))
    assert found["latitude"].values.tolist() == [30, 40, 50, 60]
    wanted = weather("z", LATITUDE[::-1, None], LONGITUDE, np.arange(3.0)[:, None, None])
    np.testing.assert_allclose(found["z500"], wanted, atol=5e-3)
    assert found["lsm"].dims == ("latitude", "longitude")
    with pytest.raises(
        InvalidDataError, match="expected the same times for t2m and tp6, found 2020-01-01T00:00Z in one"
    ):
        open_analysis(path, ["t2m", "tp6"])


def test_all_known_channels_of_grib_and_netcdf_together(tmp_path: Path) -> None:
    write(tmp_path / "a.grb2", *_day(0))
    write(tmp_path / "b.GRIB", *_day(1, edition=1))
    whole = open_every_channel(tmp_path)
    assert list(whole) == ["z500", "t2m"]
    whole[["t2m"]].to_netcdf(tmp_path / "t2m.nc", engine="netcdf4")
    (tmp_path / "a.grb2.idx").write_text("not data")
    assert whole.sizes["time"] == 2
    with pytest.raises(InvalidDataError, match=r"t2m\.nc: t2m at 2020-01-01T00:00Z: expected times after"):
        open_every_channel(tmp_path)


def test_parts_of_a_grib_file_that_are_no_analysis_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ensemble = members("msl", range(2))
    assert list(open_every_channel(write(tmp_path / "a.grib", *_day(0), *ensemble))) == ["z500", "t2m"]
    assert "a.grib: expected one analysis, found 2 members" in caplog.text
    assert ": msl left out" in caplog.text
    with pytest.raises(InvalidDataError, match=r"b\.grib: expected one analysis, found 2 members"):
        open_every_channel(write(tmp_path / "b.grib", *ensemble))


def test_sea_temperature_is_missing_on_land(tmp_path: Path) -> None:
    values = np.where(np.arange(24).reshape(4, 6) % 5, 290.0, -1.0)
    path = write(tmp_path / "a.grib", message("sst", edition=1, values=values, missingValue=-1.0, bitmapPresent=1))
    assert np.count_nonzero(np.isnan(open_analysis(path, ["sst"])["sst"])) == 5
