"""Scores of the density that an ensemble stands for at the analysis: that of a normal distribution, or of kernels."""

from collections.abc import Hashable
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, without_unit
from forecast.verification.ensemble_pass.statistics import point_statistics
from forecast.verification.scores.distribution import sorted_quantiles
from forecast.verification.set_aside import combined
from forecast.verification.variables import where
from forecast.verification.weighting import weighted_mean


@aligned()
def dawid_sebastiani(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Dawid-Sebastiani score: ln s^2 + (m - y)^2 / s^2, with the members' mean m and variance s^2 (divided by M - 1).

    Args:
        forecast: Ensemble of at least 2 members: `member_dim` and any other dimensions, in any order; NumPy or Dask
            inside.
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
        Score on the dimensions that are left; another unit of `forecast` adds a constant. Smaller is better. NaN for
        one member, and where all members are equal.

    Raises:
        UnscorableError: `forecast` and `analysis` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Dawid and Sebastiani (1999), doi:10.1214/aos/1018031101
    """
    values = _normal_misfit(forecast, analysis, member_dim, skip_missing)
    return without_unit(weighted_mean(values, reduce, weights, skip_missing=skip_missing), "dawid_sebastiani")


@aligned()
def log_score(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    density: Literal["normal", "kernel"] = "normal",
    bandwidth: float | xr.DataArray | None = None,
) -> xr.DataArray:
    """Logarithmic score: -ln p(y), with the density p of a normal distribution or of kernels around the members.

    Args:
        forecast: Ensemble of at least 2 members: `member_dim` and any other dimensions, in any order; NumPy or Dask
            inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over; empty gives one score a point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike. A point of weight 0 does not count,
            whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.
        density: `"normal"`: of the members' mean and variance (divided by M - 1); `"kernel"`: mean of normal densities
            around each member, whose standard deviation is `bandwidth`, for distributions that are skewed or have
            several modes.
        bandwidth: Standard deviation of a kernel in the unit of `forecast`, positive: a number, or a DataArray on any
            dimensions of `analysis`. None takes 1.06 min(s, R / 1.34) M^(-1/5), with the members' standard deviation s
            and interquartile range R, or s alone where R is 0.

    Returns:
        Score on the dimensions that are left; another unit of `forecast` adds a constant. Smaller is better. NaN for
        one member, and where all members are equal, unless the bandwidth is given.

    Raises:
        UnscorableError: `density` is unknown, `bandwidth` is not positive or not needed, `forecast` and `analysis` do
            not fit together, or `reduce` or `weights` do not fit them.

    Source: Good (1952), doi:10.1111/j.2517-6161.1952.tb00104.x; Scott (1992), doi:10.1002/9780470316849, for the
    bandwidth; Krüger et al. (2021), doi:10.1111/insr.12405
    """
    if density not in ("normal", "kernel"):
        raise UnscorableError(f"density: expected 'normal' or 'kernel', found {density!r}")
    if density == "kernel":
        values = _kernel_score(forecast, analysis, member_dim, bandwidth, skip_missing)
    elif bandwidth is not None:
        raise UnscorableError("bandwidth: expected none for a normal density, found one; choose density='kernel'")
    else:
        misfit = _normal_misfit(forecast, analysis, member_dim, skip_missing)
        values = combined(lambda each: (each + np.log(2 * np.pi)) / 2, misfit)
    return without_unit(weighted_mean(values, reduce, weights, skip_missing=skip_missing), "log_score")


def _normal_misfit(
    forecast: xr.DataArray, analysis: xr.DataArray, member_dim: Hashable, skip_missing: bool
) -> xr.DataArray:
    moments = point_statistics(forecast, analysis, member_dim, "variance", skip_missing=skip_missing)

    def misfit(variance: xr.Variable, error: xr.Variable) -> xr.Variable:
        positive = where(variance.astype(np.float64), variance > 0)
        logarithm: xr.Variable = xr.apply_ufunc(np.log, positive, dask="allowed")
        return logarithm + error.astype(np.float64) ** 2 / positive

    return combined(misfit, moments["variance"], moments["error"])


def _kernel_score(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    member_dim: Hashable | None,
    bandwidth: float | xr.DataArray | None,
    skip_missing: bool,
) -> xr.DataArray:
    options: dict[str, Any] = {"dask": "parallelized", "output_dtypes": [np.float64]}
    rule = {"skip_missing": skip_missing}
    if bandwidth is None:
        width = xr.apply_ufunc(_bandwidth, forecast, kwargs=rule, input_core_dims=[[member_dim]], **options)
    else:
        width = xr.apply_ufunc(_positive, xr.DataArray(bandwidth), **options)
    dims = [[member_dim], [], []]
    score: xr.DataArray = xr.apply_ufunc(
        _kernel, forecast, analysis, width, kwargs=rule, input_core_dims=dims, **options
    )
    return score.transpose(*analysis.dims)


def _positive(bandwidth: NDArray[Any]) -> NDArray[np.float64]:
    wrong = bandwidth <= 0
    if wrong.any():
        raise UnscorableError(f"bandwidth: expected positive numbers, found {bandwidth[wrong].flat[0]:g}")
    return bandwidth.astype(np.float64)


def _bandwidth(ensemble: NDArray[Any], *, skip_missing: bool) -> NDArray[np.float64]:
    """Width of the kernels by the rule of Scott (1992) from the members on the last axis; NaN where they are equal."""
    members = np.sort(ensemble.astype(np.float64), axis=-1)
    count = np.count_nonzero(~np.isnan(members), axis=-1)
    low, high = np.moveaxis(sorted_quantiles(members, np.array([0.25, 0.75]), skip_missing), -1, 0)
    centred = members - low[..., None]
    mean = np.nansum(centred, axis=-1) / np.maximum(count, 1)
    square = np.nansum((centred - mean[..., None]) ** 2, axis=-1)
    deviation = np.sqrt(square / np.where(count > 1, count - 1, np.nan))
    range_ = (high - low) / 1.34
    width = 1.06 * np.where(range_ > 0, np.minimum(deviation, range_), deviation) * np.maximum(count, 1) ** -0.2
    return np.where((width > 0) & np.isfinite(low), width, np.nan)


def _kernel(
    ensemble: NDArray[Any], analysis: NDArray[Any], width: NDArray[np.float64], *, skip_missing: bool
) -> NDArray[np.float64]:
    """-ln of the mean of normal densities around the members on the last axis, finite far from them."""
    members, width = ensemble.astype(np.float64), np.broadcast_to(width, analysis.shape)
    missing = np.isnan(members)
    exponent = -0.5 * ((members - analysis.astype(np.float64)[..., None]) / width[..., None]) ** 2
    exponent = np.where(missing, -np.inf, exponent)
    largest = exponent.max(axis=-1, keepdims=True)
    safe = np.where(np.isfinite(largest), largest, 0.0)
    count = np.count_nonzero(~missing, axis=-1)
    with np.errstate(divide="ignore"):
        total = safe[..., 0] + np.log(np.exp(exponent - safe).sum(axis=-1))
        score = np.log(count * width * np.sqrt(2 * np.pi)) - total
    enough = count > 0 if skip_missing else count == members.shape[-1]
    return np.where(enough, score, np.nan)
