"""How far a measure may lie off by chance: from the weather of the validation period, and nothing of the model."""

import math

import scipy.stats
import xarray as xr

CHANCE = 0.01
"""Probability that a gate fails a perfect ensemble, by some figure of it."""


def relative_scatter(samples: xr.DataArray) -> xr.DataArray:
    """Standard deviation of a positive measure between times, relative to its mean.

    Args:
        samples: The measure along `time`, at least 2, of the weather of the validation period.

    Returns:
        A number for each of the other dimensions.
    """
    scatter: xr.DataArray = samples.std("time", ddof=1) / samples.mean("time")
    return scatter


def quantile_of_chance(figures: int) -> float:
    """Return how many standard errors off one of many figures may be, so that all hold with probability 0.99.

    Args:
        figures: How many there are, at least 1.

    Source: Bonferroni's inequality
    """
    return float(scipy.stats.norm.ppf(1 - CHANCE / (2 * figures)))


def ratio_limits(
    scatter: xr.DataArray, starts: xr.DataArray | int, members: int, tolerance: float
) -> tuple[xr.DataArray, xr.DataArray]:
    """Limits of ratios of two means over starts, one of them of members and the other of analyses.

    Args:
        scatter: Relative scatter of the denominator between starts, by figure.
        starts: How many starts the means are over.
        members: How many members the numerator is a mean over, which adds 1 / members to the variance.
        tolerance: Factor above 1 that a ratio may be off in any case.

    Returns:
        Lower and upper limit: the factor that chance allows, or the tolerance where that is more.
    """
    error = scatter * ((1 + 1 / members) / starts) ** 0.5
    off = (quantile_of_chance(max(error.size, 1)) * error).clip(min=math.log(tolerance))
    return xr.ufuncs.exp(-off), xr.ufuncs.exp(off)


def mean_limits(
    scatter: xr.DataArray, starts: xr.DataArray | int, ideal: float, tolerance: float
) -> tuple[xr.DataArray, xr.DataArray]:
    """Limits of means over starts.

    Args:
        scatter: Standard deviation between starts, by figure.
        starts: How many starts the means are over.
        ideal: What a perfect ensemble has.
        tolerance: How far off a mean may be in any case.

    Returns:
        Lower and upper limit.
    """
    off = (quantile_of_chance(max(scatter.size, 1)) * scatter / starts**0.5).clip(min=tolerance)
    return ideal - off, ideal + off
