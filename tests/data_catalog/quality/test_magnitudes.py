"""Magnitudes that a variable has anywhere."""

from dataclasses import replace

import numpy as np
import pytest

from data_catalog.quality.magnitudes import magnitudes


@pytest.mark.parametrize("name", ["z500", "t850", "msl", "u850", "tp24"])
def test_right_units_lie_within(weather, name: str) -> None:
    assert all(one.values.max() < 1 for one in magnitudes(name, weather).values())


@pytest.mark.parametrize(("name", "factor"), [("u850", 25.0), ("tp24", 1e-3), ("tp24", 1 / 86400), ("msl", 0.9)])
def test_wrong_units_lie_outside(weather, name: str, factor: float) -> None:
    wrong = replace(weather, values={name: weather.values[name] * np.float32(factor)})
    assert max(one.values.max() for one in magnitudes(name, wrong).values()) > 1


def test_a_few_days_say_nothing(weather) -> None:
    assert magnitudes("msl", weather.at(slice(0, 10))) == {}
