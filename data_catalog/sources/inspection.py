"""Looks at anyone's data: what of it can be a dataset (channels, grid, step and times), what cannot, and why."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.catalog import GridAxes
from data_catalog.errors import InvalidDataError
from data_catalog.layout.axis_names import dimension_roles
from data_catalog.layout.canonical import canonicalise, recognised_channels
from data_catalog.layout.checks import usual_step
from data_catalog.layout.times import at_time
from data_catalog.layout.variables import channel, is_field_name, is_levelled_name
from data_catalog.sources.files import contents_of_each, open_each, open_files

_HOUR = np.timedelta64(1, "h")


@dataclass(frozen=True)
class UnknownVariable:
    """A field that no variable is known for.

    Attributes:
        name: What the file calls it.
        units: Its unit as the file spells it; empty without one.
        long_name: Words of the file for it; empty without any.
        standard_name: CF standard name that the file gives it; empty without one.
        on_levels: Whether it has a dimension of pressure levels.
    """

    name: str
    units: str
    long_name: str
    standard_name: str
    on_levels: bool

    @property
    def short_name(self) -> str:
        """A short name to declare it under: the letters and digits of its name."""
        plain = re.sub(r"[^a-z0-9]", "", self.name.lower()).lstrip("0123456789") or "x"
        if is_field_name(plain):
            return f"own{plain}"
        return f"{plain}x" if self.on_levels and plain[-1].isdigit() else plain


@dataclass(frozen=True)
class Inspection:
    """What anyone's data holds.

    Attributes:
        source_names: What the data calls each channel that can be read, by the name of the channel.
        channels: Channels with times, in the order of the variable table.
        static: Channels without times.
        ranges: Smallest and largest value of each channel at the times looked at.
        left_out: Why each of the other variables cannot be read, by name.
        unknown: Those of them that a dataset file can declare.
        grid: The grid.
        times: All times, increasing.
        step_hours: Hours between times.
        attributes: Global attributes of the first file, as text.
    """

    source_names: Mapping[str, str]
    channels: tuple[str, ...]
    static: tuple[str, ...]
    ranges: Mapping[str, tuple[float, float]]
    left_out: Mapping[str, str]
    unknown: tuple[UnknownVariable, ...]
    grid: GridAxes
    times: NDArray[np.datetime64]
    step_hours: int
    attributes: Mapping[str, str]


def inspect_location(location: Path | str, channels: Sequence[str] = ()) -> Inspection:
    """Look at a file, a directory, a pattern or a Zarr store: at all coordinates, and at values of three times.

    Args:
        location: As `open_files` takes it.
        channels: Channels to take; none for all that can be read.

    Raises:
        ConfigurationError: The location does not exist.
        InvalidDataError: Nothing in it can be read, or its times have no regular step; says why.
    """
    opened = open_each(location)
    names, left_out = _names_of_channels(opened, channels)
    unknown = _unknown_fields(contents_of_each(location), _recognised_names(opened))
    left_out |= {one.name: _why_unknown(one) for one in unknown}
    timed = [name for name in names if not channel(name).variable.static]
    analysis = open_files(location, timed, [name for name in names if name not in timed]) if timed else xr.Dataset()
    ranges = _ranges(analysis, names, left_out, where=str(location))
    if not set(timed) & set(ranges):
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items()) or "no fields"
        raise InvalidDataError(f"{location}: expected a channel that can be read, found {reasons}")
    times = analysis["time"].values
    return Inspection(
        source_names=names,
        channels=tuple(name for name in timed if name in ranges),
        static=tuple(name for name in ranges if name not in timed),
        ranges=ranges,
        left_out=left_out,
        unknown=unknown,
        grid=GridAxes.of(analysis["latitude"].values, analysis["longitude"].values),
        times=times,
        step_hours=_step_hours(times, str(location)),
        attributes={str(name): str(text) for name, text in opened[0][1].attrs.items()},
    )


def unknown_variables(location: Path | str) -> tuple[UnknownVariable, ...]:
    """Return the fields on a grid that no known variable has the name of, or that lack the level it is on.

    Args:
        location: As `open_files` takes it.

    Raises:
        ConfigurationError: The location does not exist.
    """
    return _unknown_fields(contents_of_each(location), _recognised_names(open_each(location)))


def _recognised_names(opened: Sequence[tuple[str, xr.Dataset]]) -> set[str]:
    """What the files call their channels."""
    return {name for file, dataset in opened for name in recognised_channels(dataset, where=file).values()}


def _names_of_channels(
    opened: Sequence[tuple[str, xr.Dataset]], wanted: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """What the files call each channel whose coordinates and units can be read, and why others cannot."""
    found: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for file, dataset in opened:
        for name, source_name in recognised_channels(dataset, where=file).items():
            if wanted and name not in wanted:
                left_out[name] = "not asked for"
                continue
            try:
                canonicalise(dataset, [name], where=file)
                found[name] = source_name
            except InvalidDataError as error:
                left_out[source_name] = _reason(error, file, source_name)
    return found, left_out


def _fields_on_the_grid(dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    """Numbers along latitude and longitude."""
    fields = {}
    for key, field in dataset.data_vars.items():
        roles = dimension_roles(dataset, tuple(map(str, field.dims))).values()
        if {"latitude", "longitude"} <= set(roles) and field.dtype.kind in "iuf":
            fields[str(key)] = field
    return fields


def _unknown_fields(
    contents: Sequence[tuple[str, xr.Dataset]], recognised: Collection[str]
) -> tuple[UnknownVariable, ...]:
    """Fields that have no name of the variable table, or one on levels and no level."""
    found: dict[str, UnknownVariable] = {}
    for _, dataset in contents:
        for name, field in _fields_on_the_grid(dataset).items():
            on_levels = "level" in dimension_roles(dataset, tuple(map(str, field.dims))).values()
            lacks_level = is_levelled_name(name) and not on_levels and name not in recognised
            if lacks_level or not is_field_name(name):
                text = {key: str(field.attrs.get(key, "")) for key in ("units", "long_name", "standard_name")}
                found.setdefault(name, UnknownVariable(name, **text, on_levels=on_levels))
    return tuple(found.values())


def _why_unknown(variable: UnknownVariable) -> str:
    if is_levelled_name(variable.name):
        return "it is on no pressure level"
    unit = f" in {variable.units}" if variable.units else ", without units"
    return f"no known variable has this name ({variable.long_name or 'no long name'}{unit})"


def _ranges(
    analysis: xr.Dataset, names: Mapping[str, str], left_out: dict[str, str], *, where: str
) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of each channel that is sound at the first, the middle and the last time."""
    ranges = {}
    few = {"time": sorted({0, analysis.sizes["time"] // 2, analysis.sizes["time"] - 1})} if "time" in analysis else {}
    for name, field in analysis.isel(few).items():
        try:
            stored = field.values
            values = stored[np.isfinite(stored)]
        except InvalidDataError as error:
            left_out[names[str(name)]] = _reason(error, where, str(name))
            continue
        if values.size:
            ranges[str(name)] = float(values.min()), float(values.max())
        else:
            left_out[names[str(name)]] = "all its values are missing"
    return ranges


def _step_hours(times: NDArray[np.datetime64], where: str) -> int:
    step = usual_step(times)
    if step is None:
        raise InvalidDataError(f"{where}: expected two times at least, found {len(times)}")
    hours = step / _HOUR
    if hours != int(hours):
        raise InvalidDataError(f"{where}: expected a step of whole hours, found {hours:g} h{at_time(times, 1)}")
    steps = np.diff(times) / _HOUR
    if (steps % hours != 0).any():
        raise InvalidDataError(
            f"{where}: expected a step of {hours:g} h throughout, found {steps.min():g} to {steps.max():g} h; "
            "months have no regular step"
        )
    return int(hours)


def _reason(error: InvalidDataError, file: str, name: str) -> str:
    return str(error).removeprefix(f"{file}: ").removeprefix(f"{name}: ")
