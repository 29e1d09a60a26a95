"""Spread corrections widen under-dispersive ensembles, and are shrunk if little is known."""

import numpy as np

from forecast.calibration.spread_law import LARGEST_LOG, SpreadLaw

HOURS = np.arange(1, 11) * 24.0


def test_factors_widen_what_is_too_narrow_and_are_shrunk():
    neutral = SpreadLaw.neutral(2, HOURS)
    np.testing.assert_array_equal(neutral.factors(), np.ones((2, 10)))
    narrow = np.log(np.array([[0.8] * 10, [1.0] * 10]))
    sure = neutral.towards_reliable(narrow, np.full((2, 10), 0.01)).factors()
    unsure = neutral.towards_reliable(narrow, np.full((2, 10), 0.3)).factors()
    assert 1.2 < sure[0].mean() < 1.27
    assert 1.0 < unsure[0].mean() < sure[0].mean()
    assert abs(unsure[0] - unsure[1]).max() < abs(sure[0] - sure[1]).max()


def test_factors_relax_from_the_early_to_the_late_value():
    law = SpreadLaw(np.log([[1.5, 1.1]]), HOURS)
    factors = law.factors()[0]
    assert factors[0] == 1.5
    assert (np.diff(factors) < 0).all()
    assert abs(factors[-1] - 1.1) < 0.01


def test_halfway_is_the_mean_of_the_logarithms():
    half = SpreadLaw.neutral(1, HOURS).halfway_to(SpreadLaw(np.log([[1.44, 1.21]]), HOURS))
    np.testing.assert_allclose(half.factors()[0, 0], 1.2)


def test_a_factor_has_limits():
    law = SpreadLaw.neutral(1, HOURS).towards_reliable(np.full((1, 10), -9.0), np.full((1, 10), 0.01))
    np.testing.assert_allclose(law.factors(), np.exp(LARGEST_LOG))


def test_a_law_that_is_reliable_stays():
    law = SpreadLaw(np.log([[1.2, 1.1], [0.9, 1.0]]), HOURS)
    again = law.towards_reliable(np.zeros((2, 10)), np.full((2, 10), 1e-3))
    np.testing.assert_allclose(again.factors(), law.factors(), atol=0.03)
