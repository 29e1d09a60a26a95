import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from data_catalog.errors import InvalidDataError
from data_catalog.layout.coordinates import with_ascending_latitude, with_continuous_longitude


def _marked(longitude: np.ndarray) -> xr.Dataset:
    """Each value says its own place on the circle."""
    return xr.Dataset({"place": ("longitude", np.mod(np.round(longitude, 9), 360.0))}, {"longitude": longitude})


@given(columns=st.integers(4, 40), turn=st.integers(-3, 3), shift=st.integers(0, 39), backwards=st.booleans())
def test_global_longitudes_come_out_alike(columns: int, turn: int, shift: int, backwards: bool) -> None:
    longitude = np.arange(columns) * 360.0 / columns
    given_order = np.roll(longitude, shift) + 360.0 * turn
    found = with_continuous_longitude(_marked(given_order[::-1] if backwards else given_order), "x")
    np.testing.assert_allclose(found["longitude"], longitude, atol=1e-8)
    np.testing.assert_allclose(found["place"], longitude, atol=1e-8)


@given(start=st.integers(-180, 179), columns=st.integers(1, 30), wrap=st.booleans())
def test_regions_stay_in_one_piece(start: int, columns: int, wrap: bool) -> None:
    longitude = start + 5.0 * np.arange(columns)
    found = with_continuous_longitude(_marked(np.mod(longitude, 360.0) if wrap else longitude), "x")
    np.testing.assert_allclose(found["longitude"], longitude)
    np.testing.assert_allclose(found["place"], np.mod(longitude, 360.0))


@pytest.mark.parametrize("turn", [0.0, 360.0])
@pytest.mark.parametrize("rounding", [-0.0003, -5e-10, 0.0003])
def test_a_longitude_rounded_below_zero_comes_first_as_zero_does(turn: float, rounding: float) -> None:
    longitude = np.arange(0.0, 360.0, 10.0)
    rounded = np.array([rounding + turn, *longitude[1:]])
    found = with_continuous_longitude(_marked(longitude).assign_coords(longitude=rounded), "x")
    np.testing.assert_allclose(found["longitude"], longitude, atol=4e-4)
    np.testing.assert_array_equal(found["place"], longitude)


def test_columns_just_west_of_zero_that_are_no_rounding_stay_the_last() -> None:
    longitude = np.arange(0.0, 360.0, 10.0)
    found = with_continuous_longitude(_marked(longitude - 0.01), "x")
    np.testing.assert_allclose(found["longitude"], [*longitude[1:] - 0.01, 359.99])


def test_the_same_longitude_twice_is_refused() -> None:
    with pytest.raises(InvalidDataError, match=r"file.nc: expected each longitude once, found (360 and 0|0 and 360)"):
        with_continuous_longitude(_marked(np.array([0.0, 10.0, 360.0, 20.0])), "file.nc")


@pytest.mark.parametrize("longitude", [np.arange(0.0, 361.0, 10.0), np.arange(-180.0, 181.0, 10.0)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_cyclic_column_is_left_out_if_it_repeats_the_first(longitude: np.ndarray, chunked: bool) -> None:
    marked = _marked(longitude)
    found = with_continuous_longitude(marked.chunk() if chunked else marked, "x")
    assert found["longitude"].values.tolist() == found["place"].values.tolist() == np.arange(0.0, 360.0, 10.0).tolist()
    marked["place"][-1] += 1.0
    with pytest.raises(InvalidDataError, match=r"x: place: expected the same values at .*, the same place, found"):
        with_continuous_longitude(marked, "x")


def test_longitudes_in_order_keep_their_last_bits() -> None:
    longitude = np.arange(-70.0, 10.0, 10.0 / 7.0)
    found = with_continuous_longitude(_marked(longitude), "x")
    assert found["longitude"].values.tobytes() == longitude.tobytes()


def test_latitude_is_turned_to_ascend() -> None:
    latitude = np.array([60.0, 30.0, 0.0])
    found = with_ascending_latitude(xr.Dataset({"place": ("latitude", latitude)}, {"latitude": latitude}), "x")
    assert found["latitude"].values.tolist() == found["place"].values.tolist() == [0.0, 30.0, 60.0]


@pytest.mark.parametrize("latitude", [[0.0, 20.0, 10.0], [10.0, 10.0, 20.0], [80.0, 90.0, 100.0], [0.0, np.nan, 2.0]])
def test_latitude_that_makes_no_sense_is_refused(latitude: list[float]) -> None:
    with pytest.raises(InvalidDataError, match=r"file\.nc.*latitude"):
        with_ascending_latitude(xr.Dataset(coords={"latitude": latitude}), "file.nc")
