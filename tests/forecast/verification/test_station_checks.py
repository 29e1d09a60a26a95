"""Gross errors of observations: each kind is found where it was planted, and weather is left alone."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification import LIMITS, UnscorableError, gross_errors, without_gross_errors
from forecast.verification.station_checks import BOUNDS, FROZEN, NEIGHBOURS, SPIKE

STATIONS, HOURS = 40, 96


@pytest.fixture
def network() -> xr.Dataset:
    """Stations within 300 km of each other: a daily cycle, weather that all share, height, and noise of each."""
    rng = np.random.default_rng(0)
    hours = np.arange(HOURS)
    shared = 6 * np.sin(2 * np.pi * hours / 24) + np.cumsum(rng.normal(0, 0.5, HOURS))
    elevation = rng.uniform(0, 1500, STATIONS)
    values = 280 + shared - 0.0065 * elevation[:, None] + rng.normal(0, 0.7, (STATIONS, HOURS))
    times = np.datetime64("2019-02-17", "ns") + hours * np.timedelta64(1, "h")
    places = {
        "latitude": ("station", 50 + rng.uniform(-1, 1, STATIONS)),
        "longitude": ("station", 8 + rng.uniform(-1.5, 1.5, STATIONS)),
        "elevation": ("station", elevation),
    }
    return xr.Dataset({"t2m": (("station", "time"), values)}, {"time": times, **places})


def checked(network: xr.Dataset, **options: float) -> xr.Dataset:
    coords = network["latitude"], network["longitude"]
    elevation = network["elevation"]
    return gross_errors(network["t2m"], *coords, limits=LIMITS["t2m"], elevation=elevation, **options)


def test_weather_is_not_suspect_and_every_check_was_made(network: xr.Dataset) -> None:
    network["t2m"][3, 5] = np.nan
    found = checked(network)
    assert int(found["suspect"].sum()) == 0
    inside = found["measured"].isel(time=slice(1, -1))
    assert int((inside == BOUNDS + SPIKE + FROZEN + NEIGHBOURS).sum()) >= inside.size - 3
    assert int(found["measured"][3, 5]) == 0
    assert not int(found["measured"][3, 4]) & SPIKE


@pytest.mark.parametrize(("size", "reasons"), [(85.0, BOUNDS + SPIKE + NEIGHBOURS), (15.0, SPIKE + NEIGHBOURS)])
def test_a_wrong_value_is_found_alone(network: xr.Dataset, size: float, reasons: int) -> None:
    network["t2m"][7, 50] += size
    found = checked(network)
    assert int(found["suspect"][7, 50]) == reasons
    found["suspect"][7, 50] = 0
    assert int(found["suspect"].sum()) == 0, "the values around it are good"


def test_a_station_that_is_always_wrong_is_seen_by_its_neighbours(network: xr.Dataset) -> None:
    network["t2m"][7] += 20.0
    found = checked(network)
    assert (found["suspect"][7] == NEIGHBOURS).all()
    assert int(found["suspect"].drop_isel(station=7).sum()) == 0


def test_a_frozen_sensor_is_seen_only_while_the_neighbours_change(network: xr.Dataset) -> None:
    network["t2m"][7, 20:44] = network["t2m"][7, 20]
    assert (checked(network)["suspect"][7, 20:44] & FROZEN).all()
    network["t2m"][:] = network["t2m"].isel(time=0)
    assert int((checked(network)["suspect"] & FROZEN).sum()) == 0


def test_height_explains_what_it_can(network: xr.Dataset) -> None:
    network["t2m"][7] += -0.0065 * (4000 - network["elevation"][7])
    network["elevation"][7] = 4000.0
    assert int(checked(network)["suspect"].sum()) == 0
    flat = network.assign(elevation=xr.zeros_like(network["elevation"]))
    assert (checked(flat)["suspect"][7] & NEIGHBOURS).all()


def test_without_neighbours_the_other_checks_remain(network: xr.Dataset) -> None:
    network["t2m"][7, 50] += 15.0
    found = checked(network, radius_km=1.0)
    assert int(found["suspect"][7, 50]) == SPIKE
    assert set(np.unique(found["measured"])) == {BOUNDS, BOUNDS + SPIKE}


def test_dimensions_may_stand_in_any_order(network: xr.Dataset) -> None:
    network["t2m"][7, 50] += 15.0
    turned = checked(network.transpose("time", "station"))
    assert turned["suspect"].dims == ("time", "station")
    xr.testing.assert_equal(turned.transpose("station", "time"), checked(network))


def test_what_cannot_be_checked_is_named(network: xr.Dataset) -> None:
    with pytest.raises(UnscorableError, match="expected at least one value, found none"):
        checked(network.assign(t2m=network["t2m"] * np.nan))
    with pytest.raises(UnscorableError, match="an evenly spaced time"):
        checked(network.isel(time=[0, 1, 3]))


def test_a_station_of_unknown_height_has_no_neighbours_and_is_none(network: xr.Dataset) -> None:
    """Taken for one at sea level, it would be suspect, and make those around it so."""
    network["t2m"][7] -= 0.0065 * (3000 - network["elevation"][7])
    network["elevation"][7] = np.nan
    found = checked(network)
    assert int(found["suspect"].sum()) == 0
    assert not (found["measured"][7] & (NEIGHBOURS + FROZEN)).any()
    assert (found["measured"].drop_isel(station=7) & NEIGHBOURS).any()


def test_what_is_left_out_is_counted(network: xr.Dataset) -> None:
    observed = network["t2m"].assign_coords({name: network[name] for name in ("latitude", "longitude", "elevation")})
    observed = observed.copy()
    observed[3, 10] = 365.0
    found = without_gross_errors(observed, "t2m")
    assert (found.checked, found.left_out) == (STATIONS * HOURS, 1)
    assert found.suspect["bounds"] == 1
    assert found.measured["neighbours"] == STATIONS * HOURS
    assert bool(found.values.isnull()[3, 10])
    alone = without_gross_errors(observed.drop_vars(["latitude", "longitude", "elevation"]), "t2m")
    assert (alone.left_out, alone.measured["neighbours"]) == (1, 0)
    with pytest.raises(UnscorableError, match="expected one of t2m"):
        without_gross_errors(observed, "smoke")
    with pytest.raises(UnscorableError, match="found none"):
        without_gross_errors(observed.drop_vars(["latitude", "longitude"]) * np.nan, "t2m")
