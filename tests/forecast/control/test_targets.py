"""Values beyond thresholds follow the free forecast's distribution cut off there; what lies too far is refused."""

import numpy as np
import pytest
from scipy.stats import truncnorm

from data_catalog.errors import ConfigurationError
from forecast.control.targets import Bounds, Prior, check_reachable, distance, draw_values

ONE = Prior(np.array([10.0]), np.array([[4.0]]))
TWO = Prior(np.array([0.0, 1.0]), np.array([[1.0, 0.8], [0.8, 2.0]]))
FREE = np.random.default_rng(0)


@pytest.mark.parametrize(("lower", "upper"), [(-np.inf, 8.0), (13.0, np.inf), (9.0, 10.5), (-np.inf, 1.0)])
def test_a_threshold_cuts_the_normal_distribution_and_keeps_the_order(lower: float, upper: float) -> None:
    free = np.sort(FREE.normal(10.0, 2.0, 4000))
    bounds = Bounds(np.array([lower]), np.array([upper]))
    values = np.array([draw_values(ONE, bounds, np.array([each]), FREE)[0] for each in free])
    expected = truncnorm((lower - 10) / 2, (upper - 10) / 2, 10, 2)
    np.testing.assert_allclose(values.mean(), expected.mean(), atol=0.1)
    np.testing.assert_allclose(values.std(), expected.std(), atol=0.1)
    assert (values >= lower).all()
    assert (values <= upper).all()
    assert (np.diff(values) >= 0).all()


def test_two_thresholds_follow_the_joint_distribution() -> None:
    bounds = Bounds(np.array([0.5, -np.inf]), np.array([np.inf, 1.0]))
    sample = FREE.multivariate_normal(TWO.mean, TWO.covariance, 100000)
    inside = sample[(sample >= bounds.lower).all(1) & (sample <= bounds.upper).all(1)]
    values = np.array([draw_values(TWO, bounds, free, FREE) for free in sample[:600]])
    np.testing.assert_allclose(values.mean(0), inside.mean(0), atol=0.12)
    np.testing.assert_allclose(np.cov(values.T), np.cov(inside.T), atol=0.15)


def test_a_threshold_beside_an_observed_value_follows_the_conditional_distribution() -> None:
    bounds = Bounds(np.array([1.0, 2.0]), np.array([1.0, np.inf]))
    values = np.array([draw_values(TWO, bounds, TWO.mean, FREE) for _ in range(400)])
    assert (values[:, 0] == 1.0).all()
    mean, std = 1.0 + 0.8, (2.0 - 0.64) ** 0.5
    np.testing.assert_allclose(values[:, 1].mean(), truncnorm((2 - mean) / std, np.inf, mean, std).mean(), atol=0.12)


def test_the_distance_is_that_of_the_nearest_values_that_meet_all() -> None:
    assert distance(TWO, Bounds(np.array([-np.inf, 0.0]), np.array([1.0, np.inf]))) < 1e-6
    assert distance(ONE, Bounds(np.array([16.0]), np.array([16.0]))) == pytest.approx(3.0, rel=1e-4)
    both = Bounds(np.array([2.0, -2.0]), np.array([2.0, -2.0]))
    apart = np.array([2.0, -3.0])
    assert distance(TWO, both) == pytest.approx((apart @ np.linalg.solve(TWO.covariance, apart)) ** 0.5, rel=1e-4)


def test_a_threshold_beyond_the_forecast_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'msl': expected one within 5 .* is 10 with spread 2, found one 6.0"):
        check_reachable(ONE, Bounds(np.array([22.0]), np.array([np.inf])), ["msl"])
    check_reachable(ONE, Bounds(np.array([19.0]), np.array([np.inf])), ["msl"])


def test_conditions_that_exclude_each_other_are_refused_together() -> None:
    alike = Prior(np.zeros(2), np.array([[1.0, 0.999], [0.999, 1.0]]))
    with pytest.raises(ConfigurationError, match=r"one and other: .* they contradict each other"):
        check_reachable(alike, Bounds(np.array([1.0, -np.inf]), np.array([np.inf, -1.0])), ["one", "other"])


def test_a_quantity_that_nothing_moves_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected a quantity that varies"):
        check_reachable(Prior(np.zeros(1), np.zeros((1, 1))), Bounds(np.ones(1), np.ones(1)), ["q"])
