"""Channels against the laws that tie them."""

from dataclasses import replace

import numpy as np
import pytest

from data_catalog.layout.variables import channel
from data_catalog.quality.physics import geopotential_at, geopotentials, physics


def _worst(fields) -> dict[str, float]:
    return {f"{name}: {kind}": float(one.values.max()) for name, kind, one in physics(fields)}


def test_weather_obeys(weather) -> None:
    found = _worst(weather)
    assert {"z500: layer 1000-500", "u850: geostrophic ratio", "t850: season north"} <= set(found)
    assert {kind: value for kind, value in found.items() if value > 1} == {}


@pytest.mark.parametrize(
    ("name", "change", "kind"),
    [
        ("z500", lambda one: one + 3000, "z500: layer 1000-500"),
        ("t850", lambda one: one + 15, "t850: layer 1000-500"),
        ("u850", lambda one: one * 1.944, "u850: geostrophic ratio"),
        ("u850", lambda one: one[:, ::-1], "u850: geostrophic agreement"),
    ],
)
def test_laws_are_broken(weather, name, change, kind) -> None:
    wrong = {**weather.values, name: np.ascontiguousarray(change(weather.values[name]), np.float32)}
    assert _worst(replace(weather, values=wrong))[kind] > 1


def test_half_a_year_off_is_out_of_season(weather) -> None:
    late = replace(weather, times=weather.times + np.timedelta64(182, "D"))
    assert _worst(late)["t850: season north"] > 1


def test_levels_in_the_wrong_order(weather) -> None:
    swapped = {"t850": weather.values["t850"], "t2m": weather.values["t850"] - 9}
    assert _worst(replace(weather, values=swapped))["t2m: t2m over t850"] > 1


def test_geopotential_between_levels(weather) -> None:
    levels = geopotentials(weather, {name: channel(name) for name in weather.values})
    assert list(levels) == [1000, 500]
    is_between, found = geopotential_at(levels, 850)
    assert is_between
    assert 12e3 < found.mean() < 15e3
    assert not geopotential_at(levels, 250)[0]
