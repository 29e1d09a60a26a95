"""Weighted quantiles in a window of days round the year."""

import numpy as np
import pytest

from data_catalog.statistics.windowed_quantiles import windowed_quantiles

YEAR = 40
QUANTILES = np.array([0.0, 0.05, 0.3, 0.5, 0.9, 1.0])
EQUAL = np.where(np.arange(YEAR // 2 + 1) <= 4, 1.0, 0.0)
TRIANGLE = np.clip(1 - np.arange(YEAR // 2 + 1) / 7, 0, None)


def series(years: int = 5, points: int = 3) -> tuple[np.ndarray, np.ndarray]:
    days = np.tile(np.arange(YEAR), years)
    return np.random.default_rng(1).standard_normal((len(days), points)).astype(np.float32), days


def near(days: np.ndarray, day: int) -> np.ndarray:
    apart = np.abs(days - day)
    return np.minimum(apart, YEAR - apart)


def test_equal_weights_give_the_quantiles_of_hazen() -> None:
    values, days = series()
    found = windowed_quantiles(values, days, EQUAL, QUANTILES)
    assert found.shape == (len(QUANTILES), YEAR, 3)
    for day in (0, 3, 17, YEAR - 1):
        expected = np.quantile(values[near(days, day) <= 4], QUANTILES, axis=0, method="hazen")
        np.testing.assert_allclose(found[:, day], expected, atol=1e-6)


def test_a_weight_of_two_is_a_value_twice_in_the_middle() -> None:
    """With weights 1 and 2, places are the middles of one and two units of weight."""
    days = np.array([10, 11])
    values = np.array([[0.0], [6.0]], np.float32)
    weights = np.zeros(YEAR // 2 + 1)
    weights[:2] = 2.0, 1.0
    found = windowed_quantiles(values, days, weights, np.array([0.1, 1 / 3, 0.5, 2 / 3, 0.9]))[:, 10, 0]
    np.testing.assert_allclose(found, [0.0, 0.0, 2.0, 4.0, 6.0], atol=1e-5)


def test_missing_values_count_for_nothing() -> None:
    values, days = series(points=2)
    kept = np.random.default_rng(2).random(len(days)) < 0.6
    values[~kept, 0] = np.nan
    found = windowed_quantiles(values, days, TRIANGLE, QUANTILES)
    expected = windowed_quantiles(values[kept], days[kept], TRIANGLE, QUANTILES)
    np.testing.assert_array_equal(found[..., 0], expected[..., 0])
    values[:, 0] = np.nan
    assert np.isnan(windowed_quantiles(values, days, TRIANGLE, QUANTILES)[..., 0]).all()


def test_quantiles_ascend_and_stay_between_the_extremes() -> None:
    values, days = series()
    found = windowed_quantiles(values, days, TRIANGLE, QUANTILES)
    assert (np.diff(found, axis=0) >= 0).all()
    assert found.min() >= values.min()
    assert found.max() <= values.max()
    day = 20
    inside = values[near(days, day) < 7]
    assert found[0, day].tolist() == pytest.approx(inside.min(axis=0).tolist())
