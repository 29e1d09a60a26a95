"""Calibrated distributions as members again, which keep the order of the raw ones across leads and places."""

import numpy as np

from forecast.postprocessing.distributions import DISTRIBUTIONS, Array
from forecast.postprocessing.emos import Regression


def ensemble_copula_coupling(raw: Array, calibrated: Array) -> Array:
    """Arrange calibrated values in the order of the raw members: ECC.

    Args:
        raw: Members (..., member).
        calibrated: As many values (..., member), in any order.

    Returns:
        The calibrated values (..., member), the smallest in the place of the smallest raw member and so on; raw members
        that are equal keep the order of their numbers.

    Source: Schefzik et al. (2013), doi:10.1214/13-STS443
    """
    ranks = np.argsort(np.argsort(raw, axis=-1, kind="stable"), axis=-1, kind="stable")
    return np.take_along_axis(np.sort(calibrated, axis=-1), ranks, axis=-1)


def quantile_members(raw: Array, regression: Regression, predictors: Array) -> Array:
    """Members at the quantiles (i - 1/2) / M of the predictive distribution, in the order of the raw ones: ECC-Q.

    Args:
        raw: Members (case, member).
        regression: The calibration.
        predictors: Of the mean (case, predictor).

    Returns:
        Members (case, member): those M values whose CRPS is smallest on average.

    Source: Schefzik et al. (2013), doi:10.1214/13-STS443, section 3.2; Bröcker (2012), doi:10.1002/qj.1891 (levels)
    """
    size = raw.shape[-1]
    mean, deviation, shift = (each[:, None] for each in regression.parameters(predictors, raw.var(-1, ddof=1)))
    levels = (np.arange(1, size + 1) - 0.5) / size
    values = DISTRIBUTIONS[regression.distribution].quantile(mean, deviation, shift, levels)
    return ensemble_copula_coupling(raw, values)


def scaled_members(raw: Array, regression: Regression, predictors: Array) -> Array:
    """Members moved and scaled one by one about the predictive mean: member by member.

    x'_i = mu + tau (x_i - mean x), where tau brings (M + 1) / M times the variance of the members to the
    predictive one,
    so that ratios of distances between members stay.

    Args:
        raw: Members (case, member).
        regression: The calibration.
        predictors: Of the mean (case, predictor).

    Returns:
        Members (case, member); all equal to the mean where the raw ones are equal.

    Source: Van Schaeybroeck and Vannitsem (2015), doi:10.1002/qj.2397
    """
    size = raw.shape[-1]
    mean, deviation, _ = regression.parameters(predictors, raw.var(-1, ddof=1))
    spread = np.maximum(raw.std(-1, ddof=1), 1e-9)
    tau = deviation * np.sqrt(size / (size + 1)) / spread
    return np.asarray(mean[:, None] + tau[:, None] * (raw - raw.mean(-1, keepdims=True)))
