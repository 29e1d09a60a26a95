"""Scores of whole fields, where it matters how points vary together."""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, without_unit
from forecast.verification.weighting import weighted_mean

try:
    from forecast.verification.ensemble_pass.pairs import member_distances, variogram_errors
except ImportError:  # no numba for this platform: the same results, slower
    from forecast.verification.ensemble_pass.pairs_numpy import member_distances, variogram_errors

SINGULAR = 1e-10
"""Smallest singular value of members, relative to the largest, of which a covariance is inverted."""


@aligned(members="optional")
def energy_score(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    dims: Dims,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    norm_weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    fair: bool = True,
) -> xr.DataArray:
    """Energy score: the CRPS of whole fields, with the norm of a field in place of the absolute value.

    With members x_i, their number M, the analysis y and |x| = sqrt(sum over points of w x^2):

        mean over i of |x_i - y|  -  (sum over i < j of |x_i - x_j|) / (M (M - 1))

    Args:
        forecast: Ensemble (`member_dim` and any other dimensions), or a forecast without members; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        dims: Names of the dimensions of one field, such as `("latitude", "longitude")`.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the other dimensions to average over, such as `("lead_time",)`; empty gives one score a field.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of that average, 0 or more, on any dimensions other than `dims`; None weighs each field alike.
        norm_weights: Weights w within the norm, on any of `dims`, such as `area_weights(forecast["latitude"])`; None is
            all ones.
        skip_missing: True leaves fields with a missing member or analysis out of the average; False makes every average
            NaN that such a field goes into. A field by itself is NaN either way.
        fair: True scores the distribution that the members are drawn from, whatever their number, and is NaN for one
            member; False scores the members as if they were all there is, with M M in place of M (M - 1).

    Returns:
        Score in the unit of `forecast`, on the dimensions that are left; the CRPS for fields of one point. Smaller is
        better.

    Raises:
        UnscorableError: `dims` is empty or unknown, `forecast` and `analysis` do not fit together, or `reduce`,
            `weights` or `norm_weights` do not fit them.

    Source: Gneiting and Raftery (2007), doi:10.1198/016214506000001437; Ferro (2014), doi:10.1002/qj.2270
    """
    if norm_weights is not None:
        root = norm_weights.astype(np.float64) ** 0.5
        forecast, analysis = (_scaled(field, root) for field in (forecast, analysis))
    forecast, analysis = _whole_fields(forecast, analysis, dims)
    values = _score_fields(partial(_energy, axes=len(dims), fair=fair), forecast, analysis, dims, member_dim)
    return without_unit(weighted_mean(values, reduce, weights, skip_missing=skip_missing), "energy_score")


@aligned()
def variogram_score(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    dims: Dims,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    order: float = 0.5,
) -> xr.DataArray:
    """Variogram score: do differences between points have the right size?

    With the exponent p, it is the sum over all ordered pairs of points a and b of

        (|y_a - y_b|^p  -  mean over members of |x_a - x_b|^p)^2

    The work grows with the square of the number of points in a field: choose few.

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        dims: Names of the dimensions of one field, such as `("latitude", "longitude")`.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the other dimensions to average over, such as `("lead_time",)`; empty gives one score a field.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of that average, 0 or more, on any dimensions other than `dims`; None weighs each field alike.
        skip_missing: True leaves fields with a missing member or analysis out of the average; False makes every average
            NaN that such a field goes into. A field by itself is NaN either way.
        order: Exponent p, positive.

    Returns:
        Score in the unit of `forecast` to the power 2 p, on the dimensions that are left. Each pair counts twice, as
        (a, b) and as (b, a). Smaller is better.

    Raises:
        UnscorableError: `order` is not positive, `dims` is empty or unknown, `forecast` and `analysis` do not fit
            together, or `reduce` or `weights` do not fit them.

    Source: Scheuerer and Hamill (2015), doi:10.1175/MWR-D-14-00269.1
    """
    if not isinstance(order, int | float | np.number) or not order > 0:
        raise UnscorableError(f"order: expected a positive number, found {order}")
    forecast, analysis = _whole_fields(forecast, analysis, dims)
    values = _score_fields(partial(_variogram, axes=len(dims), order=order), forecast, analysis, dims, member_dim)
    return without_unit(weighted_mean(values, reduce, weights, skip_missing=skip_missing), "variogram_score")


@aligned()
def multivariate_dawid_sebastiani(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    dims: Dims,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Dawid-Sebastiani score of fields: ln det S + (y - m)' S^-1 (y - m), with the members' mean m and covariance S.

    Args:
        forecast: Ensemble of more members than a field has points: `member_dim` and any other dimensions, in any order;
            NumPy or Dask inside.
        analysis: Verifying analysis y: the other dimensions of `forecast`, in any order, same coordinates and unit.
        dims: Names of the dimensions of one field, such as `("lead_time",)` or those of a few stations.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the other dimensions to average over, such as `("init_time",)`; empty gives one score a field.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of that average, 0 or more, on any dimensions other than `dims`; None weighs each field alike.
        skip_missing: True leaves fields with a missing member or analysis out of the average; False makes every average
            NaN that such a field goes into. A field by itself is NaN either way.

    Returns:
        Score on the dimensions that are left; another unit of `forecast` adds a constant. The covariance is divided by
        M - 1; the score is NaN where it is singular, as it is unless there are more members than points. Smaller is
        better.

    Raises:
        UnscorableError: `dims` is empty or unknown, `forecast` and `analysis` do not fit together, or `reduce` or
            `weights` do not fit them.

    Source: Dawid and Sebastiani (1999), doi:10.1214/aos/1018031101
    """
    forecast, analysis = _whole_fields(forecast, analysis, dims)
    values = _score_fields(partial(_normal_misfit, axes=len(dims)), forecast, analysis, dims, member_dim)
    score = weighted_mean(values, reduce, weights, skip_missing=skip_missing)
    return without_unit(score, "multivariate_dawid_sebastiani")


def _scaled(field: xr.DataArray, root: xr.DataArray) -> xr.DataArray:
    """A field times the root of its weights; what has no weight does not count, whatever it holds."""
    if root.chunks is None and bool((root > 0).all()):
        return field * root
    return field.where(root > 0, 0.0) * root


def _whole_fields(forecast: xr.DataArray, analysis: xr.DataArray, dims: Dims) -> tuple[xr.DataArray, xr.DataArray]:
    """Both with each field in one Dask chunk."""
    if not dims or any(dim not in analysis.dims for dim in dims):
        raise UnscorableError(f"dims: expected dimensions among {list(analysis.dims)}, found {list(dims)}")
    if forecast.chunks is not None:
        forecast = forecast.chunk(dict.fromkeys(dims, -1))
    if analysis.chunks is not None:
        analysis = analysis.chunk(dict.fromkeys(dims, -1))
    return forecast, analysis


def _score_fields(
    score: Callable[..., NDArray[np.float64]],
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    dims: Dims,
    member_dim: Hashable,
) -> xr.DataArray:
    values: xr.DataArray = xr.apply_ufunc(
        score,
        forecast,
        analysis,
        input_core_dims=[[member_dim, *dims], list(dims)],
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return values


def _fields(ensemble: NDArray[Any], analysis: NDArray[Any], axes: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Members as (field, member, point) and analysis as (field, point), for fields on the last axes."""
    points = int(np.prod(ensemble.shape[ensemble.ndim - axes :]))
    members = _as_floats(ensemble).reshape(-1, ensemble.shape[ensemble.ndim - axes - 1], points)
    return members, _as_floats(analysis).reshape(-1, points)


def _as_floats(values: NDArray[Any]) -> NDArray[Any]:
    """In single or double precision: differences of small integers would wrap around, those of float16 be rounded."""
    return values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)


def _energy(ensemble: NDArray[Any], analysis: NDArray[Any], *, axes: int, fair: bool) -> NDArray[np.float64]:
    error, pairs = member_distances(*_fields(ensemble, analysis, axes))
    count = ensemble.shape[ensemble.ndim - axes - 1]
    number = count * (count - 1) if fair else count * count
    scores = error - pairs / number if number else np.full(error.shape, np.nan)
    return scores.reshape(ensemble.shape[: ensemble.ndim - axes - 1])


def _variogram(ensemble: NDArray[Any], analysis: NDArray[Any], *, axes: int, order: float) -> NDArray[np.float64]:
    scores = variogram_errors(*_fields(ensemble, analysis, axes), order)
    return scores.reshape(ensemble.shape[: ensemble.ndim - axes - 1])


def _normal_misfit(ensemble: NDArray[Any], analysis: NDArray[Any], *, axes: int) -> NDArray[np.float64]:
    members, observed = (each.astype(np.float64) for each in _fields(ensemble, analysis, axes))
    count, points = members.shape[-2:]
    scores = np.full(len(members), np.nan)
    # Differences from one member first: equal members then have no variance that is rounding.
    members, observed = members - members[:, :1, :], observed - members[:, 0, :]
    mean = members.mean(axis=-2)
    anomaly = members - mean[:, None, :]
    deviation = np.sqrt((anomaly**2).sum(axis=-2) / max(count - 1, 1))
    known = np.isfinite(anomaly).all(axis=(-2, -1)) & (deviation > 0).all(axis=-1)
    if count > points and known.any():
        # In standard deviations, so that fields of several units have no small singular values for their units alone.
        scale, error = deviation[known], (observed - mean)[known]
        _, singular, axes_of = np.linalg.svd(
            anomaly[known] / scale[:, None, :] / np.sqrt(count - 1), full_matrices=False
        )
        regular = singular[:, -1] > SINGULAR * singular[:, 0]
        singular = np.where(regular[:, None], singular, np.nan)
        along = (axes_of @ (error / scale)[..., None])[..., 0] / singular
        scores[known] = (along**2 + 2 * np.log(singular) + 2 * np.log(scale)).sum(axis=-1)
    return scores.reshape(ensemble.shape[: ensemble.ndim - axes - 1])
