"""Curvilinear grids are recognised, and pass through the door on stand-in axes."""

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.canonical import canonicalise
from data_catalog.layout.curvilinear import Places, curvilinear_places, on_own_places, on_stand_in_axes

Y, X = np.meshgrid(np.arange(5.0), np.arange(7.0), indexing="ij")
LATITUDE, LONGITUDE = 40 + Y + 0.1 * X, 5 + X - 0.2 * Y


def rotated() -> xr.Dataset:
    """As a regional model writes it: a rotated pole, and the true places of its points."""
    values = 280 + np.arange(70.0).reshape(2, 5, 7)
    return xr.Dataset(
        {
            "tas": (("time", "rlat", "rlon"), values, {"units": "K", "grid_mapping": "rotated_pole"}),
            "rotated_pole": ((), 0, {"grid_mapping_name": "rotated_latitude_longitude"}),
        },
        {
            "time": np.array(["2001-01-01", "2001-01-02"], "M8[ns]"),
            "rlat": ("rlat", np.arange(5.0), {"standard_name": "grid_latitude", "units": "degrees"}),
            "rlon": ("rlon", np.arange(7.0), {"standard_name": "grid_longitude", "units": "degrees"}),
            "lat": (("rlat", "rlon"), LATITUDE, {"units": "degrees_north"}),
            "lon": (("rlat", "rlon"), LONGITUDE, {"units": "degrees_east"}),
        },
    )


def test_fields_pass_in_their_order_and_get_their_places_back() -> None:
    dataset = rotated()
    places = curvilinear_places(dataset, "mine.nc")
    assert places is not None
    assert places.dims == ("rlat", "rlon")
    analysis = on_own_places(canonicalise(on_stand_in_axes(dataset, places), ["t2m"]), places)
    assert analysis["t2m"].dims == ("time", "row", "column")
    np.testing.assert_array_equal(analysis["t2m"], dataset["tas"])
    np.testing.assert_array_equal(analysis["latitude"], LATITUDE)
    assert dataset["tas"].attrs["grid_mapping"] == "rotated_pole"  # whoever opened it keeps it as it was


def test_places_may_be_stored_the_other_way_round() -> None:
    dataset = rotated()
    dataset["lon"] = dataset["lon"].transpose()
    places = curvilinear_places(dataset, "mine.nc")
    assert places is not None
    np.testing.assert_array_equal(places.longitude, LONGITUDE)


def test_other_grids_are_none_of_it() -> None:
    plain = xr.Dataset({"t2m": (("lat", "lon"), np.zeros((3, 4)))}, {"lat": np.arange(3.0), "lon": np.arange(4.0)})
    assert curvilinear_places(plain, "mine.nc") is None
    assert curvilinear_places(rotated().drop_vars("lon"), "mine.nc") is None


def test_points_without_a_place_are_refused() -> None:
    dataset = rotated()
    dataset["lat"].values[0, 0] = np.nan
    with pytest.raises(InvalidDataError, match=r"mine\.nc: expected a latitude and a longitude of each point"):
        curvilinear_places(dataset, "mine.nc")
    dataset["lat"].values[0, 0] = 95
    with pytest.raises(InvalidDataError, match=r"mine\.nc: expected latitudes in -90\.\.90, found 95"):
        curvilinear_places(dataset, "mine.nc")


def test_files_must_share_their_grid() -> None:
    places = Places(("y", "x"), LATITUDE, LONGITUDE)
    places.check_same(Places(("j", "i"), LATITUDE + 1e-6, LONGITUDE), "other.nc")
    with pytest.raises(InvalidDataError, match=r"other\.nc: expected one curvilinear grid .* another longitude"):
        places.check_same(Places(("y", "x"), LATITUDE, LONGITUDE + 1), "other.nc")
