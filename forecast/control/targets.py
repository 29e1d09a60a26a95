"""What each member is conditioned on: an observed value with an error drawn for it, or a value beyond a threshold.

A condition is on s = q + e, the member's own quantity and the error of the observation. For an observed value s is that
value. For a threshold s is drawn from its distribution in the free forecast, cut off at the threshold, so that members
differ beyond it as the forecast says: few are far beyond. A single threshold keeps the members' order.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear
from scipy.special import ndtr, ndtri
from scipy.stats import chi2

from data_catalog.errors import ConfigurationError

Array = NDArray[np.float64]
MOST_DISTANT = 5.0
"""Standard deviations from the free forecast beyond which a single condition is refused: about 3 in 10 million."""
SWEEPS = 50
"""Sweeps of the Gibbs sampler over several conditions."""


@dataclass(frozen=True)
class Prior:
    """The Gaussian distribution of q + e in the free forecast.

    Attributes:
        mean: (condition,).
        covariance: (condition, condition).
    """

    mean: Array
    covariance: Array


@dataclass(frozen=True)
class Bounds:
    """The interval that q + e is to lie in; lower and upper are equal for an observed value.

    Attributes:
        lower: (condition,), minus infinity for none.
        upper: (condition,), infinity for none.
    """

    lower: Array
    upper: Array


def distance(prior: Prior, bounds: Bounds) -> float:
    """Return how far the nearest values that meet all conditions lie from the mean, in standard deviations.

    Args:
        prior: Distribution without conditions.
        bounds: The conditions.

    Returns:
        Mahalanobis distance; 0 if the mean itself meets them.
    """
    scale = np.sqrt(np.diag(prior.covariance))
    correlation = prior.covariance / np.outer(scale, scale)
    lower, upper = ((each - prior.mean) / scale for each in (bounds.lower, bounds.upper))
    root = np.linalg.inv(np.linalg.cholesky(correlation + 1e-9 * np.eye(len(scale))))
    equal = lower == upper
    found = lsq_linear(root, np.zeros(len(scale)), (lower - 1e-9 * equal, upper + 1e-9 * equal))
    return float(np.sqrt(2.0 * found.cost))


def check_reachable(prior: Prior, bounds: Bounds, names: list[str]) -> None:
    """Refuse conditions that hardly any member of a free forecast would meet.

    Args:
        prior: Distribution without conditions.
        bounds: The conditions.
        names: Each condition as text.

    Raises:
        ConfigurationError: One of them, or all together, lie too far from the forecast; or nothing moves a quantity.
    """
    spread = np.sqrt(np.diag(prior.covariance))
    for number, name in enumerate(names):
        mean, std = prior.mean[number], spread[number]
        if not std > 0:
            raise ConfigurationError(
                f"condition '{name}': expected a quantity that varies, found {mean:.6g} everywhere"
            )
        short = max(bounds.lower[number] - mean, mean - bounds.upper[number], 0.0) / std
        if short > MOST_DISTANT:
            raise ConfigurationError(
                f"condition '{name}': expected one within {MOST_DISTANT:g} standard deviations of the forecast, which "
                f"is {mean:.6g} with spread {std:.3g}, found one {short:.1f} away: no member would reach it"
            )
    joint = distance(prior, bounds)
    limit = float(np.sqrt(chi2.isf(2 * ndtr(-MOST_DISTANT), len(names))))
    if joint > limit:
        raise ConfigurationError(
            f"conditions {' and '.join(names[:4])}{' ...' if len(names) > 4 else ''}: expected ones that the forecast "
            f"can meet together, within {limit:.1f} standard deviations, found {joint:.1f}: they contradict each other"
        )


def draw_values(prior: Prior, bounds: Bounds, free: Array, generator: np.random.Generator) -> Array:
    """Draw values of q + e that meet all conditions, from the Gaussian of the free forecast cut off at them.

    Args:
        prior: Distribution without conditions.
        bounds: The conditions; they are reachable.
        free: The member's own values, (condition,); with one condition its rank in `prior` is kept.
        generator: Randomness of the member.

    Returns:
        (condition,).

    Source: Gibbs sampling of the truncated multivariate normal distribution, Geweke (1991)
    """
    values = np.clip(free, bounds.lower, bounds.upper)
    precision = np.linalg.inv(prior.covariance)
    open_ones = np.flatnonzero(bounds.lower < bounds.upper)
    for _ in range(SWEEPS if len(values) > 1 else 1):
        for number in open_ones:
            apart = values - prior.mean
            apart[number] = 0.0
            mean = prior.mean[number] - precision[number] @ apart / precision[number, number]
            std = precision[number, number] ** -0.5
            rank = ndtr((free[number] - mean) / std) if len(values) == 1 else generator.uniform()
            values[number] = _truncated(mean, std, bounds.lower[number], bounds.upper[number], rank)
    return np.asarray(values)


def _truncated(mean: float, std: float, lower: float, upper: float, rank: float) -> float:
    """Quantile of a normal distribution cut off at two bounds; computed in the tail that holds them."""
    sign = 1.0 if lower + upper < 2 * mean or np.isinf(lower) else -1.0
    low, high = sorted((sign * (lower - mean) / std, sign * (upper - mean) / std))
    share = rank if sign > 0 else 1.0 - rank
    below, above = ndtr(low), ndtr(high)
    return float(np.clip(mean + sign * std * ndtri(below + share * (above - below)), lower, upper))
