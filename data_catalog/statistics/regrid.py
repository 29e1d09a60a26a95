"""One rectilinear grid to another, conserving the area mean.

A cell of the new grid is the mean of the cells it overlaps, weighted by the area of each overlap. On rectilinear grids
the overlap is a product of one in longitude and one in the sine of latitude, so the weights are two small sparse
matrices.

Source: Jones (1999), doi:10.1175/1520-0493(1999)127<2204:FASOCR>2.0.CO;2, first order.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.sparse
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from data_catalog.layout.coordinates import is_global

_LEAST_COVERED = 0.5
_SPACE = ["latitude", "longitude"]


def regrid(analysis: xr.Dataset, latitude: ArrayLike, longitude: ArrayLike) -> xr.Dataset:
    """First-order conservative regridding; lazy where the analysis is lazy.

    Args:
        analysis: Fields with ascending `latitude` and `longitude`; global with or without pole points, or a region.
        latitude: Of the new grid, degrees, ascending.
        longitude: Of the new grid, degrees, ascending.

    Returns:
        The same variables on the new grid. A missing value makes those new cells missing that overlap it.

    Raises:
        ValueError: A new cell lies for more than half outside the old grid, or coordinates do not ascend.
    """
    new = {"latitude": np.asarray(latitude, np.float64), "longitude": np.asarray(longitude, np.float64)}
    weights = Weights(
        latitude_weights(analysis["latitude"].values, new["latitude"]),
        longitude_weights(analysis["longitude"].values, new["longitude"]),
    )
    spatial = {name: field for name, field in analysis.items() if set(_SPACE) <= set(field.dims)}
    fields = {name: _regridded(field, weights, new) for name, field in spatial.items()}
    rest = analysis.drop_vars(list(spatial)).drop_dims(_SPACE, errors="ignore")
    places = {name: (name, values, analysis[name].attrs) for name, values in new.items()}
    return rest.assign(fields).assign_coords(places)


@dataclass(frozen=True)
class Weights:
    """Share of each old row in each new row, and of each old column in each new column."""

    rows: scipy.sparse.csr_array
    columns: scipy.sparse.csr_array

    def apply(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """Fields (..., latitude, longitude) on the new grid, summed in float64."""
        lead, (rows, columns) = values.shape[:-2], values.shape[-2:]
        stack = np.asarray(values, np.float64).reshape(-1, rows, columns)
        by_row = self.rows @ np.moveaxis(stack, 1, 0).reshape(rows, -1)
        by_row = np.moveaxis(by_row.reshape(-1, len(stack), columns), 2, 0)
        both = self.columns @ by_row.reshape(columns, -1)
        both = both.reshape(self.columns.shape[0], self.rows.shape[0], len(stack))
        return np.ascontiguousarray(both.T, np.float32).reshape(*lead, self.rows.shape[0], self.columns.shape[0])


def _regridded(field: xr.DataArray, weights: Weights, new: Mapping[str, NDArray[np.float64]]) -> xr.DataArray:
    result: xr.DataArray = xr.apply_ufunc(
        weights.apply,
        field,
        input_core_dims=[_SPACE],
        output_core_dims=[_SPACE],
        exclude_dims=set(_SPACE),
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {name: len(values) for name, values in new.items()}},
        output_dtypes=[np.float32],
        keep_attrs=True,
    )
    return result


def latitude_weights(old: NDArray[np.floating], new: NDArray[np.floating]) -> scipy.sparse.csr_array:
    """(new, old) shares of rows, by the area between their edges."""
    return _shares(np.sin(np.deg2rad(latitude_edges(old))), np.sin(np.deg2rad(latitude_edges(new))), "latitude", new)


def longitude_weights(old: NDArray[np.floating], new: NDArray[np.floating]) -> scipy.sparse.csr_array:
    """(new, old) shares of columns; turns of 360 degrees between the grids do not matter."""
    old_edges, new_edges = longitude_edges(old), longitude_edges(new)
    turns = np.floor((new_edges[0] - old_edges[0]) / 360.0) + np.arange(-1, 3)
    repeated = [_overlaps(old_edges + 360.0 * turn, new_edges) for turn in turns]
    if not is_global(old):
        best = int(np.argmax([overlap.sum() for overlap in repeated]))
        repeated = [repeated[best]]
    return _normalised(np.sum(repeated, axis=0), np.diff(new_edges), "longitude", new)


def latitude_edges(latitude: NDArray[np.floating]) -> NDArray[np.float64]:
    """Edges half-way between rows; the outermost end at the pole where no further row would fit before it."""
    degrees = _ascending(latitude, "latitude")
    edges = _half_way(degrees)
    if 2 * degrees[0] - degrees[1] < -90.0:
        edges[0] = -90.0
    if 2 * degrees[-1] - degrees[-2] > 90.0:
        edges[-1] = 90.0
    return np.clip(edges, -90.0, 90.0)


def longitude_edges(longitude: NDArray[np.floating]) -> NDArray[np.float64]:
    """Edges half-way between columns, meeting round the circle on a global grid."""
    degrees = _ascending(longitude, "longitude")
    edges = _half_way(degrees)
    if is_global(degrees):
        edges[0] = (degrees[0] + degrees[-1] - 360.0) / 2
        edges[-1] = edges[0] + 360.0
    return edges


def _half_way(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    middle = (degrees[1:] + degrees[:-1]) / 2
    return np.concatenate([[2 * degrees[0] - middle[0]], middle, [2 * degrees[-1] - middle[-1]]])


def _ascending(values: NDArray[np.floating], name: str) -> NDArray[np.float64]:
    degrees = np.asarray(values, np.float64)
    if len(degrees) < 2 or not (np.diff(degrees) > 0).all():
        raise ValueError(f"{name}: expected at least two ascending values, found {degrees[:4]}")
    return degrees


def _shares(
    old_edges: NDArray[np.float64], new_edges: NDArray[np.float64], name: str, new: NDArray[np.floating]
) -> scipy.sparse.csr_array:
    return _normalised(_overlaps(old_edges, new_edges), np.diff(new_edges), name, new)


def _overlaps(old_edges: NDArray[np.float64], new_edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """(new, old) lengths that cells share."""
    upper = np.minimum(new_edges[1:, np.newaxis], old_edges[np.newaxis, 1:])
    lower = np.maximum(new_edges[:-1, np.newaxis], old_edges[np.newaxis, :-1])
    overlaps: NDArray[np.float64] = np.maximum(upper - lower, 0.0)
    return overlaps


def _normalised(
    overlaps: NDArray[np.float64], sizes: NDArray[np.float64], name: str, new: NDArray[np.floating]
) -> scipy.sparse.csr_array:
    """Rows that sum to one, of cells that the old grid covers."""
    # Edges that coincide but for rounding share no area.
    overlaps = np.where(overlaps > 1e-12 * sizes[:, np.newaxis], overlaps, 0.0)
    covered = overlaps.sum(axis=1)
    outside = covered < _LEAST_COVERED * sizes
    if outside.any():
        at = float(np.asarray(new)[int(outside.argmax())])
        raise ValueError(f"{name}: expected new cells inside the old grid, found {at:g} outside it")
    return scipy.sparse.csr_array(overlaps / covered[:, np.newaxis])
