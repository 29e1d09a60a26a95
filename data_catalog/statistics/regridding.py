"""Brings analyses to another grid: conservative, bilinear or nearest, lazily where they are lazy."""

from collections.abc import Mapping

import dask
import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

from data_catalog.errors import ConfigurationError
from data_catalog.layout.cells import Cells, same_place_tolerance
from data_catalog.layout.coordinates import LATITUDE_ATTRIBUTES, LONGITUDE_ATTRIBUTES
from data_catalog.layout.variables import channel
from data_catalog.statistics.axis_weights import Method, rectilinear_weights
from data_catalog.statistics.curvilinear_weights import CurvilinearGrid

METHOD_ATTRIBUTE, SOURCE_ATTRIBUTE = "regrid_method", "source_grid"
"""Attributes of a regridded analysis, which its archive keeps."""
_LEAST_PRESENT = 0.5
"""A point has a value where at least this share of its weight comes from points that have one."""


def regrid(
    analysis: xr.Dataset,
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
    method: Method,
    *,
    where: str = "analysis",
) -> xr.Dataset:
    """Bring every field of an analysis to a grid of rows and columns.

    Constants stay constants; `conservative` keeps area means, `bilinear` fields that are linear along both axes. Where
    source points are missing, a point is the weighted mean of those that are not, or missing if more than half of its
    weight would come from missing ones. Nothing is extrapolated.

    Args:
        analysis: Channels, the last two dimensions those of the grid: in canonical layout, or on a curvilinear grid
            with `latitude` and `longitude` of two dimensions.
        latitude: Rows of the new grid, degrees, ascending.
        longitude: Columns of the new grid, degrees, ascending.
        method: `conservative` (grids of rows and columns only), `bilinear` or `nearest`.
        where: File or dataset, to begin an error with.

    Returns:
        The analysis on the new grid, float32, with attributes `regrid_method` and `source_grid`; one that lies on this
        grid already is returned as it is.

    Raises:
        InvalidDataError: The source does not cover the new grid.
        ConfigurationError: The method cannot be used with the source's grid.
    """
    if _lies_on(analysis, latitude, longitude):
        return analysis
    target = Cells(np.asarray(latitude, np.float64), np.asarray(longitude, np.float64))
    signs = {str(name): channel(str(name)).variable.polar_sign for name in analysis.data_vars}
    weights = {sign: _weights(analysis, target, method, sign, where) for sign in set(signs.values())}
    shape = target.latitude.size, target.longitude.size
    fields = {name: _applied(analysis[name], weights[sign], shape) for name, sign in signs.items()}
    coords = {
        "latitude": ("latitude", target.latitude, LATITUDE_ATTRIBUTES),
        "longitude": ("longitude", target.longitude, LONGITUDE_ATTRIBUTES),
    }
    attributes = {METHOD_ATTRIBUTE: method, SOURCE_ATTRIBUTE: describe_grid(analysis)}
    return xr.Dataset(fields, coords, {**analysis.attrs, **attributes})


def describe_grid(analysis: xr.Dataset) -> str:
    """Describe the grid of an analysis in a few words: its kind, number of points, first and last of each axis.

    Args:
        analysis: With `latitude` and `longitude` of one or two dimensions.
    """
    latitude, longitude = analysis["latitude"].values, analysis["longitude"].values
    if latitude.ndim > 1:
        rows, columns = latitude.shape
        kind, ends = "curvilinear", (latitude.min(), latitude.max(), longitude.min(), longitude.max())
    else:
        rows, columns = latitude.size, longitude.size
        steps = np.diff(latitude)
        even = not steps.size or float(np.ptp(steps)) < same_place_tolerance(latitude)
        kind = "regular" if even else "Gaussian or uneven"
        ends = latitude[0], latitude[-1], longitude[0], longitude[-1]
    south, north, west, east = (f"{round(float(end), 3):g}" for end in ends)
    return f"{kind}, {rows} x {columns} points, latitude {south} to {north}, longitude {west} to {east}"


def _lies_on(analysis: xr.Dataset, latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> bool:
    for name, wanted in (("latitude", latitude), ("longitude", longitude)):
        found = analysis[name].values
        if found.shape != wanted.shape or np.abs(found - wanted).max(initial=0.0) > same_place_tolerance(wanted):
            return False
    return True


def _weights(analysis: xr.Dataset, target: Cells, method: Method, polar_sign: int, where: str) -> sparse.csr_array:
    latitude, longitude = (analysis[name].values.astype(np.float64) for name in ("latitude", "longitude"))
    if latitude.ndim == 1:
        return rectilinear_weights(Cells(latitude, longitude), target, method, polar_sign=polar_sign, what=where)
    if method == "conservative":
        raise ConfigurationError(
            f"{where}: expected method bilinear or nearest for a curvilinear grid, found conservative, which takes the "
            "cells of rows and columns"
        )
    grid = CurvilinearGrid(latitude, longitude)
    rows, columns = (axis.ravel() for axis in np.meshgrid(target.latitude, target.longitude, indexing="ij"))
    find = grid.bilinear_weights if method == "bilinear" else grid.nearest_weights
    return find(rows, columns, what=where)


def _applied(field: xr.DataArray, weights: sparse.csr_array, shape: tuple[int, int]) -> xr.DataArray:
    """A field on the new grid, named and described as before."""
    leading = field.dims[:-2]
    coords: Mapping[str, xr.DataArray] = {str(dim): field[dim] for dim in leading if dim in field.coords}
    if field.chunks is None:
        data = apply_weights(field.values, weights, shape)
    else:
        whole = field.data.rechunk({-2: -1, -1: -1})
        chunks = (*whole.chunks[:-2], (shape[0],), (shape[1],))
        shared = dask.delayed(weights, traverse=False)  # type: ignore[attr-defined]  # one copy, whatever runs the tasks
        meta = np.empty((0,) * field.ndim, np.float32)
        data = da.map_blocks(  # type: ignore[no-untyped-call]
            apply_weights, whole, weights=shared, shape=shape, dtype=np.float32, chunks=chunks, meta=meta
        )
    return xr.DataArray(data, coords, (*leading, "latitude", "longitude"), field.name, field.attrs)


def apply_weights(
    values: NDArray[np.floating], weights: sparse.csr_array, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the weighted sums of fields; missing points count with their weight, as `regrid` says.

    Args:
        values: (..., row, column).
        weights: (target points, source points).
        shape: Rows and columns of the target.

    Returns:
        (..., row, column), float32.
    """
    leading = values.shape[:-2]
    points = np.ascontiguousarray(values.reshape(-1, weights.shape[1]).T, np.float64)
    missing = np.isnan(points)
    if missing.any():
        present = weights @ (~missing).astype(np.float64)
        sums = weights @ np.where(missing, 0.0, points)
        with np.errstate(divide="ignore", invalid="ignore"):
            result = np.where(present >= _LEAST_PRESENT, sums / present, np.nan)
    else:
        result = weights @ points
    return np.ascontiguousarray(result.T, np.float32).reshape(*leading, *shape)
