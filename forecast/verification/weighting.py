"""Area weights, and the one weighted mean that every score is averaged with."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import numpy as np
import xarray as xr

from data_catalog.layout.cells import row_areas
from forecast.verification.checks import Dims, UnscorableError, check_on_grid, check_reduce, on_grid
from forecast.verification.set_aside import combined
from forecast.verification.variables import expanded, filled, where

Result = TypeVar("Result", xr.DataArray, xr.Dataset, tuple[xr.DataArray, xr.DataArray])


def area_weights(latitude: xr.DataArray) -> xr.DataArray:
    """Relative areas of the cells of a latitude-longitude grid.

    A cell reaches half-way to its neighbours, and the outermost cells are as wide outwards as inwards. Where no further
    row fits before a pole, the last cell ends on it; a region's edges are not moved to the poles.

    Args:
        latitude: Latitudes of the rows, degrees: one dimension, at least 2 values, strictly monotonic.

    Returns:
        Weights on the dimension of `latitude`: sin(north edge) - sin(south edge), divided by their mean.

    Raises:
        UnscorableError: Latitudes are not in order, fewer than 2, or beyond a pole.
    """
    if not isinstance(latitude, xr.DataArray):
        raise UnscorableError(f"latitude: expected a DataArray with a named dimension, found {type(latitude).__name__}")
    degrees = np.asarray(latitude.values, dtype=np.float64)
    steps = np.diff(degrees)
    if degrees.ndim != 1 or degrees.size < 2 or not (np.all(steps > 0) or np.all(steps < 0)):
        raise UnscorableError("latitude: expected at least 2 strictly monotonic values in one dimension")
    if np.abs(degrees).max() > 90 + 1e-6:
        raise UnscorableError(f"latitude: expected degrees within -90 to 90, found {max(degrees, key=abs):g}")
    coords = {name: coord for name, coord in latitude.coords.items() if coord.dims == latitude.dims}
    return xr.DataArray(row_areas(degrees), dims=latitude.dims, coords=coords, name="area_weight")


def point_weights(
    weights: xr.DataArray | None, points: xr.DataArray, known: xr.DataArray | None = None, *, skip_missing: bool = False
) -> xr.DataArray:
    """Weight of each point, as all sums over points take it.

    Args:
        weights: Weights, 0 or more, on any of the dimensions of `points`; None weighs each point alike.
        points: A field or score on all points.
        known: Whether each point has a score; None leaves the weights as they are.
        skip_missing: Give points without a score no weight; otherwise give those that have a weight NaN.

    Returns:
        Float64, dims of `points`.

    Raises:
        UnscorableError: A dimension, size or coordinate of the weights is not that of the points.
    """
    given = () if weights is None else (on_grid("weights", weights, points),)

    def weight(points: xr.Variable, known: xr.Variable | None, *given: xr.Variable) -> xr.Variable:
        every = expanded(given[0].astype(np.float64), points.sizes) if given else xr.ones_like(points, dtype=np.float64)
        if known is None:
            return every
        return where(every, known, 0.0) if skip_missing else where(every, known | (every == 0.0))

    return combined(weight, points, known, *given)


def where_weighed(weights: xr.DataArray | None, *fields: xr.DataArray) -> tuple[xr.DataArray, ...]:
    """Fields with NaN where they have no weight, as what such a point holds need not be valid.

    Args:
        weights: Weights of the points, 0 or more, and of further dimensions such as regions; None weighs each alike.
        fields: Fields on the dimensions of the weights.
    """
    if weights is None or (weights.chunks is None and bool((weights != 0).all())):
        return fields
    own = [dim for dim in weights.dims if not any(dim in field.dims for field in fields)]
    some = combined(lambda each: (each != 0).any(own), weights)
    numbers = (field if field.dtype.kind == "f" else field.astype(np.float64) for field in fields)
    return tuple(combined(where, field, some) for field in numbers)


def for_each_weight(
    weights: xr.DataArray | None, points: xr.DataArray, score: Callable[[xr.DataArray | None], Result]
) -> Result:
    """A score for each entry of the dimensions of the weights that the points lack, such as regions.

    Each is computed by itself, so that no more than one field of weights is held beside the points.

    Args:
        weights: Weights on any dimensions, such as those of `region_weights`; None weighs each point alike.
        points: A field or score on all points.
        score: Function of weights that have no further dimension.

    Returns:
        What `score` returns, along the further dimensions.
    """
    own = [] if weights is None else [dim for dim in weights.dims if dim not in points.dims]
    if weights is None or not own:
        return score(weights)
    label = weights[own[0]] if own[0] in weights.coords else own[0]
    entries = (weights.isel({own[0]: index}, drop=True) for index in range(weights.sizes[own[0]]))
    parts: list[Any] = [for_each_weight(entry, points, score) for entry in entries]
    if isinstance(parts[0], tuple):
        return cast(Result, tuple(_joined(each, label) for each in zip(*parts, strict=True)))
    return cast(Result, _joined(parts, label))


def _joined(parts: Any, label: Any) -> Any:
    return xr.concat(list(parts), label, coords="minimal", compat="override", join="override")


def weighted_sums(
    values: xr.DataArray, reduce: Dims, weights: xr.DataArray | None, *, skip_missing: bool
) -> tuple[xr.DataArray, xr.DataArray]:
    """Sums of value x weight and of weight, which add exactly over chunks.

    Args:
        values: Score of each point.
        reduce: Names of the dimensions to sum over.
        weights: Weights, 0 or more, on any of the dimensions of `values`; a point of weight 0 does not count, whatever
            it holds. None weighs each point alike.
        skip_missing: Leave missing values out of both sums; otherwise one of them makes its sum NaN.

    Returns:
        The two sums, float64, on the dimensions that are left.

    Raises:
        UnscorableError: A dimension, size or coordinate of the weights is not that of the values.
    """
    values = values.astype(np.float64, copy=False)
    return for_each_weight(weights, values, lambda weight: _sums(values, reduce, weight, skip_missing))


def _sums(
    values: xr.DataArray, reduce: Dims, weights: xr.DataArray | None, skip_missing: bool
) -> tuple[xr.DataArray, xr.DataArray]:
    dims = list(reduce)
    if weights is None and not skip_missing:
        total = combined(lambda field: field.sum(dims, skipna=False), values)
        return total, xr.full_like(total, values.size / max(total.size, 1))
    known = combined(lambda field: field.notnull(), values) if skip_missing else None
    weight = point_weights(weights, values, known, skip_missing=skip_missing)
    total = combined(partial(_weighted_sum, dims=dims, skip_missing=skip_missing), values, weight)
    return total, combined(lambda each: each.sum(dims, skipna=False), weight)


def _weighted_sum(values: xr.Variable, weight: xr.Variable, *, dims: Dims, skip_missing: bool) -> xr.Variable:
    values = filled(values) if skip_missing else values
    return (where(values, weight != 0.0, 0.0) * weight).sum(dims, skipna=False)


def weighted_mean(
    values: xr.DataArray, reduce: Dims, weights: xr.DataArray | None, *, skip_missing: bool
) -> xr.DataArray:
    """Weighted mean over some dimensions; the values themselves where there are none.

    Args:
        values: Score of each point.
        reduce: Names of the dimensions to average over.
        weights: Weights, 0 or more, on any of the dimensions of `values`; a point of weight 0 does not count, whatever
            it holds. None weighs each point alike.
        skip_missing: Leave missing values out; otherwise one of them makes its mean NaN.

    Returns:
        Mean in float64 on the dimensions that are left; NaN where nothing has weight.

    Raises:
        UnscorableError: A dimension is unknown, or weights do not fit the values.
    """
    check_reduce(reduce, values)
    if weights is not None:
        check_on_grid("weights", weights, values, own_dims=True)
    if not reduce:
        return values
    total, weight = weighted_sums(values, reduce, weights, skip_missing=skip_missing)
    mean = combined(lambda above, below: above / where(below, below != 0.0), total, weight)
    mean.name, mean.attrs = values.name, dict(values.attrs)
    return mean
