"""Scores of the ensemble as a whole: the CRPS of its distribution, and the errors of its mean."""

from collections.abc import Hashable

import numpy as np
import xarray as xr

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, in_units_of
from forecast.verification.ensemble_pass.statistics import ensemble_statistics
from forecast.verification.weighting import weighted_mean


@aligned()
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
) -> xr.DataArray:
    """Continuous ranked probability score of an ensemble.

    With members x_i, their number M and the analysis y:

        mean over i of |x_i - y|  -  (sum over i < j of |x_i - x_j|) / (M (M - 1))

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
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

    Returns:
        Score in the unit of `forecast`, on the dimensions that are left. Smaller is better; a fair score can be
        negative.

    Raises:
        UnscorableError: `forecast` and `analysis` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Ferro (2014), doi:10.1002/qj.2270; Hersbach (2000), doi:10.1175/1520-0434(2000)015<0559:DOTCRP>2.0.CO;2
    """
    statistics = ensemble_statistics(forecast, analysis, member_dim=member_dim, skip_missing=skip_missing)
    values = statistics["fair_crps" if fair else "crps"].rename("crps")
    return in_units_of(forecast, weighted_mean(values, reduce, weights, skip_missing=skip_missing))


@aligned()
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
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
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
    squares = weighted_mean(error.astype(np.float64) ** 2, reduce, weights, skip_missing=skip_missing)
    return in_units_of(forecast, (squares**0.5).rename("rmse"))


@aligned()
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
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
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


@aligned()
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
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
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
    error = abs(_error(forecast, analysis, member_dim, skip_missing))
    return in_units_of(forecast, weighted_mean(error, reduce, weights, skip_missing=skip_missing).rename("mae"))


def _error(forecast: xr.DataArray, analysis: xr.DataArray, member_dim: Hashable, skip_missing: bool) -> xr.DataArray:
    statistics = ensemble_statistics(forecast, analysis, member_dim=member_dim, skip_missing=skip_missing, ranked=False)
    return statistics["error"]
