"""Steps at each point in NumPy have known answers."""

import numpy as np
import pytest

from forecast.verification.ensemble_pass import points_numpy


def test_an_interval_is_scored_by_its_width_and_by_what_misses_it() -> None:
    low, high, analysis = np.zeros(4), np.ones(4), np.array([0.5, 1.5, -1.0, np.nan])
    score, width, above, below, inside = points_numpy.interval_parts(low, high, analysis, scale=4.0)
    np.testing.assert_array_equal(score, [1, 3, 5, np.nan])
    np.testing.assert_array_equal(width, [1, 1, 1, np.nan])
    np.testing.assert_array_equal(above, [0, 2, 0, np.nan])
    np.testing.assert_array_equal(below, [0, 0, 4, np.nan])
    np.testing.assert_array_equal(inside, [1, 0, 0, np.nan])


@pytest.mark.parametrize(("direction", "analysis", "turn"), [(1, 359, 2), (359, 1, -2), (180, 0, -180), (10, 730, 0)])
def test_a_turn_takes_the_shorter_way(direction: int, analysis: int, turn: int) -> None:
    found = points_numpy.turns(np.array([direction]), np.array([analysis]))[:, 0]
    assert found.tolist() == [turn, abs(turn), turn**2]


def test_losses_of_the_median_are_half_the_error() -> None:
    found = points_numpy.pinball(np.array([[2.0]]), np.array([5.0]), np.array([0.5]))
    assert found.tolist() == [[1.5]]
    assert points_numpy.quantile_integral(
        np.array([[2.0]]), np.array([5.0]), np.array([0.5]), np.array([1.0])
    ).tolist() == [3.0]


def test_skill_is_missing_where_the_reference_is_perfect() -> None:
    np.testing.assert_array_equal(points_numpy.skills(np.ones(2), np.array([0.0, 2.0]), 0.0), [np.nan, 0.5])
