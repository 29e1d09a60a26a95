"""Days that fit better elsewhere."""

import numpy as np
import pytest

from data_catalog.quality.order import order, season_shift


@pytest.fixture
def course() -> np.ndarray:
    """A smooth random course of 60 days in 6 dimensions."""
    noise = np.random.default_rng(0).standard_normal((75, 6))
    return np.stack([np.convolve(one, np.ones(16) / 4, "valid") for one in noise.T], axis=1)


def test_neighbours_exchanged(course) -> None:
    follows = np.arange(60) > 0
    course[[30, 31]] = course[[31, 30]]
    gain = order(course, follows)["swapped"].values
    assert set(np.argsort(np.nan_to_num(gain))[-2:]) == {30, 31}
    assert gain[30] > 1.1


def test_a_day_put_elsewhere(course) -> None:
    follows = np.arange(60) > 0
    clean = np.nanmax(order(course, follows)["elsewhere"].values)
    course[[12, 40]] = course[[40, 12]]
    gain = order(course, follows)["elsewhere"].values
    assert min(gain[12], gain[40]) > 2 * clean


def test_a_season_that_fits_better() -> None:
    found = season_shift({-30: 3.0, 0: 2.0, 30: 1.0}, 5)["season shift"]
    assert found.values.tolist() == [2.0] * 5
    assert "30 days later" in found.reason
