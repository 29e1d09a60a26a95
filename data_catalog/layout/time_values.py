"""Times and durations of anyone's dataset as datetime64 and timedelta64, whatever they are counted in.

A time stored as a floating-point count is only as exact as its last digit: in float32, days since 1900 are 5.6 minutes
apart, and 05:00 reads as 04:58:07. Such times are taken to the roundest step that all of them allow.
"""

import re
import warnings

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from data_catalog.layout.axis_names import iso_texts, units_of
from data_catalog.layout.units import linear

_SINCE = re.compile(r"\s*([A-Za-z]+) since (\S[^()]*)")
_CALENDAR_UNITS = re.compile(r"month|year|yr|decade", re.IGNORECASE)
_STANDARD_CALENDARS = frozenset({"standard", "gregorian", "proleptic_gregorian"})
_SECOND_NS = 1_000_000_000
_STEPS_NS = tuple(seconds * _SECOND_NS for seconds in (3600, 1800, 900, 600, 300, 60, 1))
_COARSEST_NS = 1700 * _SECOND_NS
"""Half of the distance between neighbouring counts beyond which no time is told from the next half hour."""
_LONGEST_NS = 2.0**62
_EXACT_NS = 2e4
_OFF_MINUTES = 1e-3
Nanoseconds = NDArray[np.int64]


def instants(variable: xr.Variable, what: str, *, group_units: str = "") -> NDArray[np.datetime64]:
    """Times of a coordinate, UTC, as datetime64[ns], in its shape.

    Args:
        variable: Decoded or not.
        what: File and coordinate, to begin an error with.
        group_units: Units that stand on the dataset instead of the variable, as in some stores.

    Raises:
        InvalidDataError: Times are missing, without units, in a calendar that is not the real one, or stored too
            coarsely to tell one hour from the next.
    """
    if variable.dtype.kind == "M":
        times = _as_ns(variable.values, "M8[ns]", what)
        return _rounded(times, _half_step_ns(variable), what).view("M8[ns]")
    texts = iso_texts(variable)
    if texts is not None:
        return _from_texts(texts, what)
    if variable.dtype.kind == "O":
        return _from_cftime(variable.values, what)
    if variable.dtype.kind not in "iuf":
        raise InvalidDataError(f"{what}: expected times, found {variable.dtype} values")
    found = units_of(variable) or group_units
    match = _SINCE.match(found)
    if match is None or _CALENDAR_UNITS.match(match[1]):
        raise InvalidDataError(f"{what}: expected time in units like 'hours since 1900-01-01', found {found!r}")
    units = f"{match[1]} since {match[2].strip()}"
    calendar = str(variable.attrs.get("calendar", "standard" if units_of(variable) else "proleptic_gregorian")).lower()
    if calendar not in _STANDARD_CALENDARS:
        raise InvalidDataError(f"{what}: expected times of the standard calendar, found those of {calendar!r}")
    decoded = _decoded(variable, units, calendar, what)
    if decoded.dtype.kind == "O":
        return _from_cftime(decoded.values, what)
    times = _as_ns(decoded.values, "M8[ns]", what)
    return _rounded(times, _half_step_ns(variable), what).view("M8[ns]")


def durations(variable: xr.Variable, what: str) -> NDArray[np.timedelta64]:
    """Durations of a coordinate as timedelta64[ns], in its shape.

    Args:
        variable: Decoded, or numbers with a unit of time.
        what: File and coordinate, to begin an error with.

    Raises:
        InvalidDataError: They are missing, have no unit of time, or one without a fixed length, such as months.
    """
    if variable.dtype.kind == "m":
        lengths = _as_ns(variable.values, "m8[ns]", what)
        return _rounded(lengths, _half_step_ns(variable), what).view("m8[ns]")
    units = units_of(variable)
    seconds = linear(units, "s") if variable.dtype.kind in "iuf" else None
    if seconds is None or _CALENDAR_UNITS.search(units):
        found = f"the unit {units!r}" if units else f"{variable.dtype} without units"
        raise InvalidDataError(f"{what}: expected durations with units (such as hours), found {found}")
    with np.errstate(over="ignore"):
        counted = np.asarray(variable.values, np.float64) * (seconds[0] * _SECOND_NS)
    if not np.isfinite(counted).all() or np.abs(counted).max(initial=0.0) > _LONGEST_NS:
        raise InvalidDataError(f"{what}: expected durations everywhere, found some missing or beyond 100 years")
    half_step = _half_step_ns(variable, units)
    return _rounded(np.rint(counted).astype(np.int64), half_step, what).view("m8[ns]")


def _as_ns(values: np.ndarray, dtype: str, what: str) -> Nanoseconds:
    if np.isnat(values).any():
        raise InvalidDataError(f"{what}: expected values everywhere, found some missing")
    exact = values.astype(dtype)
    # A unit coarser than nanoseconds reaches further than they do.
    if (exact.astype(values.dtype) != values).any():
        raise InvalidDataError(f"{what}: expected times within the years 1678 to 2262, found {values.ravel()[0]}")
    return exact.view(np.int64)


def _from_texts(texts: np.ndarray, what: str) -> NDArray[np.datetime64]:
    try:
        times = texts.astype("M8[us]")
    except ValueError:
        raise InvalidDataError(f"{what}: expected dates of the calendar, found '{texts.ravel()[0]}'") from None
    return _as_ns(times, "M8[ns]", what).view("M8[ns]")


def _from_cftime(values: np.ndarray, what: str) -> NDArray[np.datetime64]:
    """Times of an object array; only those of the real calendar can be compared with an analysis."""
    flat = values.ravel()
    calendars = {str(getattr(value, "calendar", "")) for value in flat}
    if not calendars <= _STANDARD_CALENDARS or not all(isinstance(value, cftime.datetime) for value in flat):
        found = ", ".join(sorted(calendars)) or "none"
        raise InvalidDataError(f"{what}: expected times of the standard calendar, found those of {found!r}")
    try:
        times = np.array([np.datetime64(value.isoformat(), "us") for value in flat])
    except (ValueError, OverflowError):
        raise InvalidDataError(f"{what}: expected times of the standard calendar, found {flat[0]}") from None
    return _as_ns(times.reshape(values.shape), "M8[ns]", what).view("M8[ns]")


def _decoded(variable: xr.Variable, units: str, calendar: str, what: str) -> xr.Variable:
    counts = np.asarray(variable.values)
    if not np.isfinite(counts).all():
        raise InvalidDataError(f"{what}: expected times everywhere, found some missing")
    bare = xr.Dataset({"counts": (variable.dims, counts, {"units": units, "calendar": calendar})})
    try:
        with warnings.catch_warnings():
            # That counts are from before 1582, or an epoch's year has one digit, is said by what is made of them.
            warnings.simplefilter("ignore", xr.SerializationWarning)
            values = xr.decode_cf(bare).variables["counts"].values
    except (ValueError, OverflowError, KeyError, TypeError):
        raise InvalidDataError(
            f"{what}: expected time in units like 'hours since 1900-01-01', found {units!r}"
        ) from None
    return xr.Variable(variable.dims, values)


def _half_step_ns(variable: xr.Variable, units: str | None = None) -> float:
    """Half of the distance between the largest count and the next one that its type can hold."""
    stored = np.dtype(variable.encoding.get("dtype", variable.dtype))
    spelled = units or units_of(variable) or str(variable.encoding.get("units", ""))
    seconds = linear(spelled.partition(" since ")[0].strip(), "s")
    if stored.kind != "f" or seconds is None or not variable.size:
        return 0.0
    unit_ns = seconds[0] * _SECOND_NS
    counts = _counts(variable, spelled, unit_ns)
    if not np.isfinite(counts).all():
        return 0.0
    largest = np.abs(counts).max()
    precision = np.float32 if stored != np.float32 and _were_single(counts, unit_ns) else stored
    return float(np.spacing(np.asarray(largest, precision))) * unit_ns / 2


def _counts(variable: xr.Variable, units: str, unit_ns: float) -> NDArray[np.float64]:
    """Counts as they were stored, from the epoch of their encoding where they are decoded."""
    if variable.dtype.kind == "f":
        return np.asarray(variable.values, np.float64)
    if variable.dtype.kind == "m":
        return np.asarray(variable.values.astype("m8[ns]").view(np.int64) / unit_ns)
    epoch = re.match(r"(\d{1,4})-(\d{1,2})-(\d{1,2})", units.partition(" since ")[2].strip())
    if epoch is None:
        return np.zeros(1)
    year, month, day = (int(part) for part in epoch.groups())
    days = variable.values.astype("M8[D]")
    since_epoch = (days - np.datetime64(f"{year:04d}-{month:02d}-{day:02d}", "D")).astype(np.int64)
    within_day = (variable.values - days).astype("m8[ns]").astype(np.int64)
    return np.asarray((since_epoch * (86400.0 * _SECOND_NS) + within_day) / unit_ns)


def _were_single(counts: NDArray[np.float64], unit_ns: float) -> bool:
    """Whether counts in double precision were in single precision before: exact in it, and off the whole minute."""
    exact = np.abs(counts - counts.astype(np.float32)).max() * unit_ns < _EXACT_NS
    minutes = counts * (unit_ns / (60.0 * _SECOND_NS))
    return bool(exact and np.abs(minutes - np.rint(minutes)).max() > _OFF_MINUTES)


def _rounded(times: Nanoseconds, half_step_ns: float, what: str) -> Nanoseconds:
    """Times to the roundest step that leaves each within what its stored count cannot tell apart."""
    if half_step_ns == 0.0:
        return times
    if half_step_ns > _COARSEST_NS:
        raise InvalidDataError(
            f"{what}: expected times exact to the half hour, found counts {2 * half_step_ns / 3.6e12:g} h apart "
            "(a float32 cannot hold them; write float64 or a later epoch)"
        )
    allowed = max(1.01 * half_step_ns, _SECOND_NS / 2)
    for step in _STEPS_NS:
        rounded = (times + step // 2) // step * step
        if np.abs(rounded - times).max(initial=0) <= allowed:
            return rounded
    return times
