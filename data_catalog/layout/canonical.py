"""One layout for every source: channels as variables, (time, latitude, longitude) ascending, SI units, float32.

`canonicalise` is the only door by which data of others comes in; the spellings that it knows live in the variable
table (`variables.py`), in `units.py` and in `axis_names.py`.
"""

import logging
import re
from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.axes import as_analysis, as_forecast
from data_catalog.layout.checks import check_channels
from data_catalog.layout.coordinates import with_ascending_latitude, with_continuous_longitude, with_merged_versions
from data_catalog.layout.quantities import Channel, Variable
from data_catalog.layout.units import conversion, converted
from data_catalog.layout.variables import VARIABLES, channel, is_levelled_name, is_surface_name, level_channel

_LOG = logging.getLogger(__name__)
_ON_A_LEVEL = ("{}{}", "{}_{}", "{}_{}hPa", "{}{}hPa", "{}_{}hpa")
_LEVEL_AT_END = re.compile(r"([1-9]\d*)(?:h[Pp]a)?$")
_LOWEST_LEVEL_HPA = 1100
_FORECAST_DIMS = ("init_time", "member", "lead_time")


def canonicalise(
    dataset: xr.Dataset,
    channels: Sequence[str] | None = None,
    static: Sequence[str] = (),
    *,
    where: str = "dataset",
    forecast: bool = False,
    ensemble: bool = False,
) -> xr.Dataset:
    """A dataset of any known layout as an analysis, or as an ensemble forecast.

    Args:
        dataset: As xarray opens it; stays lazy where it is lazy.
        channels: Which to take, in this order; None takes each that is recognised, static ones of an analysis too.
        static: Channels without time to take besides.
        where: File name, to begin each error with.
        forecast: Whether to read members, lead times and starts instead of times.
        ensemble: Whether each analysis is an ensemble.

    Returns:
        One float32 variable per channel, in SI units, dims (time, [member,] latitude, longitude), or (latitude,
        longitude) where static; of a forecast ([init_time,] member, lead_time, latitude, longitude), one start being a
        scalar.

    Raises:
        InvalidDataError: A channel is not there, a unit is unknown, or coordinates cannot be understood.
        ConfigurationError: A name in `channels` or `static` is no channel.
    """
    wanted = None if channels is None else [channel(name) for name in (*channels, *static)]
    named = _on_our_axes(dataset, where, forecast=forecast, ensemble=ensemble)
    along = _along(named) if forecast else ("time", "member") if ensemble else ("time",)
    if wanted is None:
        wanted = [one for one in _recognised(named) if not forecast or _is_forecast(named, one, along)]
    fields = {one.name: _field(named, one, where, along) for one in wanted if _source_name(named, one) is not None}
    found = xr.Dataset(fields, attrs=dataset.attrs)
    check_channels(found, [one.name for one in wanted], where=f"{where} ({_contents(named)})")
    if not fields:
        raise InvalidDataError(f"{where}: expected a known channel, found {_contents(named)}")
    if channels is None:
        _log_left_out(named, where)
    kept = {*along, "latitude", "longitude", *(("init_time",) if forecast else ())}
    return found.drop_vars(set(found.coords) - kept)


def _log_left_out(dataset: xr.Dataset, where: str) -> None:
    """Say which fields of known names are on no pressure level, and so are no channels."""
    known = {_source_name(dataset, one) for one in _recognised(dataset)}
    for variable in VARIABLES.values():
        for name in variable.names if variable.on_levels else ():
            if name in dataset.data_vars and name not in known and "level" not in dataset[name].coords:
                _LOG.warning("%s: %s is on no pressure level in hPa, and left out", where, name)


def recognised_channels(dataset: xr.Dataset, *, where: str = "dataset") -> dict[str, str]:
    """Return the channels of an analysis that are known by their names, whatever their units and values are.

    Args:
        dataset: As xarray opens it.
        where: File name, to begin each error with.

    Returns:
        What the dataset calls each channel, by the name of the channel.

    Raises:
        InvalidDataError: The axes of the dataset cannot be understood.
    """
    named = _on_our_axes(dataset, where, forecast=False)
    return {one.name: _checked_source_name(named, one, where) for one in _recognised(named)}


def _on_our_axes(dataset: xr.Dataset, where: str, *, forecast: bool, ensemble: bool = False) -> xr.Dataset:
    plain = _unpacked(dataset)
    named = as_forecast(plain, where) if forecast else as_analysis(plain, where, ensemble=ensemble)
    return with_continuous_longitude(with_ascending_latitude(named, where), where)


def _along(forecast: xr.Dataset) -> tuple[str, ...]:
    """Dimensions of a forecast's fields besides those of the grid: one start is no dimension."""
    return tuple(dim for dim in _FORECAST_DIMS if dim != "init_time" or dim in forecast.dims)


def _is_forecast(dataset: xr.Dataset, one: Channel, along: Sequence[str]) -> bool:
    """Whether a field has the members, lead times and starts of its dataset; others stand beside, such as masks."""
    name = _source_name(dataset, one)
    needed = {dim for dim in along if dataset.sizes.get(dim, 1) > 1}
    return name is not None and not one.variable.static and needed <= set(dataset[name].dims)


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
    return xr.decode_cf(dataset, decode_times=False, decode_timedelta=False) if packed else dataset


def _contents(dataset: xr.Dataset) -> str:
    on_levels = any(name in dataset for variable in VARIABLES.values() if variable.on_levels for name in variable.names)
    levels = " on no pressure levels" if on_levels else ""
    if "level" in dataset.coords:
        levels = " on " + ", ".join(f"{level:g}" for level in _levels(dataset)) + " hPa"
    return ", ".join(map(str, dataset.data_vars)) + levels if dataset.data_vars else "no variables"


def _levels(dataset: xr.Dataset) -> np.ndarray:
    return np.atleast_1d(dataset["level"].values)


def _recognised(dataset: xr.Dataset) -> Iterator[Channel]:
    """Every channel that the dataset holds, under any spelling."""
    for variable in VARIABLES.values():
        if not variable.on_levels:
            if _source_name(dataset, channel(variable.short_name)) is not None:
                yield channel(variable.short_name)
            continue
        levels = set(_levels_in_names(dataset, variable))
        if "level" in dataset.coords:
            levels |= {int(level) for level in _levels(dataset) if level == int(level) > 0}
        for level in sorted(levels):
            one = level_channel(variable, level)
            if _source_name(dataset, one) is not None:
                yield one


def _levels_in_names(dataset: xr.Dataset, variable: Variable) -> Iterator[int]:
    """Levels in hPa with which names such as `z500` or `geopotential_500hPa` may end."""
    starts = tuple(variable.names)
    for name in map(str, dataset):
        digits = _LEVEL_AT_END.search(name)
        if name.startswith(starts) and digits is not None and 1 <= int(digits[1]) <= _LOWEST_LEVEL_HPA:
            yield int(digits[1])


def _source_name(dataset: xr.Dataset, wanted: Channel) -> str | None:
    """What the dataset calls the channel, by the spelling that the variable table names first."""
    return next(iter(_source_names(dataset, wanted)), None)


def _source_names(dataset: xr.Dataset, wanted: Channel) -> list[str]:
    """All fields of the channel: flat (`z500`, `geopotential_500`), or a variable on levels."""
    names = wanted.variable.names
    if wanted.level_hpa is None:
        return [name for name in names if name in dataset and _is_meant(dataset, name, wanted.variable)]
    flat = [pattern.format(name, wanted.level_hpa) for name in names for pattern in _ON_A_LEVEL]
    on_levels = [name for name in names if name in dataset and "level" in dataset[name].coords]
    has_level = bool(on_levels) and wanted.level_hpa in _levels(dataset)
    return [name for name in flat if name in dataset and not is_surface_name(name)] + (on_levels if has_level else [])


def _is_meant(dataset: xr.Dataset, name: str, variable: Variable) -> bool:
    """Whether a field that is spelled like a variable without levels is that variable."""
    if not is_levelled_name(name):
        return True
    words = variable.described_as or ""
    return "level" not in dataset[name].coords and words in str(dataset[name].attrs.get("long_name", ""))


def _checked_source_name(dataset: xr.Dataset, wanted: Channel, where: str) -> str:
    """The name of the channel's only field: of two, which to believe is not ours to guess."""
    names = _source_names(dataset, wanted)
    if len(names) > 1 and not wanted.variable.static:
        raise InvalidDataError(f"{where}: expected one field of {wanted.name}, found {' and '.join(names)}; drop one")
    return names[0]


def _field(dataset: xr.Dataset, wanted: Channel, where: str, along: Sequence[str]) -> xr.DataArray:
    """One channel out of the dataset, in canonical dims, units and attributes."""
    name = _checked_source_name(dataset, wanted, where)
    field = dataset[name]
    what = f"{where}: {name}"
    if "level" in field.dims:
        index = 0
        if wanted.level_hpa is not None:
            index = int(np.flatnonzero(_levels(dataset) == wanted.level_hpa)[0])
        field = field.isel(level=index, drop=True)
    if wanted.variable.static:
        field = field.isel({dim: 0 for dim in ("time", "member") if dim in field.dims}, drop=True)
    dims = ("latitude", "longitude") if wanted.variable.static else (*along, "latitude", "longitude")
    beside = [dim for dim in field.dims if dim not in dims and dim != "expver"]
    field = field.squeeze([dim for dim in beside if field.sizes[dim] == 1], drop=True)
    field = field.expand_dims([dim for dim in dims if dim in field.coords and dim not in field.dims])
    if set(field.dims) - {"expver"} != set(dims):
        others = " and ".join(dim for dim in map(str, field.dims) if dim not in dims)
        advice = f"; choose one along {others}" if others else ""
        raise InvalidDataError(f"{what}: expected dims {dims}, found {field.dims}{advice}")
    field = with_merged_versions(field.transpose(*dims, ...), what)
    return _in_units(field, wanted, what)


def _in_units(field: xr.DataArray, wanted: Channel, what: str) -> xr.DataArray:
    if field.dtype.kind not in "biuf":
        raise InvalidDataError(f"{what}: expected real numbers, found values of type {field.dtype}")
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
