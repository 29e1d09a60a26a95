"""Every check of every channel: what it measures at some times, beside what is usual."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_catalog.quality.completeness import completeness
from data_catalog.quality.extremes import extremes
from data_catalog.quality.fields import Fields, joined
from data_catalog.quality.jumps import jumps
from data_catalog.quality.magnitudes import magnitudes
from data_catalog.quality.measure import Measure
from data_catalog.quality.order import Course, order, season_shift
from data_catalog.quality.physics import physics
from data_catalog.quality.reference import ChannelReference, derived_fields, is_skewed
from data_catalog.quality.relations import Relations, lag_gains, relations
from data_catalog.quality.repeats import fingerprints, repeats
from data_catalog.quality.smoothness import flatness, smoothness

BYTES_OF_A_CHANNEL = 64 * 1024**2
"""Most of a channel that is in memory at once."""
_BYTES_OF_A_PIECE = 4 * 1024**2
"""Fields that are measured together: so few that what is derived from them stays in a core's cache."""
_SEASON_DAYS = 180
_DIURNAL_DAYS = 20
_WIDER_FOR_RAIN = 2.2
"""Of reaches: showers come and go at a point, so that what is measured of rain has a long tail."""
_SEASON_LAGS = (-182, -91, -30, -20, 20, 30, 91)
Read = Callable[[NDArray[np.intp], Sequence[str]], Fields]
"""Reads some channels at some positions in time."""


@dataclass(frozen=True)
class Reference:
    """What is usual, and the limits drawn from it.

    Attributes:
        channels: Usual values by channel.
        relations: What channels say of each other; None if too few times are known.
        course: The usual course of weather; None if too few times are known.
        limits: Limit of each measure by channel and name.
        is_own: Whether it was learned from the times that are judged.
    """

    channels: Mapping[str, ChannelReference]
    relations: Relations | None
    course: Course | None
    limits: Mapping[tuple[str, str], float]
    is_own: bool


def measures_of(
    read: Read, names: Sequence[str], positions: NDArray[np.intp], reference: Reference
) -> tuple[dict[str, dict[str, Measure]], dict[str, list[str]], Fields]:
    """Return measures and fingerprints by channel, and the thinned fields of all channels.

    Args:
        read: Reads fields.
        names: Channels.
        positions: Positions in time, ascending.
        reference: What is usual.
    """
    found, prints, thinned = {}, {}, []
    for name in names:
        parts, digests, coarse = [], [], []
        for fields, chosen in _pieces(read, name, positions):
            measures = own_measures(name, fields, reference.channels[name])
            parts.append({kind: replace(one, values=one.values[chosen]) for kind, one in measures.items()})
            kept = fields.at(chosen)
            digests += fingerprints(kept.values[name])
            coarse.append(kept.thinned())
        found[name], prints[name] = _joined_measures(parts), digests
        thinned.append(joined(coarse))
    whole = all_channels(thinned)
    _add_joint_measures(found, whole, reference)
    return found, prints, whole


def _pieces(read: Read, name: str, positions: NDArray[np.intp]) -> Iterator[tuple[Fields, slice]]:
    """Fields of a channel in pieces that fit in memory, each with one time more at both ends, and which to keep."""
    one = read(positions[:1], [name])
    most = max(8, _BYTES_OF_A_PIECE // (4 * one.latitude.size * one.longitude.size))
    for start in range(0, len(positions), most):
        stop = min(start + most, len(positions))
        first, last = max(0, start - 1), min(len(positions), stop + 1)
        yield read(positions[first:last], [name]), slice(start - first, stop - first)


def own_measures(name: str, fields: Fields, usual: ChannelReference) -> dict[str, Measure]:
    """Return the measures of a channel by itself.

    Args:
        name: Name of the channel.
        fields: Hold it.
        usual: What is usual for it.
    """
    anomalies = usual.anomalies(fields.times, fields.values[name])
    scaled = derived_fields(anomalies, fields, usual.neighbours)
    for kind in scaled:
        scaled[kind] /= usual.spreads[kind]  # in place: a second set of these fields is large on a large grid
    found = {
        **completeness(name, fields, usual.missing),
        **extremes(anomalies, fields),
        **jumps(scaled["change"], scaled["course"], fields),
        **repeats(name, scaled["change"], fields),
        **smoothness(scaled["rough"], scaled["across"], scaled["along"], scaled["sudden"]),
        **flatness(name, fields),
    }
    wider = _WIDER_FOR_RAIN if is_skewed(name) else 1.0
    return {kind: replace(one, reach=wider * one.reach) for kind, one in found.items()}


def _joined_measures(parts: list[dict[str, Measure]]) -> dict[str, Measure]:
    return {
        kind: replace(one, values=np.concatenate([part[kind].values for part in parts]))
        for kind, one in parts[0].items()
    }


def all_channels(parts: list[Fields]) -> Fields:
    """Return fields of the same times as one.

    Args:
        parts: Of one grid, each with other channels.
    """
    return replace(parts[0], values={name: one for part in parts for name, one in part.values.items()})


def flat_anomalies(whole: Fields, channels: Mapping[str, ChannelReference]) -> dict[str, NDArray[np.float64]]:
    """Return standardised anomalies of each channel, times the root of the area, (time, point).

    Args:
        whole: Thinned fields of all channels.
        channels: What is usual, on the whole grid.
    """
    latitude_every = next(iter(channels.values())).spread.shape[0]
    every = max(1, -(-latitude_every // whole.latitude.size))
    scale = np.sqrt(whole.weights * whole.weights.size).astype(np.float32)
    found = {}
    for name, values in whole.values.items():
        coarse = _thinned_reference(channels[name], every)
        found[name] = (coarse.anomalies(whole.times, values) * scale).reshape(len(values), -1).astype(np.float64)
    return found


def _thinned_reference(usual: ChannelReference, every: int) -> ChannelReference:
    terms = {hour: one[:, ::every, ::every] for hour, one in usual.seasons.coefficients.items()}
    return replace(usual, seasons=replace(usual.seasons, coefficients=terms), spread=usual.spread[::every, ::every])


def _add_joint_measures(found: dict[str, dict[str, Measure]], whole: Fields, reference: Reference) -> None:
    """Add measures of channels against each other and against physics."""
    if reference.relations is not None:
        anomalies = flat_anomalies(whole, reference.channels)
        for name, measures in relations(anomalies, whole.follows, reference.relations).items():
            found[name] |= measures
        gains = lag_gains(anomalies, whole.follows, reference.relations, fitted_here=reference.is_own)
        for name, measure in gains.items():
            found[name]["lag"] = measure
    if reference.course is not None:
        add_course(found, flat_anomalies(whole, reference.channels), whole.follows, reference.course)
    _add_season_shift(found, whole, reference)
    for name in whole.values:
        found[name] |= magnitudes(name, whole)
    for name, kind, measure in physics(whole):
        found[name][kind] = measure


def add_course(
    found: Mapping[str, dict[str, Measure]],
    anomalies: Mapping[str, NDArray[np.float64]],
    follows: NDArray[np.bool_],
    course: Course,
) -> None:
    """Add the order of days, of all channels together and so the same for each.

    Args:
        found: Measures by channel, to be added to.
        anomalies: Standardised, times the root of the area, (time, point) by channel.
        follows: Whether each time is a step after the one before it.
        course: The usual course of weather.
    """
    measures = order(anomalies, follows, course)
    for one in found.values():
        one.update(measures)


def _add_season_shift(found: dict[str, dict[str, Measure]], whole: Fields, reference: Reference) -> None:
    """Compare with the climatology of other days and hours of the day, where that is not of these very times."""
    lags = () if reference.is_own else _lags(whole)
    for name in whole.values if lags else ():
        usual = _thinned_reference(reference.channels[name], _every(whole, reference))
        sizes = {
            hours: float(np.mean(usual.anomalies(whole.times + np.timedelta64(hours, "h"), whole.values[name]) ** 2))
            for hours in (0, *lags)
        }
        found[name] |= season_shift(sizes, len(whole.times))


def _lags(whole: Fields) -> tuple[int, ...]:
    """Hours by which dates may be wrong that these times are enough to tell."""
    days = (whole.times[-1] - whole.times[0]) / np.timedelta64(1, "D")
    of_a_day = range(-12, 13, whole.step_hours) if whole.step_hours < 24 and days >= _DIURNAL_DAYS else ()
    of_a_year = _SEASON_LAGS if days >= _SEASON_DAYS else ()
    return (*(hours for hours in of_a_day if hours), *(24 * lag for lag in of_a_year))


def _every(whole: Fields, reference: Reference) -> int:
    rows = int(next(iter(reference.channels.values())).spread.shape[0])
    return max(1, -(-rows // whole.latitude.size))
