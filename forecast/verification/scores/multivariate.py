"""Scores of whole fields, where it matters how points vary together; arguments as in `ensemble_scores`.

A field with a missing value, in any member or the analysis, has no score; `skip_missing` leaves it out of the mean.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.checks import UnscorableError, on_grid_of, paired
from forecast.verification.weighting import weighted_mean

Dims = Sequence[Hashable]
BLOCK_VALUES = 2_097_152


def energy_score(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    dims: Dims,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    norm_weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    fair: bool = True,
) -> xr.DataArray:
    """Energy score: mean |x_i - y| - sum over i < j of |x_i - x_j| / (M (M-1)), with |.| the norm of a field.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        dims: Dimensions of one field.
        member_dim: See `ensemble_scores`.
        reduce: Of the other dimensions.
        weights: On dimensions other than `dims`.
        norm_weights: w on `dims` in the norm, the root of the sum of w x2; None is all ones.
        skip_missing: See the module.
        fair: All pairs of different members (NaN for one member); otherwise M M in place of M (M-1).

    Returns:
        Units of `forecast`; the CRPS for fields of one point.

    Source: Gneiting and Raftery (2007), doi:10.1198/016214506000001437; Ferro (2014), doi:10.1002/qj.2270
    """
    return _field_score(
        _energy,
        forecast,
        analysis,
        (dims, member_dim, reduce, weights, norm_weights, skip_missing),
        {"fair": fair},
    ).rename("energy_score")


def variogram_score(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    dims: Dims,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    order: float = 0.5,
) -> xr.DataArray:
    """Variogram score: the sum over all ordered pairs of points of (|y_a - y_b|^p - mean over members |x_a - x_b|^p)2.

    The work grows with the square of the points of a field: choose few.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        dims: Dimensions of one field.
        member_dim: See `ensemble_scores`.
        reduce: Of the other dimensions.
        weights: On dimensions other than `dims`.
        skip_missing: See the module.
        order: The exponent p.

    Returns:
        Units of `forecast` to the power 2 p; each pair counts twice, as (a, b) and (b, a).

    Source: Scheuerer and Hamill (2015), doi:10.1175/MWR-D-14-00269.1
    """
    if not order > 0:
        raise UnscorableError(f"order: expected a positive number, found {order}")
    return _field_score(
        _variogram, forecast, analysis, (dims, member_dim, reduce, weights, None, skip_missing), {"order": order}
    ).rename("variogram_score")


def _field_score(
    kernel: Any,
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    options: tuple[Dims, Hashable, Dims, xr.DataArray | None, xr.DataArray | None, bool],
    keywords: dict[str, Any],
) -> xr.DataArray:
    dims, member_dim, reduce, weights, norm_weights, skip_missing = options
    forecast, analysis = paired(forecast, analysis, member_dim)
    if not dims or any(dim not in analysis.dims for dim in dims):
        raise UnscorableError(f"dims: expected dimensions among {list(analysis.dims)}, found {list(dims)}")
    analysis = on_grid_of(analysis, forecast)
    if forecast.chunks is not None:
        forecast = forecast.chunk(dict.fromkeys(dims, -1))
    if analysis.chunks is not None:
        analysis = analysis.chunk(dict.fromkeys(dims, -1))
    if norm_weights is not None:
        root = norm_weights.astype(np.float64) ** 0.5
        forecast, analysis = forecast * root, analysis * root
    values = xr.apply_ufunc(
        kernel,
        forecast,
        analysis,
        kwargs={"axes": len(dims), **keywords},
        input_core_dims=[[member_dim, *dims], list(dims)],
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return weighted_mean(values, reduce, weights, skip_missing=skip_missing).drop_attrs()


def _fields(ensemble: NDArray[Any], analysis: NDArray[Any], axes: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """(field, member, point) and (field, point)."""
    points = int(np.prod(ensemble.shape[ensemble.ndim - axes :]))
    members = ensemble.reshape(-1, ensemble.shape[ensemble.ndim - axes - 1], points)
    return members, analysis.reshape(-1, points)


def _energy(ensemble: NDArray[Any], analysis: NDArray[Any], *, axes: int, fair: bool) -> NDArray[np.float64]:
    fields, observed = _fields(ensemble, analysis, axes)
    scores = np.empty(len(fields))
    for index, (members, observation) in enumerate(zip(fields, observed, strict=True)):
        count = len(members)
        centre = members[0].astype(np.float64)
        centred = members - centre
        error = np.linalg.norm(centred - (observation - centre), axis=1).mean()
        pairs = sum(np.linalg.norm(centred[later:] - centred[:-later], axis=1).sum() for later in range(1, count))
        number = count * (count - 1) if fair else count * count
        scores[index] = error - pairs / number if number else np.nan
    return scores.reshape(ensemble.shape[: ensemble.ndim - axes - 1])


def _variogram(ensemble: NDArray[Any], analysis: NDArray[Any], *, axes: int, order: float) -> NDArray[np.float64]:
    fields, observed = _fields(ensemble, analysis, axes)
    scores = np.zeros(len(fields))
    points = fields.shape[2]
    rows = max(BLOCK_VALUES // max(fields.shape[1] * points, 1), 1)
    for index, (members, observation) in enumerate(zip(fields.astype(np.float64), observed, strict=True)):
        for start in range(0, points, rows):
            here = slice(start, start + rows)
            expected = (np.abs(members[:, here, None] - members[:, None, :]) ** order).mean(axis=0)
            found = np.abs(observation[here, None] - observation[None, :]) ** order
            scores[index] += ((found - expected) ** 2).sum()
    return scores.reshape(ensemble.shape[: ensemble.ndim - axes - 1])
