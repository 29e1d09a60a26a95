"""Dimensions as sources spell and order them, brought to one layout: time, latitude ascending, longitude ascending."""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import dask.array as da
import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.cells import is_periodic
from data_catalog.layout.times import at_time

SPELLINGS: dict[str, tuple[str, ...]] = {
    "time": ("time", "valid_time", "time_index", "date"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon"),
    "level": ("level", "pressure_level", "isobaricInhPa", "plev", "lev", "pressure"),
    "member": ("member", "realization", "number", "ensemble", "ensemble_member", "ens", "sample"),
    "lead_time": (
        "lead_time", "forecast_period", "prediction_timedelta", "step", "lead", "leadtime", "forecast_hour",
    ),
    "init_time": (
        "init_time", "forecast_reference_time", "initial_time", "initialization_time", "reftime", "start_date",
    ),
}  # fmt: skip
"""What sources call each dimension; our own name is the first."""
_ANALYSIS_DIMS = ("time", "latitude", "longitude", "level", "member")
_TIME_UNITS = re.compile(r"^(seconds|minutes|hours|days) since \d{4}-\d{1,2}-\d{1,2}[^()]*")
_SAME_PLACE_DEGREES = 1e-4
_FULL_CIRCLE = 360.0
LATITUDE_ATTRIBUTES = {"units": "degrees_north", "standard_name": "latitude", "long_name": "latitude", "axis": "Y"}
LONGITUDE_ATTRIBUTES = {"units": "degrees_east", "standard_name": "longitude", "long_name": "longitude", "axis": "X"}
Times: TypeAlias = np.ndarray | None
ByTime: TypeAlias = Callable[..., np.ndarray]


def with_our_names(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with time, latitude, longitude, level and member named as here.

    A dimension wins over a scalar coordinate of the same meaning (CDS files hold both `valid_time` and `time`).

    Args:
        dataset: As xarray opens it.
    """
    for ours in _ANALYSIS_DIMS:
        present = [name for name in SPELLINGS[ours] if name in dataset.dims] or [
            name for name in SPELLINGS[ours] if name in dataset.coords or (name in dataset and dataset[name].ndim == 0)
        ]
        if not present or present[0] == ours:
            continue
        if ours in dataset.variables:
            dataset = dataset.drop_vars(ours)
        dataset = dataset.rename({present[0]: ours})
    return dataset


def with_times(dataset: xr.Dataset, where: str) -> xr.Dataset:
    """The dataset with `time` as a dimension of datetime64[ns], decoded where it is a bare count of hours.

    Args:
        dataset: Its time named as ours.
        where: File or dataset, to begin an error with.

    Raises:
        InvalidDataError: Times without units, or in a calendar that is not the real one.
    """
    if "time" not in dataset.variables:
        if "time" in dataset.dims:
            raise InvalidDataError(f"{where}: expected a time coordinate, found a dimension without values")
        return dataset
    if "time" not in dataset.dims:
        if dataset["time"].ndim:
            raise InvalidDataError(f"{where}: expected times along one dimension, found {list(dataset['time'].dims)}")
        dataset = dataset.set_coords("time").expand_dims("time")
    if np.issubdtype(dataset["time"].dtype, np.number):
        dataset = _decoded(dataset, where)
    if not np.issubdtype(dataset["time"].dtype, np.datetime64):
        raise InvalidDataError(
            f"{where}: expected times of the standard calendar, found {dataset['time'].dtype} values"
        )
    return dataset.assign_coords(time=dataset["time"].astype("datetime64[ns]"))


def _decoded(dataset: xr.Dataset, where: str) -> xr.Dataset:
    """Count of hours to times; units stand on the variable or, in some stores, on the dataset."""
    attributes = dataset["time"].attrs
    found = str(attributes.get("units") or dataset.attrs.get("time_units") or "")
    match = _TIME_UNITS.match(found)
    if match is None:
        raise InvalidDataError(f"{where}: expected time in units like 'hours since 1900-01-01', found {found!r}")
    calendar = str(attributes.get("calendar", "proleptic_gregorian"))
    bare = xr.Dataset(
        coords={"time": ("time", dataset["time"].values, {"units": match[0].strip(), "calendar": calendar})}
    )
    return dataset.assign_coords(time=xr.decode_cf(bare)["time"])


def with_one_member(dataset: xr.Dataset, where: str) -> xr.Dataset:
    """The dataset without its ensemble coordinate, which for an analysis has one value.

    Args:
        dataset: Its member named as ours, if there is one.
        where: File or dataset, to begin an error with.

    Raises:
        InvalidDataError: There are several members.
    """
    if "member" not in dataset.variables and "member" not in dataset.dims:
        return dataset
    size = dataset.sizes.get("member", 1)
    if size != 1:
        raise InvalidDataError(f"{where}: expected one analysis, found {size} members")
    return dataset.isel(member=0, drop=True) if "member" in dataset.dims else dataset.drop_vars("member")


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
    """
    field = fields[0]
    timed = "time" in field.dims
    assert not timed or field.dims[0] == "time"
    times = field["time"].values if timed else None
    if field.chunks is None:
        return field.copy(data=function(times, what, *(other.values for other in fields)))

    def on_block(*values: np.ndarray, block_info: Any = None) -> np.ndarray:
        start, stop = block_info[0]["array-location"][0]
        return function(times if times is None else times[start:stop], what, *values)

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
        dataset: Its latitude named as ours, in either order.
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
    return dataset.assign_coords(
        latitude=("latitude", dataset["latitude"].values.astype(np.float64), LATITUDE_ATTRIBUTES)
    )


def with_continuous_longitude(dataset: xr.Dataset, where: str) -> xr.Dataset:
    """The dataset from west to east: [0, 360) on the whole circle, continuous and starting in [-180, 180) on a region.

    Args:
        dataset: Its longitude named as ours, in any turn of the circle.
        where: File or dataset, to begin an error with.

    Raises:
        InvalidDataError: Repeated longitudes (0 and 360 together are the same place twice).
    """
    longitude = _axis(dataset, "longitude", where)
    wrapped = np.mod(np.round(longitude, 9), _FULL_CIRCLE)
    order = np.argsort(wrapped, kind="stable")
    gaps = np.diff(wrapped[order], append=wrapped[order[0]] + _FULL_CIRCLE)
    if len(order) > 1 and gaps.min() < _SAME_PLACE_DEGREES:
        at = int(np.argmin(gaps))
        one, other = longitude[order[[at, (at + 1) % len(order)]]]
        raise InvalidDataError(f"{where}: expected each longitude once, found {one:g} and {other:g}, the same place")
    if not is_periodic(wrapped):
        order = np.roll(order, -(int(np.argmax(gaps)) + 1))
        wrapped = _unwrapped(wrapped, first=float(wrapped[order[0]]))
    values = wrapped[order]
    ordered = dataset if (order == np.arange(len(order))).all() else dataset.isel(longitude=order)
    return ordered.assign_coords(longitude=("longitude", values, LONGITUDE_ATTRIBUTES))


def _unwrapped(wrapped: np.ndarray, first: float) -> np.ndarray:
    """Longitudes east of the first, which itself lies in [-180, 180)."""
    eastward = np.where(wrapped < first, wrapped + _FULL_CIRCLE, wrapped)
    return eastward - _FULL_CIRCLE if first >= _FULL_CIRCLE / 2 else eastward


def _axis(dataset: xr.Dataset, name: str, where: str) -> np.ndarray:
    if name not in dataset.dims or name not in dataset.variables:
        raise InvalidDataError(
            f"{where}: expected a {name} dimension with values, found {list(map(str, dataset.dims))}"
        )
    values = np.asarray(dataset[name].values, np.float64)
    if not np.isfinite(values).all():
        raise InvalidDataError(f"{where}: expected finite values of {name}, found {_listed(values)}")
    return values


def _listed(values: np.ndarray) -> str:
    texts = [f"{value:g}" for value in values]
    return ", ".join(texts if len(texts) <= 6 else [*texts[:3], "...", *texts[-2:]])
