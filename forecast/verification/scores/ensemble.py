"""Scores of the ensemble as a whole: the CRPS of its distribution, and the errors of its mean."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, in_units_of
from forecast.verification.ensemble_pass.statistics import point_statistics
from forecast.verification.set_aside import combined
from forecast.verification.weighting import weighted_mean


@aligned(members="optional")
def crps(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    fair: bool = True,
    member_weights: xr.DataArray | None = None,
) -> xr.DataArray:
    """Continuous ranked probability score of an ensemble.

    With members x_i, their number M and the analysis y:

        mean over i of |x_i - y|  -  (sum over i < j of |x_i - x_j|) / (M (M - 1))

    Args:
        forecast: Ensemble (`member_dim` and any other dimensions), or a forecast without members; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over, such as `("latitude", "longitude")`; empty gives one score a
            point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike. A point of weight 0 does not count,
            whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.
        fair: True scores the distribution that the members are drawn from, whatever their number, and is NaN for one
            member; False scores the members as if they were all there is, with M M in place of M (M - 1).
        member_weights: Weights of the members, 0 or more, on `member_dim` and any dimensions of `analysis`, such as by
            lead time in a lagged ensemble; only their ratios matter. None weighs each alike.

    Returns:
        Score in the unit of `forecast`, on the dimensions that are left. Smaller is better; a fair score can be
        negative.

    Raises:
        UnscorableError: `forecast` and `analysis` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Ferro (2014), doi:10.1002/qj.2270; Hersbach (2000), doi:10.1175/1520-0434(2000)015<0559:DOTCRP>2.0.CO;2
    """
    if member_weights is None:
        statistics = point_statistics(forecast, analysis, member_dim, "crps", skip_missing=skip_missing)
        values = statistics["fair_crps" if fair else "crps"]
    else:
        values = crps_of_weighted_members(
            forecast, analysis, member_weights, member_dim=member_dim, fair=fair, skip_missing=skip_missing
        )
    values = values.rename("crps")
    return in_units_of(forecast, weighted_mean(values, reduce, weights, skip_missing=skip_missing))


@aligned(members="optional")
def ensemble_mean_rmse(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Root mean square error of the ensemble mean: sqrt(mean of (m - y)^2), with the mean m of the members.

    Args:
        forecast: Ensemble (`member_dim` and any other dimensions), or a forecast without members; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over, before the root is taken, such as `("latitude", "longitude")`;
            empty gives the absolute error of each point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike. A point of weight 0 does not count,
            whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.

    Returns:
        Error in the unit of `forecast`, on the dimensions that are left. Smaller is better.

    Raises:
        UnscorableError: `forecast` and `analysis` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Jolliffe and Stephenson (2012), Forecast Verification, doi:10.1002/9781119960003
    """
    error = _error(forecast, analysis, member_dim, skip_missing)
    squares = combined(lambda each: each.astype(np.float64) ** 2, error)
    mean = weighted_mean(squares, reduce, weights, skip_missing=skip_missing)
    return in_units_of(forecast, combined(np.sqrt, mean).rename("rmse"))


rmse = ensemble_mean_rmse
"""The same by its common name."""


@aligned(members="optional")
def bias(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Mean error of the ensemble mean: mean of m - y, with the mean m of the members.

    Args:
        forecast: Ensemble (`member_dim` and any other dimensions), or a forecast without members; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
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
        Error in the unit of `forecast`, on the dimensions that are left; positive where the forecast is too high.

    Raises:
        UnscorableError: `forecast` and `analysis` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Jolliffe and Stephenson (2012), Forecast Verification, doi:10.1002/9781119960003
    """
    error = _error(forecast, analysis, member_dim, skip_missing)
    return in_units_of(forecast, weighted_mean(error, reduce, weights, skip_missing=skip_missing).rename("bias"))


@aligned(members="optional")
def mae(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Mean absolute error of the ensemble mean: mean of |m - y|, with the mean m of the members.

    Args:
        forecast: Ensemble (`member_dim` and any other dimensions), or a forecast without members; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
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
        Error in the unit of `forecast`, on the dimensions that are left. Smaller is better.

    Raises:
        UnscorableError: `forecast` and `analysis` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Jolliffe and Stephenson (2012), Forecast Verification, doi:10.1002/9781119960003
    """
    error = combined(abs, _error(forecast, analysis, member_dim, skip_missing))
    return in_units_of(forecast, weighted_mean(error, reduce, weights, skip_missing=skip_missing).rename("mae"))


def _error(forecast: xr.DataArray, analysis: xr.DataArray, member_dim: Hashable, skip_missing: bool) -> xr.DataArray:
    statistics = point_statistics(forecast, analysis, member_dim, "error", skip_missing=skip_missing)
    return statistics["error"]


def crps_of_weighted_members(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    member_weights: xr.DataArray,
    *,
    member_dim: Hashable | None,
    fair: bool,
    skip_missing: bool,
) -> xr.DataArray:
    """CRPS of members that count unequally, at each point.

    Args:
        forecast: Ensemble on the grid of `analysis`, as `aligned` hands it to a score.
        analysis: Verifying analysis, likewise.
        member_weights: Weights of the members, 0 or more, on `member_dim` and any other dimensions.
        member_dim: Name of the dimension of the members.
        fair: Score the distribution that the members are drawn from, rather than the members alone.
        skip_missing: Score a point by the members that it has; otherwise a missing one of any weight makes it NaN.

    Returns:
        Float64 on the dimensions of `analysis`, then on those that `member_weights` alone has.
    """
    values: xr.DataArray = xr.apply_ufunc(
        _weighted_crps,
        forecast,
        analysis,
        member_weights,
        kwargs={"fair": fair, "skip_missing": skip_missing},
        input_core_dims=[[member_dim], [], [member_dim]],
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return values.transpose(*analysis.dims, ...)


@np.errstate(invalid="ignore")
def _weighted_crps(
    ensemble: NDArray[Any], analysis: NDArray[Any], weights: NDArray[Any], *, fair: bool, skip_missing: bool
) -> NDArray[np.float64]:
    """CRPS over the last axis; differences from the smallest member keep digits where values share a large offset."""
    members, weight = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (ensemble, weights)))
    missing = np.isnan(members)
    spoiled = np.asarray((missing & (weight > 0)).any(axis=-1, keepdims=True) & (not skip_missing))
    weight = np.where(missing, 0.0, weight)
    total = weight.sum(axis=-1, keepdims=True)
    share = weight / np.where((total > 0) & ~spoiled, total, np.nan)
    smallest = np.where(weight > 0, members, np.inf).min(axis=-1, keepdims=True)
    smallest = np.where(np.isfinite(smallest), smallest, 0.0)
    centred = np.where(weight > 0, members - smallest, 0.0)
    error = (share * np.abs(centred - (np.asarray(analysis, dtype=np.float64)[..., None] - smallest))).sum(axis=-1)
    pairs = weighted_pairs(centred, share)
    if fair:
        spare = 1 - (share**2).sum(axis=-1)
        pairs = pairs / np.where(spare > 1e-12, spare, np.nan)
    return np.asarray(error - pairs)


def weighted_pairs(members: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over i < j of w_i w_j |x_i - x_j|.

    Args:
        members: Members x along the last axis, in any order, none missing.
        share: Their weights w, in the same shape.
    """
    order = np.argsort(members, axis=-1)
    ranked, portion = np.take_along_axis(members, order, axis=-1), np.take_along_axis(share, order, axis=-1)
    lower = np.cumsum(portion, axis=-1) - portion
    mass = np.cumsum(portion * ranked, axis=-1) - portion * ranked
    return np.asarray((portion * (ranked * lower - mass)).sum(axis=-1))
