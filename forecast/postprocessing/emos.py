"""Ensemble model output statistics (nonhomogeneous regression), fitted by the smallest mean CRPS.

The predictive mean is linear in predictors that are known at the start, the predictive variance is linear in the
ensemble's: sigma^2 = c^2 + d^2 s^2. For precipitation, means are sums of terms of 0 or more.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.optimize import minimize

from data_catalog.errors import ConfigurationError
from forecast.postprocessing.distributions import DISTRIBUTIONS, Array

LEAST_CASES = 20
"""Fewest cases that a regression is fitted to."""
LEAST_DEVIATION = 1e-3
_MOST_ITERATIONS = 80


@dataclass(frozen=True)
class Sample:
    """Cases of one regression.

    Attributes:
        predictors: Of the mean (case, predictor); the first is 1, the second the ensemble mean.
        variance: Variance of the members (case).
        observation: What was observed (case).
        starts: Number of different starts, which are what is independent among the cases.
    """

    predictors: Array
    variance: Array
    observation: Array
    starts: int


@dataclass(frozen=True)
class Regression:
    """Coefficients of a regression.

    Attributes:
        distribution: Name of the family.
        mean: Coefficient of each predictor of the mean.
        deviation: c and d of the standard deviation sqrt(c^2 + d^2 s^2), 0 or more.
        shift: Shift of a censored gamma distribution; 0 of others.
    """

    distribution: str
    mean: tuple[float, ...]
    deviation: tuple[float, float]
    shift: float = 0.0

    def parameters(self, predictors: Array, variance: Array) -> tuple[Array, Array, Array]:
        """Mean, standard deviation and shift of the predictive distributions.

        Args:
            predictors: Of the mean (..., predictor).
            variance: Of the members (...).
        """
        mean = predictors @ np.asarray(self.mean)
        if self.distribution == "censored-gamma":
            mean = np.maximum(mean, LEAST_DEVIATION)
        return mean, _deviation(self.deviation, variance), np.full(mean.shape, self.shift)

    def crps(self, sample: Sample) -> float:
        """Mean CRPS over some cases.

        Args:
            sample: The cases.
        """
        given = self.parameters(sample.predictors, sample.variance)
        return float(DISTRIBUTIONS[self.distribution].crps(*given, sample.observation).mean())


def fit_regression(
    sample: Sample, distribution: str, *, match_spread: bool = True, correct_freedom: bool = False
) -> Regression:
    """Fit a regression by the smallest mean CRPS.

    Args:
        sample: Cases, all complete, at least `LEAST_CASES`.
        distribution: Name of the family, one of `DISTRIBUTIONS`.
        match_spread: Whether the standard deviations are then scaled by one factor, so that their mean square is that
            of the errors. Errors with heavier tails than the family otherwise leave too little spread. Done for normal
            distributions only.
        correct_freedom: Whether that mean square has as many degrees of freedom as there are starts less coefficients.

    Raises:
        ConfigurationError: Too few cases, or no such family.

    Source: Gneiting et al. (2005), doi:10.1175/MWR2904.1, section 3
    """
    if distribution not in DISTRIBUTIONS:
        raise ConfigurationError(f"distribution: expected one of {', '.join(DISTRIBUTIONS)}, found '{distribution}'")
    if sample.observation.size < LEAST_CASES:
        raise ConfigurationError(f"regression: expected at least {LEAST_CASES} cases, found {sample.observation.size}")
    if distribution == "censored-gamma":
        return _fit_gamma(sample)
    centre, width = sample.predictors.mean(0), sample.predictors.std(0)
    centre[0], width = 0.0, np.where(width > 1e-9, width, 1.0)
    scaled = (sample.predictors - centre) / width
    first, *_ = np.linalg.lstsq(scaled, sample.observation, rcond=None)
    error = float(np.std(sample.observation - scaled @ first)) + LEAST_DEVIATION
    spread = float(np.sqrt(sample.variance.mean())) + LEAST_DEVIATION
    begin = np.r_[first, 0.7 * error, 0.7 * error / spread]
    loss = _normal_loss if distribution == "normal" else _numeric_loss(distribution)
    found = minimize(
        loss, begin, args=(scaled, sample.variance, sample.observation), jac=distribution == "normal",
        method="L-BFGS-B", options={"maxiter": _MOST_ITERATIONS, "ftol": 1e-8},
    ).x  # fmt: skip
    mean = found[:-2] / width
    mean[0] -= float((found[1:-2] * centre[1:] / width[1:]).sum())
    fitted = Regression(distribution, tuple(mean.tolist()), (abs(float(found[-2])), abs(float(found[-1]))))
    return (
        _with_matched_spread(fitted, sample, correct_freedom) if match_spread and distribution == "normal" else fitted
    )


def _with_matched_spread(fitted: Regression, sample: Sample, correct_freedom: bool) -> Regression:
    mean, deviation, _ = fitted.parameters(sample.predictors, sample.variance)
    freedom = max(sample.starts - len(fitted.mean) - 2, sample.starts / 2) if correct_freedom else sample.starts
    squares = float(((sample.observation - mean) ** 2).mean()) * sample.starts / freedom
    factor = float(np.sqrt(squares / (deviation**2).mean()))
    c, d = fitted.deviation
    return Regression(fitted.distribution, fitted.mean, (c * factor, d * factor), fitted.shift)


def _deviation(coefficients: tuple[float, float] | Array, variance: Array) -> Array:
    c, d = coefficients
    return np.asarray(np.sqrt(c**2 + d**2 * variance + LEAST_DEVIATION**2))


def _normal_loss(found: Array, predictors: Array, variance: Array, observation: Array) -> tuple[float, Array]:
    """Mean CRPS of normal distributions, and its gradient."""
    deviation = _deviation(found[-2:], variance)
    z = (observation - predictors @ found[:-2]) / deviation
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    signed = _erf(z)
    score = deviation * (z * signed + 2 * density - 1 / np.sqrt(np.pi))
    to_deviation = (2 * density - 1 / np.sqrt(np.pi)) / deviation
    gradient = np.r_[-signed @ predictors, (to_deviation * found[-2]).sum(), to_deviation @ variance * found[-1]]
    return float(score.mean()), gradient / observation.size


def _erf(z: Array) -> NDArray[np.float64]:
    return np.asarray(special.erf(z / np.sqrt(2)))


def _numeric_loss(distribution: str) -> Callable[..., float]:
    family = DISTRIBUTIONS[distribution]

    def loss(found: Array, predictors: Array, variance: Array, observation: Array) -> float:
        deviation = _deviation(found[-2:], variance)
        return float(family.crps(predictors @ found[:-2], deviation, np.zeros(1), observation).mean())

    return loss


def _fit_gamma(sample: Sample) -> Regression:
    """Fit a censored gamma distribution, whose mean has coefficients of 0 or more.

    Source: Scheuerer and Hamill (2015), doi:10.1175/MWR-D-15-0061.1, with a linear mean
    """
    usual = float(sample.observation.mean()) + LEAST_DEVIATION
    number = sample.predictors.shape[1]
    begin = np.r_[
        np.sqrt(0.3 * usual), np.sqrt(0.7), np.full(number - 2, 0.1), np.sqrt(usual), 0.7, np.sqrt(0.3 * usual)
    ]
    family = DISTRIBUTIONS["censored-gamma"]

    def regression(found: Array) -> Regression:
        mean = tuple((found[:number] ** 2).tolist())
        return Regression("censored-gamma", mean, (abs(float(found[-3])), abs(float(found[-2]))), float(found[-1] ** 2))

    def loss(found: Array) -> float:
        mean, deviation, shift = regression(found).parameters(sample.predictors, sample.variance)
        return float(family.crps(mean, deviation, shift, sample.observation).mean())

    found = minimize(loss, begin, method="L-BFGS-B", options={"maxiter": _MOST_ITERATIONS, "ftol": 1e-8}).x
    return regression(found)
