"""One layout for every source: channels as variables, (time, latitude, longitude) ascending, SI units, float32.

`canonicalise` is the only door by which data of others comes in; the spellings that it knows live in the variable
table (`variables.py`), in `units.py` and in `coordinates.py`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.checks import check_channels
from data_catalog.layout.coordinates import (
    with_ascending_latitude,
    with_continuous_longitude,
    with_merged_versions,
    with_one_member,
    with_our_names,
    with_times,
)
from data_catalog.layout.units import conversion, converted
from data_catalog.layout.variables import VARIABLES, Channel, Variable, channel

_HIGHEST_PRESSURE_IN_HPA = 2000.0


def canonicalise(
    dataset: xr.Dataset,
    channels: Sequence[str] | None = None,
    static: Sequence[str] = (),
    *,
    where: str = "dataset",
    along: Sequence[str] = ("time",),
) -> xr.Dataset:
    """A dataset of any known layout as an analysis.

    Args:
        dataset: As xarray opens it; stays lazy where it is lazy.
        channels: Which to take, in this order; None takes each that is recognised, static ones too.
        static: Channels without time to take besides.
        where: File name, to begin each error with.
        along: Dimensions of a field besides those of the grid; forecasts have others than a time.

    Returns:
        One float32 variable per channel, dims (*along, latitude, longitude) or (latitude, longitude), in SI units.

    Raises:
        InvalidDataError: A channel is not there, a unit is unknown, or coordinates cannot be understood.
        ConfigurationError: A name in `channels` or `static` is no channel.
    """
    wanted = None if channels is None else [channel(name) for name in (*channels, *static)]
    named = with_our_names(_unpacked(dataset))
    named = with_one_member(with_times(named, where), where)
    named = with_continuous_longitude(with_ascending_latitude(named, where), where)
    if wanted is None:
        wanted = list(_recognised(named))
    fields = {one.name: _field(named, one, where, along) for one in wanted if _source_name(named, one) is not None}
    analysis = xr.Dataset(fields, attrs=dataset.attrs)
    check_channels(analysis, [one.name for one in wanted], where=f"{where} ({_contents(named)})")
    if not fields:
        raise InvalidDataError(f"{where}: expected a known channel, found {_contents(named)}")
    return analysis.drop_vars(set(analysis.coords) - {*along, "latitude", "longitude"})


def present_channels(dataset: xr.Dataset, names: Sequence[str]) -> tuple[str, ...]:
    """Those of the named channels that a dataset holds under any spelling.

    Args:
        dataset: With its dimensions named as ours.
        names: Channels to look for.
    """
    return tuple(name for name in names if _source_name(dataset, channel(name)) is not None)


def _unpacked(dataset: xr.Dataset) -> xr.Dataset:
    """Packed integers as numbers, where whoever opened the file did not do so."""
    packed = any({"scale_factor", "add_offset"} & set(variable.attrs) for variable in dataset.variables.values())
    return xr.decode_cf(dataset) if packed else dataset


def _contents(dataset: xr.Dataset) -> str:
    levels = ""
    if "level" in dataset.coords:
        levels = " on " + ", ".join(f"{level:g}" for level in np.atleast_1d(levels_hpa(dataset))) + " hPa"
    return ", ".join(map(str, dataset.data_vars)) + levels if dataset.data_vars else "no variables"


def levels_hpa(dataset: xr.Dataset) -> np.ndarray:
    """Values of the level coordinate in hPa; a coordinate in Pa is recognised by its units or its size.

    Args:
        dataset: Has a coordinate `level`.
    """
    levels = np.asarray(dataset["level"].values, np.float64)
    units = str(dataset["level"].attrs.get("units", ""))
    if units == "Pa" or levels.max(initial=0.0) > _HIGHEST_PRESSURE_IN_HPA:
        return levels / 100.0
    return levels


def _recognised(dataset: xr.Dataset) -> Iterator[Channel]:
    """Every channel that the dataset holds, under any spelling."""
    for variable in VARIABLES.values():
        if not variable.on_levels:
            if _source_name(dataset, channel(variable.short_name)) is not None:
                yield channel(variable.short_name)
            continue
        levels = set(range(1, 1101)) if _spelled_with_level(dataset, variable) else set()
        if "level" in dataset.coords:
            levels |= {int(level) for level in np.atleast_1d(levels_hpa(dataset)) if level == int(level) > 0}
        for level in sorted(levels):
            name = f"{variable.short_name}{level}"
            # The wind at 10 hPa has no name of its own: `u10` is the wind at 10 m.
            if name not in VARIABLES and _source_name(dataset, channel(name)) is not None:
                yield channel(name)


def _spelled_with_level(dataset: xr.Dataset, variable: Variable) -> bool:
    starts = tuple(variable.names)
    return any(str(name).startswith(starts) and str(name).removesuffix("hPa")[-1].isdigit() for name in dataset)


def _source_name(dataset: xr.Dataset, wanted: Channel) -> str | None:
    """What the dataset calls the channel: flat (`z500`, `geopotential_500`) or a variable on levels."""
    names = wanted.variable.names
    if wanted.level_hpa is None:
        return next((name for name in names if name in dataset), None)
    flat = [pattern.format(name, wanted.level_hpa) for name in names for pattern in ("{}{}", "{}_{}", "{}_{}hPa")]
    found = next((name for name in flat if name in dataset), None)
    if found is not None:
        return found
    on_levels = next((name for name in names if name in dataset and "level" in dataset[name].coords), None)
    if on_levels is None or wanted.level_hpa not in np.atleast_1d(levels_hpa(dataset)):
        return None
    return on_levels


def _field(dataset: xr.Dataset, wanted: Channel, where: str, along: Sequence[str]) -> xr.DataArray:
    """One channel out of the dataset, in canonical dims, units and attributes."""
    name = _source_name(dataset, wanted)
    assert name is not None
    field = dataset[name]
    what = f"{where}: {name}"
    if "level" in field.dims:
        index = 0
        if wanted.level_hpa is not None:
            index = int(np.flatnonzero(levels_hpa(dataset) == wanted.level_hpa)[0])
        field = field.isel(level=index, drop=True)
    if wanted.variable.static and "time" in field.dims:
        field = field.isel(time=0, drop=True)
    dims = ("latitude", "longitude") if wanted.variable.static else (*along, "latitude", "longitude")
    beside = [dim for dim in field.dims if dim not in dims and dim != "expver"]
    field = field.squeeze([dim for dim in beside if field.sizes[dim] == 1], drop=True)
    if set(field.dims) - {"expver"} != set(dims):
        raise InvalidDataError(f"{what}: expected dims {dims}, found {field.dims}")
    field = with_merged_versions(field.transpose(*dims, ...), what)
    return _in_units(field, wanted, what)


def _in_units(field: xr.DataArray, wanted: Channel, what: str) -> xr.DataArray:
    found = str(field.attrs.get("units", "1" if wanted.variable.units == "1" else "none"))
    factor, offset = conversion(found, wanted.variable.units, what=what)
    attributes = dict(wanted.attributes)
    if "time:" in str(field.attrs.get("cell_methods", "")):
        attributes["cell_methods"] = field.attrs["cell_methods"]
    if (factor, offset) != (1.0, 0.0) or field.dtype != np.float32:
        field = xr.apply_ufunc(
            converted, field, factor, offset, dask="parallelized", output_dtypes=[np.float32], keep_attrs=False
        )
    field = field.drop_attrs(deep=False).assign_attrs(attributes)
    field.encoding = {}
    return field
