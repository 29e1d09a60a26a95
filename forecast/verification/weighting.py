"""Area weights and the one weighted mean that every score is reduced with."""

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from data_catalog.layout.cells import row_areas
from forecast.verification.checks import UnscorableError


def area_weights(latitude: xr.DataArray) -> xr.DataArray:
    """Relative areas of the cells of a latitude-longitude grid.

    A cell reaches half-way to its neighbours, and the outermost cells are as wide outwards as inwards. Where no further
    row fits before a pole, the last cell ends on it; a region's edges are not moved to the poles.

    Args:
        latitude: One-dimensional, degrees, at least 2 values, strictly monotonic.

    Returns:
        Weights on `latitude`'s dimension: sin(north edge) - sin(south edge), divided by their mean.

    Raises:
        UnscorableError: Latitudes are not as described.
    """
    degrees = np.asarray(latitude.values, dtype=np.float64)
    steps = np.diff(degrees)
    if degrees.ndim != 1 or degrees.size < 2 or not (np.all(steps > 0) or np.all(steps < 0)):
        raise UnscorableError("latitude: expected at least 2 strictly monotonic values in one dimension")
    if np.abs(degrees).max() > 90 + 1e-6:
        raise UnscorableError(
            f"latitude: expected degrees within -90 to 90, found {degrees[np.abs(degrees).argmax()]:g}"
        )
    coords = {name: coord for name, coord in latitude.coords.items() if coord.dims == latitude.dims}
    return xr.DataArray(row_areas(degrees), dims=latitude.dims, coords=coords, name="area_weight")


def weighted_sums(
    values: xr.DataArray, reduce: Sequence[Hashable], weights: xr.DataArray | None, *, skip_missing: bool
) -> tuple[xr.DataArray, xr.DataArray]:
    """Sums that add exactly over chunks: value x weight, and weight.

    Args:
        values: Score per point.
        reduce: Dimensions to sum over.
        weights: Non-negative; broadcast against `values`; None weighs each point alike.
        skip_missing: Leave missing values out of both sums; otherwise one of them makes its sum NaN.

    Returns:
        The two sums, float64, on the dimensions that are left.
    """
    values = values.astype(np.float64)
    weight = xr.ones_like(values) if weights is None else weights.astype(np.float64).broadcast_like(values)
    if skip_missing:
        weight = weight.where(values.notnull(), 0.0)
        values = values.fillna(0.0)
    # A point of no weight does not count, whatever it holds.
    product = (values * weight).where(weight != 0.0, 0.0)
    dims = list(reduce)
    return product.sum(dims, skipna=False), weight.sum(dims, skipna=False)


def weighted_mean(
    values: xr.DataArray, reduce: Sequence[Hashable], weights: xr.DataArray | None, *, skip_missing: bool
) -> xr.DataArray:
    """Mean over `reduce`; `values` itself where that is empty.

    Args:
        values: Score per point.
        reduce: Dimensions to average over.
        weights: Non-negative; broadcast against `values`; None weighs each point alike.
        skip_missing: Leave missing values out; otherwise one of them makes its mean NaN.

    Returns:
        Mean in float64 on the dimensions that are left; NaN where nothing has weight.

    Raises:
        UnscorableError: A dimension is unknown, or weights have one that the values have not.
    """
    unknown = [dim for dim in reduce if dim not in values.dims]
    if unknown:
        raise UnscorableError(f"reduce: expected dimensions among {list(values.dims)}, found {unknown}")
    if weights is not None:
        check_weights(weights, values)
    if not reduce:
        return values
    total, weight = weighted_sums(values, reduce, weights, skip_missing=skip_missing)
    return (total / weight.where(weight != 0.0)).assign_attrs(values.attrs)


def check_weights(weights: xr.DataArray, values: xr.DataArray) -> None:
    """Refuse weights that would grow the scores or shift against them.

    Args:
        weights: To be multiplied with `values`.
        values: Score per point.

    Raises:
        UnscorableError: A dimension, size or coordinate of the weights is not that of the values.
    """
    for dim in weights.dims:
        if dim not in values.dims:
            raise UnscorableError(f"weights: expected dimensions among {list(values.dims)}, found '{dim}'")
        if weights.sizes[dim] != values.sizes[dim]:
            raise UnscorableError(f"weights: expected {values.sizes[dim]} along '{dim}', found {weights.sizes[dim]}")
        if dim in weights.indexes and dim in values.indexes and not weights.indexes[dim].equals(values.indexes[dim]):
            raise UnscorableError(f"weights: expected the coordinates of the scores along '{dim}', found others")
