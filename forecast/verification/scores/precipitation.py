"""SEEPS, the score of 24-hour precipitation."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, without_unit
from forecast.verification.set_aside import placed
from forecast.verification.thresholds import Threshold, comparison_precision, exceeds, limits
from forecast.verification.weighting import weighted_mean

DRY_LIMITS = (0.1, 0.85)
"""Smallest and largest share of dry days for which SEEPS is defined."""


@aligned(members="optional")
def seeps(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    dry_fraction: xr.DataArray,
    heavy_threshold: xr.DataArray,
    dry_threshold: Threshold = 0.25,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Stable equitable error in probability space (SEEPS) of 24-hour precipitation, averaged over the members.

    Each member pays a cost for every pair of categories (dry, light or heavy) that it and the analysis fall into.

    Args:
        forecast: Ensemble (`member_dim` and any other dimensions), or a forecast without members; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        dry_fraction: Climatological share p1 of dry days, 0 to 1, on any dimensions of `analysis`. Points at which it
            is outside 0.1 to 0.85 have no score: `skip_missing=True` leaves them out of an average.
        heavy_threshold: Climatological limit between light and heavy precipitation, on any dimensions of `analysis`, in
            the unit of `forecast`; light precipitation is twice as frequent as heavy.
        dry_threshold: Largest precipitation that counts as dry, in the unit of `forecast`; the default is for mm.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over, such as `("latitude", "longitude")`; empty gives one score a
            point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike. A point of weight 0 does not count,
            whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.

    Returns:
        Error without unit, on the dimensions that are left: 0 is perfect, 1 has no skill.

    Raises:
        UnscorableError: `forecast`, `analysis`, `dry_fraction` and `heavy_threshold` do not fit together, or `reduce`
            or `weights` do not fit them.

    Source: Rodwell et al. (2010), doi:10.1002/qj.656, equation 15
    """
    precision = comparison_precision(forecast, analysis)
    wet = limits("dry_threshold", dry_threshold, precision)
    heavy = limits("heavy_threshold", heavy_threshold, precision)
    fields = forecast, analysis, dry_fraction, heavy, wet
    penalty: xr.Variable = xr.apply_ufunc(
        _penalty,
        *(field.variable for field in fields),
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    places = [dim for dim in penalty.dims if dim != member_dim and dim in forecast.dims]
    mean = penalty.mean([member_dim], skipna=skip_missing).transpose(*places, ...)
    values = placed(mean, *fields)
    return without_unit(weighted_mean(values, reduce, weights, skip_missing=skip_missing), "seeps")


def _penalty(
    forecast: NDArray[Any], analysis: NDArray[Any], dry: NDArray[Any], heavy: NDArray[Any], wet: NDArray[Any]
) -> NDArray[np.float64]:
    """Cost of the category that was forecast, given that which was observed."""
    with np.errstate(divide="ignore", invalid="ignore"):
        costs = _costs(np.where((dry >= DRY_LIMITS[0]) & (dry <= DRY_LIMITS[1]), dry, np.nan))
    predicted, observed = (_category(field, heavy, wet) for field in (forecast, analysis))
    found = np.asarray(0.0)
    for (ours, theirs), cost in costs.items():
        found = np.where((predicted == ours) & (observed == theirs), cost, found)
    unknown = np.isnan(forecast) | np.isnan(analysis) | np.isnan(heavy) | np.isnan(costs[0, 0])
    return np.where(unknown, np.nan, found)


def _category(field: NDArray[Any], heavy: NDArray[Any], wet: NDArray[Any]) -> NDArray[np.int8]:
    """0 is dry, 1 light, 2 heavy precipitation."""
    is_wet = exceeds(field, wet)
    return np.asarray(is_wet.astype(np.int8) + (is_wet & exceeds(field, heavy)))


def _costs(dry: NDArray[Any]) -> dict[tuple[int, int], NDArray[Any]]:
    """Costs by category forecast and category observed; none where they are the same."""
    return {
        (0, 0): 0 * dry,
        (0, 1): 1 / (1 - dry) / 2,
        (0, 2): 4 / (1 - dry) / 2,
        (1, 0): 1 / dry / 2,
        (1, 2): 3 / (1 - dry) / 2,
        (2, 0): (1 / dry + 3 / (2 + dry)) / 2,
        (2, 1): 3 / (2 + dry) / 2,
    }
