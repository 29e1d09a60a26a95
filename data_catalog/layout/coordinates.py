"""Latitudes and longitudes in any order brought to one, and releases of one field merged."""

from collections.abc import Callable
from typing import Any, TypeAlias

import dask.array as da
import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.cells import is_periodic, same_place_tolerance
from data_catalog.layout.times import at_time

_SAME_PLACE_DEGREES = 1e-4
_SAME_BITS_DEGREES = 1e-8
_SAME_VALUE = 1e-6
"""Of a value: what rounding in single precision can make of one."""
_FULL_CIRCLE = 360.0
LATITUDE_ATTRIBUTES = {"units": "degrees_north", "standard_name": "latitude", "long_name": "latitude", "axis": "Y"}
LONGITUDE_ATTRIBUTES = {"units": "degrees_east", "standard_name": "longitude", "long_name": "longitude", "axis": "X"}
MEMBER_ATTRIBUTES = {"units": "1", "standard_name": "realization", "long_name": "ensemble member"}
Times: TypeAlias = np.ndarray | None
ByTime: TypeAlias = Callable[..., np.ndarray]


def with_merged_versions(field: xr.DataArray, what: str) -> xr.DataArray:
    """Merge ERA5 with its preliminary release (ERA5T), where a file holds both along `expver`.

    Each value must stand in one release at most; where both have one, which to believe is not ours to guess.

    Args:
        field: With or without `expver`.
        what: File and variable, to begin an error with.
    """
    if "expver" not in field.dims:
        return field
    releases = [field.isel(expver=index, drop=True) for index in range(field.sizes["expver"])]
    merged = releases[0]
    for later in releases[1:]:
        merged = apply_by_time(_complement, merged, later, what=what)
    return merged


def _complement(times: Times, what: str, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    both = ~np.isnan(first) & ~np.isnan(second)
    if both.any():
        when = at_time(times, int(np.argwhere(both)[0][0]))
        raise InvalidDataError(f"{what}{when}: expected one release (expver) at each point, found two")
    return np.where(np.isnan(first), second, first)


def apply_by_time(function: ByTime, *fields: xr.DataArray, what: str) -> xr.DataArray:
    """A function applied to fields block by block, lazily where they are lazy, so that its errors can say when.

    Args:
        function: Takes the times of a block (None for a field without time), `what` and the values of each field.
        fields: Same dims and chunks, time first where there is one.
        what: File and variable, handed on to `function`.

    Returns:
        The result, float32 where it is lazy.
    """
    field = fields[0]
    timed = "time" in field.dims
    assert not timed or field.dims[0] == "time"
    times = field["time"].values if timed else None
    if field.chunks is None:
        return field.copy(data=function(times, what, *(other.values for other in fields)))

    def on_block(*values: np.ndarray, block_info: Any = None) -> np.ndarray:
        start, stop = block_info[0]["array-location"][0]
        result = function(times if times is None else times[start:stop], what, *values)
        return result.astype(np.float32, copy=False)  # the type that is declared, whatever the fields have

    arrays = [other.data for other in fields]
    meta = np.empty((0,) * field.ndim, np.float32)
    lazy = da.map_blocks(on_block, *arrays, dtype=np.float32, meta=meta)  # type: ignore[no-untyped-call]
    return field.copy(data=lazy)


def at_times(dataset: xr.Dataset, indices: np.ndarray) -> xr.Dataset:
    """The dataset at some of its times, by index.

    Evenly spaced ones are taken as a slice, which leaves Dask's blocks as they are; by a list of indices Dask would
    join blocks, and read more than was chosen.

    Args:
        dataset: Has `time`.
        indices: Of its times, in the order wanted.
    """
    steps = np.unique(np.diff(indices)) if len(indices) > 1 else np.array([1])
    if len(indices) and len(steps) == 1 and steps[0] > 0:
        return dataset.isel(time=slice(int(indices[0]), int(indices[-1]) + 1, int(steps[0])))
    return dataset.isel(time=indices)


def with_ascending_latitude(dataset: xr.Dataset, where: str) -> xr.Dataset:
    """The dataset from south to north.

    Args:
        dataset: Its latitude named as ours, in either order, or a scalar.
        where: File or dataset, to begin an error with.

    Raises:
        InvalidDataError: Latitudes out of order, repeated or beyond the poles.
    """
    latitude = _axis(dataset, "latitude", where)
    if np.abs(latitude).max() > 90.0 + _SAME_PLACE_DEGREES:
        raise InvalidDataError(f"{where}: expected latitudes in -90..90, found {latitude.min():g}..{latitude.max():g}")
    steps = np.diff(latitude)
    if (steps < 0).all() and len(steps):
        dataset = dataset.isel(latitude=slice(None, None, -1))
    elif not (steps > 0).all():
        raise InvalidDataError(f"{where}: expected latitudes in order, found {_listed(latitude)}")
    values = dataset["latitude"].values.astype(np.float64)
    return dataset.assign_coords(latitude=(dataset["latitude"].dims, values, LATITUDE_ATTRIBUTES))


def with_continuous_longitude(dataset: xr.Dataset, where: str) -> xr.Dataset:
    """The dataset from west to east: [0, 360) on the whole circle, continuous and starting in [-180, 180) on a region.

    A longitude just below 0 by rounding, such as -0.0003, comes first on the whole circle, as 0 does.
    A column that repeats the first a whole circle on, as plotting tools add it, is left out if it holds the same
    values, which are read for that.

    Args:
        dataset: Its longitude named as ours, in any turn of the circle, or a scalar.
        where: File or dataset, to begin an error with.

    Raises:
        InvalidDataError: Repeated longitudes with different values.
    """
    dataset = _without_cyclic_column(dataset, where)
    longitude = _axis(dataset, "longitude", where)
    wrapped = np.where((longitude >= 0) & (longitude < _FULL_CIRCLE), longitude, np.mod(np.round(longitude, 9), 360.0))
    periodic = is_periodic(wrapped)
    if periodic:  # what rounding made of 0 stays the first column, as on the grids that it is compared with
        wrapped = np.where(wrapped >= _FULL_CIRCLE - same_place_tolerance(np.sort(wrapped)), wrapped - 360.0, wrapped)
    order = np.argsort(wrapped, kind="stable")
    if not periodic:
        gaps = np.diff(wrapped[order], append=wrapped[order[0]] + _FULL_CIRCLE)
        order = np.roll(order, -(int(np.argmax(gaps)) + 1))
        wrapped = _unwrapped(wrapped, first=float(wrapped[order[0]]))
    # A grid that is in order already keeps the last bits of its coordinates.
    values = np.where(np.abs(wrapped - longitude) < _SAME_BITS_DEGREES, longitude, wrapped)[order]
    ordered = dataset if (order == np.arange(len(order))).all() else dataset.isel(longitude=order)
    along = ordered["longitude"].dims
    return ordered.assign_coords(longitude=(along, values.reshape(ordered["longitude"].shape), LONGITUDE_ATTRIBUTES))


def _without_cyclic_column(dataset: xr.Dataset, where: str) -> xr.Dataset:
    longitude = _axis(dataset, "longitude", where)
    wrapped = np.mod(np.round(longitude, 9), _FULL_CIRCLE)
    order = np.argsort(wrapped, kind="stable")
    gaps = np.diff(wrapped[order], append=wrapped[order[0]] + _FULL_CIRCLE)
    if len(order) < 2 or gaps.min() >= _SAME_PLACE_DEGREES:
        return dataset
    at = int(np.argmin(gaps))
    first, second = sorted((int(order[at]), int(order[(at + 1) % len(order)])))
    named = f"{longitude[first]:g} and {longitude[second]:g}, the same place"
    if (first, second) != (0, len(order) - 1) or np.sum(gaps < _SAME_PLACE_DEGREES) > 1:
        raise InvalidDataError(f"{where}: expected each longitude once, found {named}")
    for name, field in dataset.items():
        if "longitude" in field.dims and not _same(field.isel(longitude=first), field.isel(longitude=second)):
            raise InvalidDataError(
                f"{where}: {name}: expected the same values at {named}, found others; leave one of the columns out"
            )
    return dataset.isel(longitude=slice(None, -1))


def _same(one: xr.DataArray, other: xr.DataArray) -> bool:
    if one.dtype.kind not in "fiu":
        return bool((one.variable == other.variable).all())
    near = np.abs(one.variable - other.variable) <= _SAME_VALUE * np.abs(one.variable)
    return bool((near | (one.variable.isnull() & other.variable.isnull())).all())


def _unwrapped(wrapped: np.ndarray, first: float) -> np.ndarray:
    """Longitudes east of the first, which itself lies in [-180, 180)."""
    eastward = np.where(wrapped < first, wrapped + _FULL_CIRCLE, wrapped)
    return eastward - _FULL_CIRCLE if first >= _FULL_CIRCLE / 2 else eastward


def _axis(dataset: xr.Dataset, name: str, where: str) -> np.ndarray:
    """Values of a coordinate of place; one value where it is a scalar."""
    if name not in dataset.coords:
        raise InvalidDataError(
            f"{where}: expected a {name} dimension with values, found {list(map(str, dataset.dims))}"
        )
    values = np.atleast_1d(np.asarray(dataset[name].values, np.float64))
    if not values.size or not np.isfinite(values).all():
        raise InvalidDataError(f"{where}: expected finite values of {name}, found {_listed(values) or 'none'}")
    return values


def _listed(values: np.ndarray) -> str:
    texts = [f"{value:g}" for value in values]
    return ", ".join(texts if len(texts) <= 6 else [*texts[:3], "...", *texts[-2:]])
