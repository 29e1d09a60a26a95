"""NetCDF files with their fields in a group: read where it is plain which one, and refused by name where it is not."""

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.sources.reading import netcdf_dataset
from data_catalog.sources.remote_netcdf import remote_netcdf_dataset
from tests.data_catalog.sources.grib.serving import serving

Open = Callable[[Path], xr.Dataset]
FIELD = xr.DataArray(
    np.arange(12.0).reshape(3, 4),
    {"latitude": [10.0, 0, -10], "longitude": [0.0, 90, 180, 270]},
    ("latitude", "longitude"),
    "t2m",
    {"units": "K"},
).to_dataset()


@pytest.fixture(params=["on disk", "at a URL"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    def remote(path: Path) -> xr.Dataset:
        with serving(tmp_path) as served:
            return remote_netcdf_dataset(f"{served.url}/{path.name}").load()

    return remote if request.param == "at a URL" else lambda path: netcdf_dataset(path, decode_timedelta=True)


@pytest.mark.parametrize("group", ["forecast", "products/forecast"])
def test_the_only_group_with_fields_is_read(opened: Open, tmp_path: Path, group: str) -> None:
    path = tmp_path / "a.nc"
    FIELD.to_netcdf(path, engine="netcdf4", group=group)
    xr.Dataset({"quality": ("flag", [1, 2])}).to_netcdf(path, engine="netcdf4", group="about", mode="a")
    xr.testing.assert_identical(opened(path).load(), FIELD)


def test_coordinates_of_the_groups_around_are_those_of_the_fields(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    start = xr.Variable((), np.datetime64("2008-01-03T00", "ns"))
    edges = xr.Variable(("latitude", "side"), [[15.0, 5], [5, -5], [-5, -15]])
    around = FIELD.drop_vars(["t2m", "longitude"]).assign_coords(init_time=start, latitude_edges=edges)
    around["latitude"].attrs["bounds"] = "latitude_edges"
    around.to_netcdf(path, engine="netcdf4")
    with netCDF4.Dataset(path, "a") as file:
        group = file.createGroup("forecast")
        group.createDimension("longitude", 4)
        group.createVariable("longitude", "f8", ("longitude",))[:] = FIELD["longitude"].values
        group.createVariable("t2m", "f8", ("latitude", "longitude"))[:] = FIELD["t2m"].values
        group["t2m"].units = "K"
    xr.testing.assert_equal(opened(path).load(), FIELD.assign_coords(init_time=start, latitude_edges=edges))


def test_a_dimension_of_the_group_s_own_has_no_coordinate_from_around(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    FIELD.drop_vars("t2m").to_netcdf(path, engine="netcdf4")
    with netCDF4.Dataset(path, "a") as file:
        group = file.createGroup("forecast")
        for name, size in FIELD.sizes.items():
            group.createDimension(name, size)
        group.createVariable("t2m", "f8", ("latitude", "longitude"))[:] = FIELD["t2m"].values
    assert not set(opened(path).coords)


def test_fields_of_the_root_group_are_read_whatever_groups_there_are(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    FIELD.to_netcdf(path, engine="netcdf4")
    (2 * FIELD).to_netcdf(path, engine="netcdf4", group="doubled", mode="a")
    xr.testing.assert_identical(opened(path).load(), FIELD)


def test_several_groups_and_none_are_refused(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    for group in ("control", "members/perturbed"):
        FIELD.to_netcdf(path, engine="netcdf4", group=group, mode="a" if path.exists() else "w")
    with pytest.raises(
        InvalidDataError, match=r"a\.nc: expected fields in one group, found them in control, members/pert"
    ):
        opened(path)
    with netCDF4.Dataset(tmp_path / "b.nc", "w") as file:
        file.createGroup("empty")
    with pytest.raises(
        InvalidDataError, match=r"b\.nc: expected variables in the root group, found none \(other groups: e"
    ):
        opened(tmp_path / "b.nc")
