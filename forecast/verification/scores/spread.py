"""Spread of the ensemble, by itself and against the error of its mean."""

from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, check_reduce, in_units_of, numbers, without_unit
from forecast.verification.ensemble_pass.statistics import point_statistics
from forecast.verification.scores.ranks import histogram
from forecast.verification.set_aside import combined
from forecast.verification.variables import filled, ratio, where
from forecast.verification.weighting import for_each_weight, point_weights, weighted_mean


@aligned()
def spread(
    forecast: xr.DataArray,
    analysis: xr.DataArray | None = None,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Spread of the ensemble: sqrt(mean of s^2), with the variance s^2 of the members (divided by M - 1).

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Says which points count: those where it is missing do not. None counts all.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over, before the root is taken, such as `("latitude", "longitude")`;
            empty gives the standard deviation at each point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike. A point of weight 0 does not count,
            whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.

    Returns:
        Spread in the unit of `forecast`, on the dimensions that are left; NaN for one member.

    Raises:
        UnscorableError: `forecast` and `analysis` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Fortin et al. (2014), doi:10.1175/JHM-D-14-0008.1
    """
    present = forecast.isel({member_dim: 0}, drop=True) if analysis is None else analysis
    variance = _moments(forecast, present, member_dim, skip_missing)["variance"].astype(np.float64)
    if analysis is not None:
        variance = combined(lambda field, seen: where(field, seen.notnull()), variance, analysis)
    mean = weighted_mean(variance, reduce, weights, skip_missing=skip_missing)
    return in_units_of(forecast, combined(np.sqrt, mean).rename("spread"))


@aligned()
def spread_skill_ratio(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    unbiased: bool = False,
) -> xr.DataArray:
    """Spread over error of the ensemble mean, corrected for the number M of members.

    With the variance s^2 of the members (divided by M - 1), their mean m and the analysis y:

        sqrt(mean of (M + 1) / M s^2  /  mean of (m - y)^2)

    Args:
        forecast: Ensemble of at least 2 members: `member_dim` and any other dimensions, in any order; NumPy or Dask
            inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over, before the ratio and the root are taken, such as
            `("latitude", "longitude")`; empty gives the ratio at each point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike. A point of weight 0 does not count,
            whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.
        unbiased: True takes sqrt(mean of s^2 / mean of ((m - y)^2 - s^2 / M)) instead, which estimates the ratio of an
            endless ensemble, and is NaN where the denominator is not positive.

    Returns:
        Ratio without unit, on the dimensions that are left: 1 if members and analysis are drawn alike, smaller if the
        ensemble is too sure of itself; NaN for one member.

    Raises:
        UnscorableError: `forecast` and `analysis` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Fortin et al. (2014), doi:10.1175/JHM-D-14-0008.1
    """
    moments = _moments(forecast, analysis, member_dim, skip_missing)
    fields = [moments[name] for name in ("variance", "error", "members")]
    above, below = (
        weighted_mean(combined(part, *fields), reduce, weights, skip_missing=skip_missing)
        for part in (partial(_inflated, unbiased=unbiased), partial(_squares, unbiased=unbiased))
    )
    return without_unit(combined(_root_ratio, above, below), "spread_skill_ratio")


def _inflated(variance: xr.Variable, error: xr.Variable, members: xr.Variable, *, unbiased: bool) -> xr.Variable:
    known, count = where(variance.astype(np.float64), error.notnull()), members.astype(np.float64)
    return known if unbiased else known * (count + 1) / count


def _squares(variance: xr.Variable, error: xr.Variable, members: xr.Variable, *, unbiased: bool) -> xr.Variable:
    squares = where(error.astype(np.float64) ** 2, variance.notnull())
    return squares - variance.astype(np.float64) / members.astype(np.float64) if unbiased else squares


@aligned()
def spread_skill_binned(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    edges: Sequence[float] | NDArray[np.float64],
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.Dataset:
    """Error of the ensemble mean in bins of the spread: is the error small where the ensemble says so?

    Args:
        forecast: Ensemble of at least 2 members: `member_dim` and any other dimensions, in any order; NumPy or Dask
            inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        edges: Edges of the bins of spread s (standard deviation of the members, divided by M - 1), increasing, in the
            unit of `forecast`; each bin holds its lower edge.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to collect points over, such as `("latitude", "longitude")`.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the points, 0 or more, on any dimensions of `analysis`, such as
            `area_weights(forecast["latitude"])`; None weighs each alike.
        skip_missing: True takes the members that are there, and leaves out points that lack the analysis; False makes
            all bins NaN that such a point could be in.

    Returns:
        Along `bin`, with its edges `lower` and `upper`, and the dimensions that are left: `spread`,
        sqrt(mean of (M + 1) / M s^2), and `rmse`, both in the unit of `forecast`, which are equal for a reliable
        ensemble; and the `weight` in the bin.

    Raises:
        UnscorableError: `edges` do not increase, `forecast` and `analysis` do not fit together, or `reduce` or
            `weights` do not fit them.

    Source: Leutbecher and Palmer (2008), doi:10.1016/j.jcp.2007.02.014
    """
    limits = numbers("edges", edges)
    if limits.size < 2 or not np.all(np.diff(limits) > 0):
        raise UnscorableError(f"edges: expected at least 2 increasing numbers, found {limits.tolist()}")
    moments = _moments(forecast, analysis, member_dim, skip_missing)
    check_reduce(reduce, moments["error"])
    fields = [moments[name] for name in ("variance", "error", "members")]
    chosen = combined(partial(_bin_of, limits=limits), moments["variance"])
    squares = [combined(partial(part, unbiased=False), *fields) for part in (_inflated, _squares)]
    known = combined(lambda field: field.notnull(), squares[0])

    def binned(weights: xr.DataArray | None) -> xr.Dataset:
        weight = point_weights(weights, chosen, known, skip_missing=skip_missing)
        return _binned(weight, squares, chosen, reduce, limits)

    result = for_each_weight(weights, chosen, binned).transpose("bin", ...)
    return result.assign({name: in_units_of(forecast, result[name]) for name in ("spread", "rmse")})


def _bin_of(variance: xr.Variable, *, limits: NDArray[np.float64]) -> xr.Variable:
    """Index of the class of each spread, from 1 on; 0 below the first, one more than there are at or above the last."""
    options: dict[str, Any] = {"dask": "parallelized", "output_dtypes": [np.int64]}
    found: xr.Variable = xr.apply_ufunc(
        lambda field: np.searchsorted(limits, np.nan_to_num(field.astype(np.float64)) ** 0.5, side="right"),
        variance,
        **options,
    )
    return found


def _binned(
    weight: xr.DataArray, squares: list[xr.DataArray], chosen: xr.DataArray, reduce: Dims, limits: NDArray[np.float64]
) -> xr.Dataset:
    parts = [weight, *(combined(_weighted, weight, field) for field in squares)]
    sums = [histogram(chosen, None, part, reduce, len(limits), along="bin") for part in parts]
    total, *others = (combined(_inner, each, sums[0]) for each in sums)
    spread, rmse = (combined(_root_ratio, other, total) for other in others)
    edges = {"lower": ("bin", limits[:-1]), "upper": ("bin", limits[1:])}
    return xr.Dataset({"spread": spread, "rmse": rmse, "weight": total}).assign_coords(edges)


def _inner(sums: xr.Variable, weights: xr.Variable) -> xr.Variable:
    """Sums of the classes between the edges, all missing where a point is."""
    return where(sums, weights.notnull().all("bin")).isel(bin=slice(1, -1))


def _root_ratio(above: xr.Variable, below: xr.Variable) -> xr.Variable:
    return ratio(above, below) ** 0.5


def _weighted(weight: xr.Variable, field: xr.Variable) -> xr.Variable:
    return weight * filled(field)


def _moments(
    forecast: xr.DataArray, analysis: xr.DataArray, member_dim: Hashable, skip_missing: bool
) -> dict[str, xr.DataArray]:
    return point_statistics(forecast, analysis, member_dim, "variance", skip_missing=skip_missing)
