"""The CRPS of outcomes that matter more than others: by the conditional distribution, or by kernels that are re-scaled.

`twcrps` weighs thresholds; the scores here weigh members and analysis by where they lie.
"""

from collections.abc import Hashable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, in_units_of
from forecast.verification.scores.ensemble import crps_of_weighted_members, weighted_pairs
from forecast.verification.thresholds import Threshold, comparison_precision, exceeds, limits
from forecast.verification.weighting import weighted_mean


@aligned()
def owcrps(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    lower: Threshold | None = None,
    upper: Threshold | None = None,
    fair: bool = True,
) -> xr.DataArray:
    """Outcome-weighted CRPS: the CRPS of the members within an interval where the analysis lies in it, else 0.

    It scores the distribution given that the outcome lies in the interval, not how probable that was: show the Brier
    score of the interval beside it.

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over; empty gives one score a point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score; None weighs each point alike. A
            point of weight 0 does not count, whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis, or
            members within; False makes every score NaN that such a point goes into.
        lower: Start of the interval, which holds it, in the unit of `forecast`: a number, several, or a DataArray on
            any dimensions of `analysis`; None leaves it open.
        upper: End of the interval, which holds it, likewise; None leaves it open.
        fair: True scores the distribution that the members within are drawn from, and is NaN for one; False scores
            those members as if they were all there is.

    Returns:
        Score in the unit of `forecast`, on the dimensions that are left. Smaller is better. NaN where the analysis
        lies in the interval and too few members do.

    Raises:
        UnscorableError: `lower` is above `upper`, `forecast` and `analysis` do not fit together, or `reduce` or
            `weights` do not fit them.

    Source: Holzmann and Klar (2017), doi:10.1214/17-AOAS1088; Allen et al. (2023), doi:10.1137/22M1532184
    """
    inside, seen = _inside(forecast, analysis, lower, upper)
    known = forecast.notnull()
    # A member that is not known cannot be left out for where it lies.
    chosen = inside.where(known, 1.0)
    values = crps_of_weighted_members(
        forecast, analysis, chosen, member_dim=member_dim, fair=fair, skip_missing=skip_missing
    )
    known = (known.any([member_dim]) if skip_missing else known.all([member_dim])) & analysis.notnull()
    values = values.where(seen > 0, 0.0).where(known).transpose(*analysis.dims, ...)
    return in_units_of(forecast, weighted_mean(values, reduce, weights, skip_missing=skip_missing).rename("owcrps"))


@aligned()
def vrcrps(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    lower: Threshold | None = None,
    upper: Threshold | None = None,
    centre: float | xr.DataArray = 0.0,
    fair: bool = True,
) -> xr.DataArray:
    """Vertically re-scaled CRPS: the CRPS with distances that count only between outcomes within an interval.

    With w = 1 within and 0 outside, it is the kernel score of

        |x - x'| w(x) w(x')  +  (|x - c| w(x) - |x' - c| w(x')) (w(x) - w(x'))

    Unlike `owcrps` it scores how probable the interval was, too, and needs no member within.

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over; empty gives one score a point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score; None is all ones. A point of weight
            0 does not count, whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.
        lower: Start of the interval (which holds it): a number, several, or a DataArray on any dimensions of
            `analysis`; None leaves it open.
        upper: End of the interval, likewise.
        centre: Value c that outcomes outside stand for: a number, or a DataArray on any dimensions of `analysis`. With
            the one end of a half-open interval the score is `twcrps`.
        fair: True scores the distribution that members are drawn from, and is NaN for one; False scores these alone.

    Returns:
        Score in the unit of `forecast`, on the dimensions that are left. Smaller is better.

    Raises:
        UnscorableError: `lower` is above `upper`, or arguments do not fit together.

    Source: Allen et al. (2023), doi:10.1137/22M1532184
    """
    inside, seen = _inside(forecast, analysis, lower, upper)
    fields = (field.astype(np.float64) - centre for field in (forecast, analysis))
    values = xr.apply_ufunc(
        _rescaled,
        *fields,
        inside,
        seen,
        kwargs={"fair": fair, "skip_missing": skip_missing},
        input_core_dims=[[member_dim], [], [member_dim], []],
        dask="parallelized",
        output_dtypes=[np.float64],
    ).transpose(*analysis.dims, ...)
    return in_units_of(forecast, weighted_mean(values, reduce, weights, skip_missing=skip_missing).rename("vrcrps"))


def _inside(
    forecast: xr.DataArray, analysis: xr.DataArray, lower: Threshold | None, upper: Threshold | None
) -> tuple[xr.DataArray, xr.DataArray]:
    """1 where members and analysis lie in the interval, its ends included, and 0 where they do not."""
    precision = comparison_precision(forecast, analysis)
    low, high = (
        None if end is None else limits(role, end, precision) for role, end in (("lower", lower), ("upper", upper))
    )
    if low is not None and high is not None and bool((low > high).any()):
        raise UnscorableError("lower: expected it at or below upper, found values above")
    parts = []
    for field in (forecast, analysis):
        part = xr.ones_like(field, dtype=bool)
        if low is not None:
            part = part & exceeds(field, low, strict=False)
        if high is not None:
            part = part & ~exceeds(field, high)
        parts.append(part.astype(np.float64))
    return parts[0], parts[1]


@np.errstate(invalid="ignore")
def _rescaled(
    ensemble: NDArray[np.float64], analysis: NDArray[np.float64], inside: NDArray[np.float64],
    seen: NDArray[np.float64], *, fair: bool, skip_missing: bool,
) -> NDArray[np.float64]:  # fmt: skip
    """Kernel score over the last axis of values less the centre."""
    members, weight = np.broadcast_arrays(ensemble, inside)
    missing = np.isnan(members)
    weight = np.where(missing, 0.0, weight)
    members, observed = np.where(weight > 0, members, 0.0), np.where(seen > 0, analysis, 0.0)
    count = np.count_nonzero(~missing, axis=-1)
    enough = (count > (1 if fair else 0)) & (skip_missing | ~missing.any(axis=-1)) & ~np.isnan(analysis)
    number = np.where(enough, count, np.nan)
    share = weight / number[..., None]
    distance = (share * np.abs(members - observed[..., None])).sum(axis=-1) * seen
    pairs = weighted_pairs(members, share)
    far, mass = (share * np.abs(members)).sum(axis=-1), share.sum(axis=-1)
    outside = (far - np.abs(observed)) * (mass - seen)
    if fair:
        pairs = pairs * number / (number - 1)
        outside = outside - far * (1 - mass) / (number - 1)
    return np.asarray(distance - pairs + outside)
