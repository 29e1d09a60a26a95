"""Kinds of wrong data, planted in good data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from data_catalog.layout.variables import channel
from data_catalog.quality.fields import Fields
from data_catalog.quality.judge import FEWEST_TIMES

ALL = slice(None)
Values = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Planted:
    """Faulty data, and where the fault is.

    Attributes:
        fields: The faulty data.
        channels: Channels with the fault.
        times: Positions of the times with the fault.
    """

    fields: Fields
    channels: tuple[str, ...]
    times: NDArray[np.intp]


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Attributes:
        name: Name of the kind.
        plant: Plants one of a size, at random; returns None where the data has nothing to plant it in.
        sizes: Sizes, in words or in standard deviations of the change from day to day.
    """

    name: str
    plant: Callable[[Fields, np.random.Generator, float], Planted | None]
    sizes: tuple[float, ...] = (0,)
    unit: str = ""


def _copied(fields: Fields) -> Fields:
    return replace(fields, values={name: one.copy() for name, one in fields.values.items()})


def _a_channel(fields: Fields, rng: np.random.Generator) -> str:
    return str(rng.choice(sorted(fields.values)))


def _a_day(fields: Fields, rng: np.random.Generator, room: int = 12) -> int:
    return int(rng.integers(room, len(fields.times) - room))


def day_to_day(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Standard deviation of the change from one time to the next, (latitude, longitude)."""
    return np.asarray(np.diff(values.astype(np.float64), axis=0).std(axis=0))


def _offset(fields: Fields, rng: np.random.Generator, size: float, where: str) -> Planted:
    """Add a number of standard deviations to some points of one field."""
    name, day = _a_channel(fields, rng), _a_day(fields, rng)
    found = _copied(fields)
    rows, columns = fields.latitude.size, fields.longitude.size
    row, column = int(rng.integers(rows)), int(rng.integers(columns))
    lower, left = int(rng.integers(rows // 2 + 1)), int(rng.integers(columns // 2 + 1))
    chosen = {
        "point": (row, column),
        "row": (row, ALL),
        "column": (ALL, column),
        "quarter": (slice(lower, lower + rows // 2), slice(left, left + columns // 2)),
        "field": (ALL, ALL),
    }[where]
    sign = rng.choice([-1, 1])
    shift = np.zeros((rows, columns))
    shift[chosen] = sign * size * day_to_day(fields.values[name])[chosen]
    found.values[name][day] += shift.astype(np.float32)
    return Planted(_believable(found, name), (name,), np.array([day]))


def _noise(fields: Fields, rng: np.random.Generator, size: float) -> Planted:
    name, day = _a_channel(fields, rng), _a_day(fields, rng)
    found = _copied(fields)
    noise = rng.standard_normal(found.values[name][day].shape) * size * day_to_day(fields.values[name])
    found.values[name][day] += noise.astype(np.float32)
    return Planted(_believable(found, name), (name,), np.array([day]))


def _bias(fields: Fields, rng: np.random.Generator, size: float) -> Planted:
    """Add a number of standard deviations to a channel from a day on."""
    name, day = _a_channel(fields, rng), _a_day(fields, rng, len(fields.times) // 3)
    found = _copied(fields)
    found.values[name][day:] += (size * day_to_day(fields.values[name])).astype(np.float32)
    return Planted(_believable(found, name), (name,), np.arange(day, len(fields.times)))


def _believable(fields: Fields, name: str) -> Fields:
    """Within the bounds of the variable table, beyond which an ingest refuses."""
    low, high = channel(name).plausible
    least = channel(name).variable.minimum
    np.clip(fields.values[name], low if least is None else least, high, out=fields.values[name])
    return fields


def _frozen(fields: Fields, rng: np.random.Generator, size: float, share: float = 1.0) -> Planted:
    """Repeat the field of a day over the next days, in whole or in part."""
    name, day = _a_channel(fields, rng), _a_day(fields, rng)
    found = _copied(fields)
    rows = max(1, round(share * fields.latitude.size))
    found.values[name][day : day + int(size), :rows] = found.values[name][day - 1, :rows]
    return Planted(found, (name,), np.arange(day, day + int(size)))


def _copy(fields: Fields, rng: np.random.Generator, size: float, every: bool) -> Planted:
    """Put the field of an earlier day in place of a day's."""
    names = tuple(fields.values) if every else (_a_channel(fields, rng),)
    day = _a_day(fields, rng, int(size) + 2)
    found = _copied(fields)
    for name in names:
        found.values[name][day] = found.values[name][day - int(size)]
    return Planted(found, names, np.array([day]))


def _swapped_days(fields: Fields, rng: np.random.Generator, size: float) -> Planted:
    day = _a_day(fields, rng, int(size) + 2)
    order = np.arange(len(fields.times))
    order[[day, day + int(size)]] = order[[day + int(size), day]]
    return _reordered(fields, order)


def _shuffled_days(fields: Fields, rng: np.random.Generator, size: float) -> Planted:
    day = _a_day(fields, rng, int(size) + 2)
    order = np.arange(len(fields.times))
    order[day : day + int(size)] = rng.permutation(order[day : day + int(size)])
    return _reordered(fields, order)


def _reordered(fields: Fields, order: NDArray[np.intp]) -> Planted:
    found = replace(fields, values={name: one[order] for name, one in fields.values.items()})
    return Planted(found, tuple(fields.values), np.flatnonzero(order != np.arange(len(order))))


def _shifted(fields: Fields, rng: np.random.Generator, size: float, every: bool) -> Planted | None:
    """Shift the dates of all channels, or of one, by days; what moves beyond an end is cut off, and leaves no seam."""
    days = abs(int(size))
    if (not every and len(fields.values) < 2) or len(fields.times) - days < FEWEST_TIMES:
        return None
    names = tuple(fields.values) if every else (_a_channel(fields, rng),)
    kept = slice(days, None) if size > 0 else slice(None, -days)
    found = _copied(fields.at(kept))
    for name in names:
        found.values[name][:] = np.roll(fields.values[name], int(size), axis=0)[kept]
    return Planted(found, names, np.arange(len(found.times)))


def _chosen_times(fields: Fields, rng: np.random.Generator, size: float) -> NDArray[np.intp]:
    """One day, or every day where the size is 0."""
    return np.array([_a_day(fields, rng)]) if size else np.arange(len(fields.times))


def _swapped(fields: Fields, rng: np.random.Generator, size: float, pairs: Sequence[tuple[str, str]]) -> Planted | None:
    known = [pair for pair in pairs if set(pair) <= set(fields.values)]
    if not known:
        return None
    one, other = known[int(rng.integers(len(known)))]
    times, found = _chosen_times(fields, rng, size), _copied(fields)
    found.values[one][times], found.values[other][times] = fields.values[other][times], fields.values[one][times]
    return Planted(found, (one, other), times)


def _scaled(
    fields: Fields, rng: np.random.Generator, size: float, names: str, factor: float, offset: float = 0.0
) -> Planted | None:
    known = [name for name in fields.values if name.startswith(tuple(names.split()))]
    if not known:
        return None
    name, times, found = str(rng.choice(known)), _chosen_times(fields, rng, size), _copied(fields)
    found.values[name][times] = found.values[name][times] * np.float32(factor) + np.float32(offset)
    return Planted(_believable(found, name), (name,), times)


def _turned(fields: Fields, rng: np.random.Generator, size: float, how: str, every: bool) -> Planted | None:
    if how == "180" and not fields.is_global:
        return None
    turn = {
        "north": lambda a: a[:, ::-1],
        "east": lambda a: a[..., ::-1],
        "180": lambda a: np.roll(a, a.shape[-1] // 2, -1),
    }
    names = tuple(fields.values) if every else (_a_channel(fields, rng),)
    times, found = _chosen_times(fields, rng, size), _copied(fields)
    for name in names:
        found.values[name][times] = turn[how](fields.values[name][times])
    return Planted(found, names, times)


def _filled(fields: Fields, rng: np.random.Generator, size: float, value: str) -> Planted:
    """Fill a share of the rows of a field with 0 or with its mean."""
    name, day = _a_channel(fields, rng), _a_day(fields, rng)
    found = _copied(fields)
    low, high = channel(name).plausible
    zero = value == "zero" and low <= 0 <= high
    rows = max(1, round(size * fields.latitude.size))
    found.values[name][day, :rows] = 0.0 if zero else found.values[name][day].mean()
    return Planted(found, (name,), np.array([day]))


def _amplified(fields: Fields, rng: np.random.Generator, size: float) -> Planted:
    """Multiply anomalies of a channel."""
    name, found = _a_channel(fields, rng), _copied(fields)
    mean = fields.values[name].mean(axis=0)
    found.values[name][:] = mean + np.float32(size) * (fields.values[name] - mean)
    return Planted(_believable(found, name), (name,), np.arange(len(fields.times)))


def _averaged(fields: Fields, rng: np.random.Generator, size: float) -> Planted:
    """Running means of many days in place of days, of a channel."""
    name, found = _a_channel(fields, rng), _copied(fields)
    sums = np.cumsum(np.insert(fields.values[name].astype(np.float64), 0, 0, axis=0), axis=0)
    half = int(size) // 2
    ends = np.arange(len(fields.times))
    first, last = np.maximum(ends - half, 0), np.minimum(ends + half, len(ends))
    found.values[name][:] = (sums[last] - sums[first]) / (last - first)[:, None, None]
    return Planted(found, (name,), np.arange(len(fields.times)))


def _static(fields: Fields, rng: np.random.Generator, size: float, name: str, how: str) -> Planted | None:
    if name not in fields.static:
        return None
    one = fields.static[name]
    wrong = {
        "inverted": 1 - one,
        "zero": one * 0,
        "geopotential": one * 9.80665,
        "180": np.roll(one, one.shape[1] // 2, 1),
    }
    return Planted(replace(fields, static={**fields.static, name: wrong[how]}), (name,), np.arange(len(fields.times)))


_OF_VALUES = (1.0, 2.0, 5.0, 10.0)
_WINDS = [("u850", "v850"), ("u250", "v250"), ("u10", "v10")]
_LEVELS = [("u850", "u250"), ("v850", "v250")]
_ONE_OR_ALL = (1.0, 0.0)
_PLACES = ("point", "row", "column", "quarter", "field")
FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        *(Fault(f"offset: a {at}", partial(_offset, where=at), _OF_VALUES, "sd") for at in _PLACES),
        Fault("noise: a field", _noise, _OF_VALUES, "sd"),
        Fault("bias: from a day on", _bias, _OF_VALUES, "sd"),
        Fault("frozen: a channel", _frozen, (1, 3, 10), "days"),
        Fault("frozen: half of a field", partial(_frozen, share=0.5), (1,), "days"),
        Fault("frozen: an eighth of a field", partial(_frozen, share=0.125), (1,), "days"),
        Fault("copy of an earlier day: a channel", partial(_copy, every=False), (2, 40), "days before"),
        Fault("copy of an earlier day: all", partial(_copy, every=True), (2, 40), "days before"),
        Fault("two days swapped, all", _swapped_days, (1, 2, 10), "days apart"),
        Fault("days shuffled, all", _shuffled_days, (5, 20), "days"),
        Fault("dates shifted: a channel", partial(_shifted, every=False), (1, -1, 5), "days"),
        Fault("dates shifted: all", partial(_shifted, every=True), (1, -1, 30, 182), "days"),
        Fault("swapped: u and v", partial(_swapped, pairs=_WINDS), _ONE_OR_ALL, "days"),
        Fault("swapped: levels of a wind", partial(_swapped, pairs=_LEVELS), _ONE_OR_ALL, "days"),
        Fault("swapped: t850 and t2m", partial(_swapped, pairs=[("t850", "t2m")]), _ONE_OR_ALL, "days"),
        Fault("units: knots", partial(_scaled, names="u v", factor=1.944), _ONE_OR_ALL, "days"),
        Fault("units: km/h", partial(_scaled, names="u v", factor=3.6), _ONE_OR_ALL, "days"),
        Fault("units: precipitation in m", partial(_scaled, names="tp", factor=1e-3), _ONE_OR_ALL, "days"),
        Fault("units: precipitation as a rate", partial(_scaled, names="tp", factor=1 / 86400), _ONE_OR_ALL, "days"),
        Fault("units: precipitation of 6 h", partial(_scaled, names="tp", factor=0.25), _ONE_OR_ALL, "days"),
        Fault("units: humidity a thousandth", partial(_scaled, names="q", factor=1e-3), _ONE_OR_ALL, "days"),
        Fault("z500 + 3000", partial(_scaled, names="z500", factor=1, offset=3000), _ONE_OR_ALL, "days"),
        Fault("t850 + 15 K", partial(_scaled, names="t850", factor=1, offset=15), _ONE_OR_ALL, "days"),
        Fault("turned north to south: a channel", partial(_turned, how="north", every=False), _ONE_OR_ALL, "days"),
        Fault("turned north to south: all", partial(_turned, how="north", every=True), _ONE_OR_ALL, "days"),
        Fault("mirrored east to west: a channel", partial(_turned, how="east", every=False), _ONE_OR_ALL, "days"),
        Fault("turned by 180 degrees: a channel", partial(_turned, how="180", every=False), _ONE_OR_ALL, "days"),
        Fault("rows filled with the mean", partial(_filled, value="mean"), (0.1, 0.25, 1.0), "of the rows"),
        Fault("rows filled with 0", partial(_filled, value="zero"), (0.1, 0.25, 1.0), "of the rows"),
        Fault("anomalies multiplied", _amplified, (0.5, 1.5, 2, 3), "times"),
        Fault("means of many days", _averaged, (5, 30), "days"),
        Fault("mask inverted", partial(_static, name="lsm", how="inverted")),
        Fault("mask turned by 180 degrees", partial(_static, name="lsm", how="180")),
        Fault("orography 0", partial(_static, name="orography", how="zero")),
        Fault("orography as geopotential", partial(_static, name="orography", how="geopotential")),
    )
}  # fmt: skip
"""Kinds of fault by name. A size of `1 days` is one day, of `0 days` every day."""
