"""What an analysis must satisfy before anything believes it.

The order of times and the grid are checked at once; values as they are read, block by block, so that a dataset larger
than memory is checked too, and nothing is ever read unchecked.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.cells import same_place_tolerance
from data_catalog.layout.coordinates import Times, apply_by_time
from data_catalog.layout.quantities import Channel
from data_catalog.layout.times import at_time
from data_catalog.layout.variables import channel

_HOUR = np.timedelta64(1, "h")
_UNDECLARED = ", a fill value that the file does not declare as _FillValue"
_FILL_VALUES = {
    9.969209968386869e36: f"{_UNDECLARED} (NetCDF's own: never written)",
    **dict.fromkeys((1e20, 1e30, 1e36, -9999.0, -999.0, -99.0, -32767.0, -32768.0, 9999.0, 99999.0), _UNDECLARED),
}
"""What usually stands where a file has no value, and what an error says of it."""


def check_analysis(analysis: xr.Dataset, *, where: str = "analysis") -> xr.Dataset:
    """An analysis whose shape is right and whose values are checked as they are read.

    Args:
        analysis: In canonical layout, one data variable per channel.
        where: File or archive, to begin each error with.

    Returns:
        The same analysis. Reading a NaN or an impossible value from it raises InvalidDataError.

    Raises:
        InvalidDataError: Dims, order of coordinates or units are not canonical.
    """
    check_times(analysis["time"].values if "time" in analysis.dims else None, where=where)
    for name in ("latitude", "longitude"):
        check_ascending(analysis, name, where=where)
    return analysis.assign({str(name): checked_field(field, where=where) for name, field in analysis.items()})


def checked_field(field: xr.DataArray, *, where: str) -> xr.DataArray:
    """Check the dims and units of a channel now, and its values when they are read.

    Args:
        field: Named for its channel.
        where: File or dataset, to begin an error with.
    """
    wanted = channel(str(field.name))
    what = f"{where}: {wanted.name}"
    expected = ("latitude", "longitude") if wanted.variable.static else ("time", "latitude", "longitude")
    with_members = () if wanted.variable.static else ("time", "member", "latitude", "longitude")
    if field.dims not in (expected, with_members):
        raise InvalidDataError(f"{what}: expected dims {expected}, found {field.dims}")
    if field.attrs.get("units") != wanted.variable.units:
        raise InvalidDataError(
            f"{what}: expected units {wanted.variable.units}, found {field.attrs.get('units', 'none')!r}"
        )
    if wanted.variable.missing_allowed and field.chunks is not None:
        field = field.chunk(dict.fromkeys(("latitude", "longitude"), -1))  # a part of a field may all be missing
    return apply_by_time(partial(check_values, wanted), field, what=what)


def check_values(wanted: Channel, times: Times, what: str, values: np.ndarray) -> np.ndarray:
    """The values as they came, if each can be believed.

    Args:
        wanted: What they should be.
        times: Time of each field in `values`, or None where there is no time dimension.
        what: File and variable, to begin the error with.
        values: (time, [member,] latitude, longitude), or without time.

    Raises:
        InvalidDataError: A value is missing or infinite, or outside the plausible range, or a whole field is missing of
            a variable that may be missing in places; says when.
    """
    checked = check_believable(wanted, values, lambda at: f"{what}{at_time(times, at[0])}")
    if wanted.variable.missing_allowed and values.size:
        empty = np.isnan(values).all(axis=(-2, -1))
        if empty.any():
            first = 0 if times is None else int(np.argwhere(empty)[0, 0])
            raise InvalidDataError(f"{what}{at_time(times, first)}: expected values, found all missing")
    return checked


def check_believable(wanted: Channel, values: np.ndarray, named: Callable[[tuple[int, ...]], str]) -> np.ndarray:
    """The values as they came, if each can be believed; every check of values ends here.

    Args:
        wanted: What they should be.
        values: Of any shape.
        named: Takes the indices of a value in `values`; returns file, variable, and when it holds, to begin the error
            with.

    Raises:
        InvalidDataError: A value is missing or infinite, or outside the plausible range.
    """
    low, high = wanted.plausible
    # A NaN makes both comparisons false. Where each value is fine, these are the only passes over the values.
    if values.size and values.min() >= low and values.max() <= high:
        return values
    believable = (values >= low) & (values <= high)
    if wanted.variable.missing_allowed:
        believable |= np.isnan(values)
    if believable.all():
        return values
    at = tuple(np.argwhere(~believable)[0].tolist())
    bad = values[at]
    if not np.isfinite(bad):
        count = int(np.count_nonzero(~np.isfinite(values)))
        raise InvalidDataError(f"{named(at)}: expected a value everywhere, found {bad} ({count} in this block)")
    hint = next((words for fill, words in _FILL_VALUES.items() if np.isclose(bad, fill, rtol=1e-5)), "")
    raise InvalidDataError(
        f"{named(at)}: expected values in {low:g}..{high:g} {wanted.variable.units}, found {bad:g}{hint}"
    )


def check_times(times: Times, *, where: str) -> None:
    """Check that times exist, increase and do not repeat.

    Args:
        times: datetime64; None where there is no time.
        where: File or dataset, to begin an error with.

    Raises:
        InvalidDataError: Otherwise; names the first time at fault.
    """
    if times is None:
        return
    if not len(times):
        raise InvalidDataError(f"{where}: expected at least one time, found none")
    if np.isnat(times).any():
        raise InvalidDataError(
            f"{where}: expected a valid time everywhere, found NaT at index {np.isnat(times).argmax()}"
        )
    steps = np.diff(times)
    if (steps > np.timedelta64(0)).all():
        return
    at = int((steps <= np.timedelta64(0)).argmax())
    fault = "repeated" if steps[at] == np.timedelta64(0) else "out of order"
    raise InvalidDataError(f"{where}: expected increasing times, found {fault}{at_time(times, at + 1)}")


def check_ascending(analysis: xr.Dataset, name: str, *, where: str) -> None:
    """Check that a horizontal coordinate exists and ascends.

    Args:
        analysis: To be checked.
        name: `latitude` or `longitude`.
        where: File or dataset, to begin an error with.
    """
    if name not in analysis.dims:
        raise InvalidDataError(f"{where}: expected dimension {name}, found {list(map(str, analysis.dims))}")
    values = analysis[name].values
    if not (np.diff(values) > 0).all():
        raise InvalidDataError(f"{where}: expected ascending {name}, found {values[:3]}...")


def check_same_grid(analysis: xr.Dataset, latitude: np.ndarray, longitude: np.ndarray, *, where: str) -> None:
    """Check that an analysis lies on the given grid, as near as `same_place_tolerance` asks.

    Args:
        analysis: To be checked.
        latitude: Degrees, ascending.
        longitude: Degrees, ascending.
        where: File or dataset, to begin an error with.

    Raises:
        InvalidDataError: Another number of points, or a point elsewhere.
    """
    for name, expected in (("latitude", latitude), ("longitude", longitude)):
        found = analysis[name].values
        if found.shape != expected.shape:
            raise InvalidDataError(f"{where}: expected {expected.size} values of {name}, found {found.size}")
        apart = np.abs(found - expected)
        if apart.max(initial=0.0) > same_place_tolerance(expected):
            at = int(apart.argmax())
            raise InvalidDataError(f"{where}: expected {name} {expected[at]:.9g} at index {at}, found {found[at]:.9g}")


def check_step(times: np.ndarray, step_hours: int, *, where: str) -> None:
    """Check that steps between times are multiples of the dataset's step, or divide it evenly.

    A source may be finer than the dataset (12-hourly for a daily dataset) or have gaps, which `holes` finds; but times
    that fall between (01:30 in a 6-hourly dataset) are not of this dataset.

    Args:
        times: Increasing, datetime64.
        step_hours: Step of the dataset.
        where: File or dataset, to begin an error with.

    Raises:
        InvalidDataError: Otherwise; names the time.
    """
    hours = np.diff(times) / _HOUR
    fits = (np.mod(hours, step_hours) == 0) | (np.mod(step_hours, np.maximum(hours, 1e-9)) == 0)
    if not fits.all():
        at = int((~fits).argmax())
        raise InvalidDataError(
            f"{where}: expected a step of {step_hours} h, found {hours[at]:g} h{at_time(times, at + 1)}"
        )


def usual_step(times: np.ndarray) -> np.timedelta64 | None:
    """The commonest step between times, the shorter of equally common ones; None for fewer than two times.

    Args:
        times: Increasing, datetime64.
    """
    if len(times) < 2:
        return None
    steps, counts = np.unique(np.diff(times), return_counts=True)
    step: np.timedelta64 = steps[int(counts.argmax())]
    return step


def holes(times: np.ndarray) -> np.ndarray:
    """Times that are missing between the first and the last, at the usual step.

    Args:
        times: Increasing, datetime64.
    """
    step = usual_step(times)
    if step is None:
        return np.array([], "datetime64[ns]")
    missing = [
        start + step * np.arange(1, round((end - start) / step)) for start, end in pairwise(times) if end - start > step
    ]
    return np.concatenate([np.array([], "datetime64[ns]"), *missing])


def check_channels(analysis: xr.Dataset, channels: Sequence[str], *, where: str) -> None:
    """Check that every channel is there.

    Args:
        analysis: To be checked.
        channels: Names.
        where: File or dataset, to begin an error with.

    Raises:
        InvalidDataError: One is not.
    """
    for name in channels:
        if name not in analysis:
            found = ", ".join(map(str, analysis.data_vars)) or "none"
            raise InvalidDataError(f"{where}: expected channel {name}, found {found}")
