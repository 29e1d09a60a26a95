"""Decomposition of the CRPS into reliability, resolution and uncertainty, and into under, over and spread."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, check_reduce
from forecast.verification.set_aside import combined, placed, placed_all
from forecast.verification.variables import filled, ratio, where
from forecast.verification.weighting import for_each_weight, point_weights

PIECE_VALUES = 262_144
"""Number of members that are sorted and summed at a time, so that they stay in the cache of the processor."""


@aligned()
def crps_decomposition(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.Dataset:
    """Parts of the plain CRPS (that with M M in place of M (M - 1)).

    It is reliability - resolution + uncertainty, and also under + over - spread.

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over, such as `("latitude", "longitude")`; at least one, as
            reliability is a property of many cases.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike. A point of weight 0 does not count,
            whatever it holds.
        skip_missing: True leaves out points that lack a member or the analysis; False makes every result NaN that such
            a point goes into.

    Returns:
        In the unit of `forecast`, on the dimensions that are left: `crps`; `reliability` (smaller is better),
        `resolution` (larger is better) and `uncertainty` (the CRPS of the distribution of all analyses); `under`, the
        mean over members x and analyses y of y - x where y > x and 0 elsewhere; `over`, that of x - y where y < x; and
        `spread`, half the mean difference of two members.

    Raises:
        UnscorableError: `reduce` is empty, `forecast` and `analysis` do not fit together, or `reduce` or `weights` do
            not fit them.

    Source: Hersbach (2000), doi:10.1175/1520-0434(2000)015<0559:DOTCRP>2.0.CO;2
    """
    check_reduce(reduce, analysis, needed=True)
    known = combined(lambda one, other: one.notnull().all([member_dim]) & other.notnull(), forecast, analysis)
    forecast = forecast.transpose(*analysis.dims, member_dim)

    def parts(weights: xr.DataArray | None) -> xr.Dataset:
        weight = point_weights(weights, analysis, known, skip_missing=skip_missing)
        return _parts(_interval_sums(forecast, analysis, weight, reduce), _uncertainty(analysis, weight, reduce))

    return for_each_weight(weights, analysis, parts)


def _interval_sums(forecast: xr.DataArray, analysis: xr.DataArray, weight: xr.DataArray, reduce: Dims) -> xr.DataArray:
    """Sums of weight x (alpha, beta, analysis below, 1) for each interval between sorted members."""
    axes = tuple(analysis.get_axis_num(dim) for dim in reduce)
    intervals = forecast.shape[-1] + 1
    if forecast.chunks is None:
        data = _block_sums(forecast.values, analysis.values, weight.values, axes=axes)
    else:
        chunks = forecast.chunks[:-1]
        alike = [array.chunk(dict(zip(array.dims, chunks, strict=True))) for array in (analysis, weight)]
        kept = [(1,) * len(sizes) if axis in axes else sizes for axis, sizes in enumerate(chunks)]
        data = forecast.data.map_blocks(
            _lazy_block_sums,
            *(array.data[..., None] for array in alike),
            axes=axes,
            dtype=np.float64,
            chunks=(*kept, (4 * intervals,)),
            meta=np.empty((0,) * forecast.ndim),
        )
    summed = data.sum(axis=axes)
    left = [dim for dim in analysis.dims if dim not in reduce]
    return placed(
        xr.Variable([*left, "part", "interval"], summed.reshape((*summed.shape[:-1], 4, intervals))), analysis
    )


def _lazy_block_sums(
    ensemble: NDArray[Any], analysis: NDArray[Any], weight: NDArray[Any], axes: tuple[int, ...]
) -> NDArray[np.float64]:
    return _block_sums(ensemble, analysis[..., 0], weight[..., 0], axes=axes)


def _block_sums(
    ensemble: NDArray[Any], analysis: NDArray[Any], weight: NDArray[Any], *, axes: tuple[int, ...]
) -> NDArray[np.float64]:
    """Sums of one block: its axes with those of `axes` reduced to size 1, then 4 x intervals."""
    axis = int(np.argmax(ensemble.shape[:-1]))
    pieces = max(min(ensemble.size // PIECE_VALUES, ensemble.shape[axis]), 1)
    results = []
    for members, observed, share in zip(
        *(np.array_split(field, pieces, axis=axis) for field in (ensemble, analysis, weight)), strict=True
    ):
        with np.errstate(invalid="ignore"):
            sums = [_weighted_sum(share, field, axes) for field in _point_parts(members, observed, share == 0.0)]
        results.append(np.concatenate(sums, axis=-1))
    if axis in axes:
        return np.asarray(np.sum(results, axis=0))
    return np.concatenate(results, axis=axis)


def _point_parts(
    ensemble: NDArray[Any], analysis: NDArray[Any], left_out: NDArray[np.bool_]
) -> list[NDArray[np.float64]]:
    """Alpha, beta, whether the analysis is below, and 1 of each point and interval; nothing at points left out."""
    members, observed = np.sort(ensemble, axis=-1).astype(np.float64), analysis.astype(np.float64)[..., None]
    if left_out.any():
        members[left_out], observed = 0.0, np.where(left_out[..., None], 0.0, observed)
    gaps = np.diff(members, axis=-1)
    alpha, beta, below = np.zeros((3, *members.shape[:-1], members.shape[-1] + 1))
    inner = np.maximum(observed - members[..., :-1], 0.0, out=alpha[..., 1:-1])
    np.minimum(inner, gaps, out=inner)
    np.subtract(gaps, inner, out=beta[..., 1:-1])
    alpha[..., -1] = np.maximum(observed - members[..., -1:], 0.0)[..., 0]
    beta[..., 0] = np.maximum(members[..., :1] - observed, 0.0)[..., 0]
    below[..., 0], below[..., -1] = (observed < members[..., :1])[..., 0], (observed < members[..., -1:])[..., 0]
    return [alpha, beta, below, np.broadcast_to(1.0, alpha.shape)]


def _weighted_sum(weight: NDArray[np.float64], field: NDArray[np.float64], axes: tuple[int, ...]) -> NDArray[Any]:
    """Sum of weight x field over axes of the points, which stay with size 1; the last axis is that of the intervals."""
    kept = [axis for axis in range(weight.ndim) if axis not in axes]
    shape = [weight.shape[axis] for axis in kept]
    shares = weight.transpose(*kept, *axes).reshape(*shape, 1, -1)
    fields = field.transpose(*kept, *axes, -1).reshape(*shape, -1, field.shape[-1])
    return np.expand_dims((shares @ fields)[..., 0, :], axes)


def _uncertainty(analysis: xr.DataArray, weight: xr.DataArray, reduce: Dims) -> xr.Variable:
    dims = list(reduce)
    if analysis.chunks is not None:
        analysis = analysis.chunk(dict.fromkeys(dims, -1))
        weight = weight.chunk(dict(zip(analysis.dims, analysis.chunks or (), strict=True)))
    result: xr.Variable = xr.apply_ufunc(
        _half_mean_difference,
        analysis.variable,
        weight.variable,
        kwargs={"axes": len(dims)},
        input_core_dims=[dims, dims],
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return result


def _half_mean_difference(values: NDArray[Any], weight: NDArray[Any], *, axes: int) -> NDArray[np.float64]:
    """Half the weighted mean of |y_k - y_l| over all pairs, along the last axes of `values`."""
    flat = values.reshape(*values.shape[: values.ndim - axes], -1).astype(np.float64)
    shares = np.broadcast_to(weight, values.shape).reshape(flat.shape)
    order = np.argsort(flat, axis=-1)
    flat, shares = np.take_along_axis(flat, order, -1), np.take_along_axis(shares, order, -1)
    flat = np.where(shares == 0, 0.0, flat)
    total = shares.sum(axis=-1, keepdims=True)
    before = np.cumsum(shares, axis=-1) - shares
    with np.errstate(invalid="ignore", divide="ignore"):
        signed = shares * (2 * before + shares - total) * flat
        return np.asarray(signed.sum(axis=-1) / total[..., 0] ** 2)


def _intervals(
    alpha: xr.Variable, beta: xr.Variable, below: xr.Variable, position: xr.Variable
) -> tuple[xr.Variable, xr.Variable]:
    """Mean width of each interval, and the frequency with which the analysis lies below its middle."""
    inner = (position > 0) & (position < 1)
    width = where(alpha + beta, alpha + beta > 0)
    rate = where(beta / width, inner, below)
    # Outside the members an interval has no width of its own: Hersbach's equation 33.
    outside = where(ratio(beta, rate), position == 0, ratio(alpha, 1 - rate))
    return filled(where(width, inner, outside)), filled(rate)


def _parts(sums: xr.DataArray, uncertainty: xr.Variable) -> xr.Dataset:
    total = sums.variable.isel(part=3, interval=0)
    alpha, beta, below = (ratio(sums.variable.isel(part=part), total) for part in range(3))
    members = sums.sizes["interval"] - 1
    position = xr.Variable("interval", np.arange(members + 1) / members)
    width, rate = _intervals(alpha, beta, below, position)
    score = (alpha * position**2 + beta * (1 - position) ** 2).sum("interval")
    reliability = (width * (rate - position) ** 2).sum("interval")
    potential = (width * rate * (1 - rate)).sum("interval")
    under, over = (alpha * position).sum("interval"), (beta * (1 - position)).sum("interval")
    parts = {
        "crps": score,
        "reliability": reliability,
        "resolution": uncertainty - potential,
        "uncertainty": uncertainty,
        "under": under,
        "over": over,
        "spread": under + over - score,
    }
    return placed_all({name: where(part, total > 0) for name, part in parts.items()}, sums)
