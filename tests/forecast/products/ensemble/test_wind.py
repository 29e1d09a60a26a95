"""Wind speed, direction and felt temperatures against published values."""

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from forecast.products.ensemble.wind import apparent_temperature, wind_chill, wind_direction, wind_speed


def field(values: object, units: str) -> xr.DataArray:
    array = np.asarray(values, np.float64)
    return xr.DataArray(array, dims="point", coords={"point": np.arange(array.size)}, attrs={"units": units})


def test_speed_and_the_direction_it_blows_from() -> None:
    u, v = field([0, -5, 0, 5, 3, 0, np.nan], "m s-1"), field([-5, 0, 5, 0, 4, 0, 1], "m s-1")
    np.testing.assert_allclose(wind_speed(u, v), [5, 5, 5, 5, 5, 0, np.nan])
    direction = wind_direction(u, v)
    np.testing.assert_allclose(direction[:5], [0, 90, 180, 270, np.rad2deg(np.arctan2(3, 4)) + 180])
    assert np.isnan(direction[5:]).all()
    assert direction.attrs["standard_name"] == "wind_from_direction"


def test_the_direction_is_never_360() -> None:
    u, v = field([1e-12, 1e-30], "m s-1").astype(np.float32), field([-5, -5], "m s-1").astype(np.float32)
    direction = wind_direction(u, v)
    assert direction.dtype == np.float32
    assert direction.values.tolist() == [0.0, 0.0]


def test_speed_and_direction_give_the_components_back() -> None:
    rng = np.random.default_rng(0)
    u, v = field(rng.normal(0, 8, 500), "m s-1"), field(rng.normal(0, 8, 500), "m s-1")
    speed, towards = wind_speed(u, v), np.deg2rad(wind_direction(u, v) + 180)
    np.testing.assert_allclose(speed * np.sin(towards), u, atol=1e-9)
    np.testing.assert_allclose(speed * np.cos(towards), v, atol=1e-9)


@pytest.mark.parametrize(
    ("celsius", "km_h", "chill"),
    [(0, 10, -3), (-10, 30, -20), (-20, 50, -35), (-40, 20, -56), (5, 5, 4), (-30, 80, -52)],
)
def test_the_published_table_of_wind_chill(celsius: float, km_h: float, chill: float) -> None:
    found = wind_chill(field([celsius + 273.15], "K"), field([km_h / 3.6], "m s-1"))
    assert round(found.item() - 273.15) == chill


def test_no_wind_chill_where_it_is_not_defined() -> None:
    temperature = field([283.2, 260.0, 260.0, np.nan], "K")
    found = wind_chill(temperature, field([20, 1.3, np.nan, 5], "m s-1"))
    np.testing.assert_array_equal(found, [283.2, 260.0, np.nan, np.nan])


def test_apparent_temperature_follows_its_formula() -> None:
    temperature, dewpoint, speed = field([303.15], "K"), field([293.15], "K"), field([2.0], "m s-1")
    vapour_pressure_hpa = 23.4  # at 20 degrees Celsius, of published tables
    expected = 30 + 0.33 * vapour_pressure_hpa - 0.7 * 2 - 4
    found = apparent_temperature(temperature, dewpoint, speed)
    assert found.item() - 273.15 == pytest.approx(expected, abs=0.05)
    assert apparent_temperature(temperature, dewpoint, speed + 5).item() == pytest.approx(found.item() - 3.5)


def test_lazy_stays_lazy() -> None:
    u = field(np.arange(6.0), "m s-1")
    cold = field(np.full(6, 263.0), "K")
    for product, first, second in ((wind_speed, u, u), (wind_direction, u, u), (wind_chill, cold, u)):
        lazy = product(first.chunk(point=2), second.chunk(point=3))
        assert lazy.chunks is not None
        np.testing.assert_allclose(lazy, product(first, second))


def test_another_unit_or_grid_is_refused() -> None:
    u, cold = field([1.0, 2.0], "m s-1"), field([263.0, 264.0], "K")
    with pytest.raises(InvalidDataError, match="v: expected unit 'm s-1', found 'knots'"):
        wind_speed(u, u.assign_attrs(units="knots"))
    with pytest.raises(InvalidDataError, match="temperature: expected unit 'K', found 'degC'"):
        wind_chill(cold.assign_attrs(units="degC"), u)
    with pytest.raises(InvalidDataError, match="speed: expected the 2 places"):
        apparent_temperature(cold, cold, u[:1])
