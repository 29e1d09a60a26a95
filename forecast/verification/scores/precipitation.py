"""SEEPS, the score of 24-hour precipitation."""

from collections.abc import Hashable

import numpy as np
import xarray as xr

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims
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
    dry = dry_fraction.where((dry_fraction >= DRY_LIMITS[0]) & (dry_fraction <= DRY_LIMITS[1]))
    wet, heavy = (
        limits("dry_threshold", dry_threshold, precision),
        limits("heavy_threshold", heavy_threshold, precision),
    )
    predicted, observed = (_category(field, heavy, wet) for field in (forecast, analysis))
    penalty = xr.zeros_like(predicted)
    for (ours, theirs), cost in _seeps_costs(dry).items():
        penalty = penalty + ((predicted == ours) & (observed == theirs)) * cost
    penalty = penalty.where(predicted.notnull() & observed.notnull())
    values = penalty.mean([member_dim], skipna=skip_missing)
    values = values.transpose(*(dim for dim in forecast.dims if dim != member_dim))
    return weighted_mean(values, reduce, weights, skip_missing=skip_missing).rename("seeps").drop_attrs()


def _category(field: xr.DataArray, heavy: xr.DataArray, wet: xr.DataArray) -> xr.DataArray:
    """Category of precipitation: 0 is dry, 1 light, 2 heavy; NaN where it is missing."""
    is_wet = exceeds(field, wet)
    category = is_wet.astype(np.float64) + (is_wet & exceeds(field, heavy)).astype(np.float64)
    return category.where(field.notnull() & heavy.notnull())


def _seeps_costs(dry: xr.DataArray) -> dict[tuple[int, int], xr.DataArray]:
    """Cost of each pair of categories, (forecast, analysed); see `_category`."""
    return {
        (0, 1): 1 / (1 - dry) / 2,
        (0, 2): 4 / (1 - dry) / 2,
        (1, 0): 1 / dry / 2,
        (1, 2): 3 / (1 - dry) / 2,
        (2, 0): (1 / dry + 3 / (2 + dry)) / 2,
        (2, 1): 3 / (2 + dry) / 2,
        **{(same, same): 0 * dry for same in range(3)},
    }
