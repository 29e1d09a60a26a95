"""Files on curvilinear grids become analyses; others are opened as ever."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.sources.any_grid import open_any_grid
from data_catalog.sources.files import open_files
from tests.data_catalog.conftest import MakeAnalysis

Y, X = np.meshgrid(np.arange(6.0), np.arange(8.0), indexing="ij")


def curvilinear(analysis: xr.Dataset, *, east: float = 0.0) -> xr.Dataset:
    """An analysis whose rows and columns stand aslant."""
    plain = analysis.drop_vars(["latitude", "longitude"]).rename_dims(latitude="y", longitude="x")
    places = {"nav_lat": (("y", "x"), 40 + Y + 0.1 * X), "nav_lon": (("y", "x"), 5 + X - 0.2 * Y + east)}
    return plain.assign_coords(places)


@pytest.fixture
def analysis(make_analysis: MakeAnalysis) -> xr.Dataset:
    return make_analysis(("msl", "u850"), times=4, latitude=np.arange(6.0), longitude=np.arange(8.0))


def write(dataset: xr.Dataset, path: Path) -> Path:
    dataset.to_netcdf(path, engine="netcdf4")
    return path


def test_a_curvilinear_file_keeps_its_places(analysis: xr.Dataset, tmp_path: Path) -> None:
    path = write(curvilinear(analysis[["msl", "lsm"]]), tmp_path / "a.nc")
    found = open_any_grid(path, ["msl"], ["lsm"])
    assert found["msl"].dims == ("time", "row", "column")
    assert found["msl"].chunks is not None
    np.testing.assert_array_equal(found["msl"], analysis["msl"])
    np.testing.assert_array_equal(found["lsm"], analysis["lsm"])
    assert found["latitude"].values[5, 7] == pytest.approx(45.7)
    xr.testing.assert_identical(open_any_grid(path), found)


def test_files_of_one_grid_are_joined(analysis: xr.Dataset, tmp_path: Path) -> None:
    for name, times in (("a.nc", slice(2, None)), ("b.nc", slice(2))):
        write(curvilinear(analysis[["msl"]].isel(time=times)), tmp_path / name)
    np.testing.assert_array_equal(open_any_grid(tmp_path, ["msl"])["msl"], analysis["msl"])
    write(curvilinear(analysis[["lsm"]], east=1.0), tmp_path / "c.nc")
    with pytest.raises(InvalidDataError, match=r"c\.nc: expected one curvilinear grid in all files"):
        open_any_grid(tmp_path, ["msl"])


def test_values_are_checked_before_they_are_mixed(analysis: xr.Dataset, tmp_path: Path) -> None:
    analysis["msl"].values[2, 3, 3] = -9999.0
    found = open_any_grid(write(curvilinear(analysis[["msl"]]), tmp_path / "a.nc"), ["msl"])
    with pytest.raises(InvalidDataError, match=r"msl at 2001-01-03T00:00Z: expected values in .* found -9999"):
        found["msl"].compute()


def test_winds_must_be_eastward_and_northward(analysis: xr.Dataset, tmp_path: Path) -> None:
    assert open_any_grid(write(curvilinear(analysis[["u850"]]), tmp_path / "true.nc"), ["u850"]).sizes["row"] == 6
    along = curvilinear(analysis[["u850"]])
    along["u850"].attrs["standard_name"] = "x_wind"
    with pytest.raises(InvalidDataError, match=r"u850: expected a standard_name .* found x_wind; rotate winds"):
        open_any_grid(write(along, tmp_path / "along.nc"), ["u850"])


def test_rows_and_columns_are_opened_as_ever(analysis: xr.Dataset, tmp_path: Path) -> None:
    path = write(analysis, tmp_path / "a.nc")
    expected = open_files(path, ["msl", "u850"], ["lsm"])
    xr.testing.assert_identical(open_any_grid(path, ["msl", "u850"], ["lsm"]), expected)
    assert set(open_any_grid(path)) == {"msl", "u850", "lsm"}
