"""Days that fit better elsewhere."""

import numpy as np
import pytest

from data_catalog.quality.order import fit_course, order, season_shift

FOLLOWS = np.arange(120) > 0


@pytest.fixture
def weather() -> dict[str, np.ndarray]:
    """A random course of 120 days in two channels of 6 points, each a Markov process."""
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.standard_normal((12, 12)))[0]
    states = [rng.standard_normal(12)]
    for _ in range(119):
        states.append(0.8 * turn @ states[-1] + 0.6 * rng.standard_normal(12))
    whole = np.stack(states)
    return {"msl": whole[:, :6], "t850": whole[:, 6:]}


def exchanged(weather: dict[str, np.ndarray], one: int, other: int) -> dict[str, np.ndarray]:
    places = np.arange(120)
    places[[one, other]] = other, one
    return {name: values[places] for name, values in weather.items()}


def test_neighbours_exchanged(weather) -> None:
    course = fit_course(weather, FOLLOWS)
    assert np.nanmax(order(weather, FOLLOWS, course)["swapped"].values) < 1
    gain = order(exchanged(weather, 30, 31), FOLLOWS, course)["swapped"].values
    assert set(np.argsort(np.nan_to_num(gain))[-2:]) == {30, 31}
    assert gain[30] > 1.8


def test_a_day_put_elsewhere(weather) -> None:
    course = fit_course(weather, FOLLOWS)
    clean = np.nanmax(order(weather, FOLLOWS, course)["elsewhere"].values)
    gain = order(exchanged(weather, 12, 40), FOLLOWS, course)["elsewhere"].values
    assert clean < 1.75
    assert min(gain[12], gain[40]) > 2 * clean


def test_across_a_gap_nothing_is_compared(weather) -> None:
    course = fit_course(weather, FOLLOWS)
    follows = FOLLOWS.copy()
    follows[60] = False
    found = order(weather, follows, course)
    assert np.isnan(found["elsewhere"].values[[59, 60]]).all()
    assert np.isnan(order(weather, np.zeros(120, bool), course)["swapped"].values).all()


def test_too_few_times_teach_nothing(weather) -> None:
    assert fit_course({name: one[:80] for name, one in weather.items()}, FOLLOWS[:80]) is None


def test_a_season_or_an_hour_that_fits_better() -> None:
    found = season_shift({-720: 3.0, 0: 2.0, 720: 1.0}, 5)["season shift"]
    assert found.values.tolist() == [2.0] * 5
    assert "30 days later" in found.reason
    assert "6 h earlier" in season_shift({-6: 1.0, 0: 2.0, 6: 3.0}, 5)["season shift"].reason
