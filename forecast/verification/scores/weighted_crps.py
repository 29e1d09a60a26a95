"""The CRPS of outcomes that matter more than others: by the conditional distribution, or by kernels that are re-scaled.

`twcrps` weighs thresholds; the scores here weigh members and analysis by where they lie.
"""

import operator
from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, in_units_of
from forecast.verification.ensemble_pass.statistics import pass_precision, point_statistics
from forecast.verification.set_aside import combined, placed
from forecast.verification.thresholds import Threshold, comparison_precision, exceeds, limits
from forecast.verification.variables import expanded, where
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
    ends = _ends(forecast, analysis, lower, upper)
    values = _outcome_weighted(forecast, analysis, ends, member_dim, fair=fair, skip_missing=skip_missing)
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
    ends = _ends(forecast, analysis, lower, upper)
    middle = centre if isinstance(centre, xr.DataArray) else xr.DataArray(centre)
    found: xr.Variable = xr.apply_ufunc(
        _rescaled,
        *(each.variable for each in (forecast, analysis, *ends, middle)),
        kwargs={"fair": fair, "skip_missing": skip_missing},
        input_core_dims=[[member_dim], [], [], [], []],
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    values = placed(found.transpose(*analysis.dims, ...), analysis, *ends, middle)
    return in_units_of(forecast, weighted_mean(values, reduce, weights, skip_missing=skip_missing).rename("vrcrps"))


def _ends(
    forecast: xr.DataArray, analysis: xr.DataArray, lower: Threshold | None, upper: Threshold | None
) -> tuple[xr.DataArray, xr.DataArray]:
    """Ends of the interval in the precision of the fields, infinite where it is open."""
    precision = comparison_precision(forecast, analysis)
    low = limits("lower", -np.inf if lower is None else lower, precision)
    high = limits("upper", np.inf if upper is None else upper, precision)
    if lower is not None and upper is not None and bool(combined(operator.gt, low, high).any()):
        raise UnscorableError("lower: expected it at or below upper, found values above")
    return low, high


def _outcome_weighted(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    ends: tuple[xr.DataArray, xr.DataArray],
    member_dim: Hashable | None,
    *,
    fair: bool,
    skip_missing: bool,
) -> xr.DataArray:
    within, seen, known = xr.apply_ufunc(
        _outcomes,
        *(each.variable for each in (forecast, analysis, *ends)),
        kwargs={"skip_missing": skip_missing},
        input_core_dims=[[member_dim], [], [], []],
        output_core_dims=[[member_dim], [], []],
        dask="parallelized",
        output_dtypes=[pass_precision(forecast), bool, bool],
    )
    observed = placed(expanded(analysis.variable, seen.sizes), analysis, *ends)
    statistics = point_statistics(placed(within, *ends), observed, member_dim, "crps", skip_missing=True)

    def outcomes(score: xr.Variable) -> xr.Variable:
        return where(where(score.astype(np.float64), seen, 0.0), known).transpose(*analysis.dims, ...)

    return combined(outcomes, statistics["fair_crps" if fair else "crps"])


def _inside(field: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether values lie in the interval, its ends included; missing values do not."""
    return np.asarray(exceeds(field, low, strict=False) & ~exceeds(field, high))


def _outcomes(
    ensemble: NDArray[Any], analysis: NDArray[Any], low: NDArray[Any], high: NDArray[Any], *, skip_missing: bool
) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
    """Members within, NaN where they are not; whether the analysis is; and whether both are known."""
    inside = _inside(ensemble, low[..., None], high[..., None])
    within = np.where(inside, ensemble, pass_precision(ensemble).type(np.nan))
    seen, missing = _inside(analysis, low, high), np.isnan(ensemble)
    unknown = np.isnan(analysis) | (missing.all(axis=-1) if skip_missing else missing.any(axis=-1))
    return within, seen, np.broadcast_to(~unknown, seen.shape)


@np.errstate(invalid="ignore", divide="ignore")
def _rescaled(
    ensemble: NDArray[Any], analysis: NDArray[Any], low: NDArray[Any], high: NDArray[Any], centre: NDArray[Any],
    *, fair: bool, skip_missing: bool,
) -> NDArray[np.float64]:  # fmt: skip
    """Kernel score of members and analysis, both rescaled to 0 outside, the centre being 0."""
    missing, inside = np.isnan(ensemble), _inside(ensemble, low[..., None], high[..., None])
    seen = _inside(analysis, low, high).astype(np.float64)
    members = np.where(inside, ensemble.astype(np.float64) - centre[..., None], 0.0)
    observed = np.where(seen > 0, analysis.astype(np.float64) - centre, 0.0)
    count = np.count_nonzero(~missing, axis=-1)
    enough = (count > (1 if fair else 0)) & (skip_missing | (count == missing.shape[-1])) & ~np.isnan(analysis)
    number = np.where(enough, count, np.nan)
    within = np.count_nonzero(inside, axis=-1)
    mass, far = within / number, np.abs(members).sum(axis=-1) / number
    distance = np.abs(members - np.where(inside, observed[..., None], 0.0)).sum(axis=-1) / number * seen
    pairs = _pairs_within(members, inside, within) / number**2
    outside = (far - np.abs(observed)) * (mass - seen)
    if fair:
        pairs = pairs * number / (number - 1)
        outside = outside - far * (1 - mass) / (number - 1)
    return np.asarray(distance - pairs + outside)


def _pairs_within(
    members: NDArray[np.float64], inside: NDArray[np.bool_], within: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Sum over pairs of the members within of |x_i - x_j|: the sum of (2 k + 1 - m) x_(k), k from 0 on."""
    ranked = np.sort(np.where(inside, members, np.inf), axis=-1)
    rank, count = np.arange(members.shape[-1]), within[..., None]
    return np.asarray(np.where(rank < count, (2 * rank + 1 - count) * ranked, 0.0).sum(axis=-1))
