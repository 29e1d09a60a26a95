"""Regressions find planted coefficients, and refuse what they cannot be fitted to."""

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError
from forecast.postprocessing.emos import Sample, fit_regression


def planted(distribution: str, number: int = 20000) -> Sample:
    rng = np.random.default_rng(3)
    mean = rng.gamma(2.0, 2.0, number) + 2
    variance = rng.gamma(3.0, 0.5, number)
    centre, deviation = 0.5 + 0.8 * mean, np.sqrt(0.6**2 + 1.2**2 * variance)
    if distribution == "censored-gamma":
        observed = np.maximum(rng.gamma((centre / deviation) ** 2, deviation**2 / centre) - 0.7, 0)
    else:
        observed = centre + deviation * rng.normal(size=number)
        kept = observed >= 0 if distribution == "truncated-normal" else np.ones(number, bool)
        mean, variance, observed = mean[kept], variance[kept], observed[kept]
    return Sample(np.stack([np.ones(mean.size), mean], -1), variance, observed, mean.size)


@pytest.mark.parametrize("distribution", ["normal", "truncated-normal", "censored-gamma"])
def test_planted_coefficients_are_found(distribution: str) -> None:
    found = fit_regression(planted(distribution), distribution)
    assert found.mean == pytest.approx((0.5, 0.8), abs=0.15)
    assert found.mean[1] == pytest.approx(0.8, abs=0.04)
    assert found.deviation == pytest.approx((0.6, 1.2), abs=0.15)
    if distribution == "censored-gamma":
        assert found.shift == pytest.approx(0.7, abs=0.2)


def test_what_cannot_be_fitted() -> None:
    with pytest.raises(ConfigurationError, match="expected at least 20 cases, found 5"):
        fit_regression(planted("normal", 5), "normal")
    with pytest.raises(ConfigurationError, match="distribution: expected one of normal"):
        fit_regression(planted("normal"), "cauchy")
