"""Channels without time."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from data_catalog.bundled import SPEEDY_SAMPLE
from data_catalog.quality.fields import Fields
from data_catalog.quality.statics import count_static, land_shares, static_faults


@pytest.fixture(scope="module")
def globe() -> Fields:
    with xr.open_dataset(SPEEDY_SAMPLE) as opened:
        static = {name: opened[name].values for name in ("orography", "lsm")}
        places = [opened[name].values.astype(float) for name in ("latitude", "longitude")]
    return Fields(np.array(["2001-01-01"], "datetime64[ns]"), *places, {}, static, 24)


def test_the_earth_is_right(globe) -> None:
    assert list(static_faults(globe)) == []
    assert count_static(globe) == 2


@pytest.mark.parametrize("name", ["orography", "lsm"])
@pytest.mark.parametrize(
    "turn", [lambda one: one[::-1], lambda one: one[:, ::-1], lambda one: np.roll(one, 32, 1), lambda one: 1 - one,
             lambda one: one * 0]
)  # fmt: skip
def test_turned_fields_are_found(globe, name, turn) -> None:
    wrong = replace(globe, static={**globe.static, name: turn(globe.static[name])})
    assert name in {found for found, _ in static_faults(wrong)}


def test_an_inverted_mask_of_a_region_is_found(weather) -> None:
    assert list(static_faults(weather)) == []
    wrong = replace(weather, static={**weather.static, "lsm": 1 - weather.static["lsm"]})
    assert [name for name, _ in static_faults(wrong)] == ["lsm"]


def test_heights_in_geopotential(globe) -> None:
    wrong = replace(globe, static={"orography": globe.static["orography"] * 9.80665})
    assert any("highest point" in words for _, words in static_faults(wrong))


def test_land_is_where_it_is() -> None:
    shares = land_shares(np.array([45.0, -30.0]), np.array([95.0, 345.0]))
    assert shares[0, 0] > 0.9
    assert shares[1, 1] == 0
