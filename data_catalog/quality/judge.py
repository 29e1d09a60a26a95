"""Judges times of an analysis: every check on every channel, each against limits drawn from what is usual."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_catalog.layout.variables import channel
from data_catalog.quality.completeness import completeness
from data_catalog.quality.extremes import extremes
from data_catalog.quality.fields import Fields, joined
from data_catalog.quality.jumps import jumps
from data_catalog.quality.magnitudes import magnitudes
from data_catalog.quality.measure import Measure, Measures, usual_limit
from data_catalog.quality.order import order, season_shift
from data_catalog.quality.physics import physics
from data_catalog.quality.reference import ChannelReference, derived_fields, fit_reference
from data_catalog.quality.relations import Relations, fit_relations, lag_gains, relations
from data_catalog.quality.repeats import copies, fingerprints, repeats
from data_catalog.quality.smoothness import flatness, smoothness
from data_catalog.quality.statics import count_static, static_faults
from data_catalog.quality.verdicts import Judgement, Suspicion

FEWEST_TIMES = 30
"""Fewest times from which anything can be learned of what is usual."""
SEGMENT = 400
"""Most times that are judged together, and most that are learned from."""
_RUN = 10
_BYTES_OF_A_CHANNEL = 64 * 1024**2
_REASONS = 2
_SEASON_DAYS = 180
_SEASONAL = ("t", "t2m", "z")
_SEASON_LAGS = (-30, -20, 0, 20, 30)
_BESIDE_ITSELF = ("course", "course_mean", "course_point", "sudden_spike", "context", "context_top")
_BETWEEN_CHANNELS = ("relation", "relation_top", "context", "context_top")
_NEAR_THE_WORST = 0.7
Read = Callable[[NDArray[np.intp], Sequence[str]], Fields]
"""Reads some channels at some positions in time."""


@dataclass(frozen=True)
class Reference:
    """What is usual, and the limits drawn from it.

    Attributes:
        channels: Usual values by channel.
        relations: What channels say of each other; None if too few times are known.
        limits: Limit of each measure by channel and name.
        is_own: Whether it was learned from the times that are judged.
    """

    channels: Mapping[str, ChannelReference]
    relations: Relations | None
    limits: Mapping[tuple[str, str], float]
    is_own: bool


def sample(candidates: NDArray[np.intp], points: int) -> NDArray[np.intp]:
    """Choose the positions to learn from: runs of successive ones, evenly spread, as many as fit in memory.

    Args:
        candidates: Positions in time, ascending.
        points: Number of points of the grid.
    """
    most = max(FEWEST_TIMES, min(SEGMENT, _BYTES_OF_A_CHANNEL // (4 * points)))
    if len(candidates) <= most:
        return candidates
    runs = most // _RUN
    starts = np.linspace(0, len(candidates) - _RUN, runs).astype(int)
    return np.unique(np.concatenate([candidates[start : start + _RUN] for start in starts]))


def learn(read: Read, names: Sequence[str], positions: NDArray[np.intp], *, is_own: bool) -> Reference:
    """Learn what is usual.

    Args:
        read: Reads fields.
        names: Channels.
        positions: From `sample`.
        is_own: Whether these are the times to be judged.
    """
    channels, thinned, found = {}, [], {}
    for name in names:
        fields = read(positions, [name])
        channels[name] = fit_reference(name, fields)
        found[name] = dict(_own_measures(name, fields, channels[name]))
        thinned.append(fields.thinned())
    whole = _all_channels(thinned)
    known = fit_relations(_flat_anomalies(whole, channels), whole.follows)
    if known is not None:
        for name, measures in relations(_flat_anomalies(whole, channels), whole.follows, known).items():
            found[name] |= measures
        for name, measures in _orders(_flat_anomalies(whole, channels), whole, known).items():
            found[name] |= measures
    limits = {(name, kind): usual_limit(one) for name, measures in found.items() for kind, one in measures.items()}
    return Reference(channels, known, limits, is_own)


def judge(
    read: Read,
    names: Sequence[str],
    positions: NDArray[np.intp],
    reference: Reference,
    *,
    known: Mapping[str, Mapping[str, np.datetime64]],
    before: NDArray[np.intp],
) -> Judgement:
    """Judge some times.

    Args:
        read: Reads fields.
        names: Channels.
        positions: Positions in time to judge, ascending, at most `SEGMENT`.
        reference: What is usual.
        known: Time of each fingerprint by channel, of times other than these.
        before: Positions beside them that are compared with, but not judged, ascending.
    """
    every = np.union1d(positions, before).astype(np.intp)
    inside = np.isin(every, positions)
    found, prints, whole = _measures_of(read, names, every, reference)
    for name in names:
        own = [one for one, is_in in zip(prints[name], inside, strict=True) if is_in]
        measures = copies(own, whole.times[inside], {**_firsts(own, whole.times[inside]), **known.get(name, {})})
        found[name] |= _spread_out(_where_varied(measures, whole.values[name][inside]), inside)
    suspicions = [*_static_suspicions(whole.at(inside)), *_suspicions(found, reference, whole.times, inside)]
    fingerprints_inside = {name: tuple(np.array(one)[inside].tolist()) for name, one in prints.items()}
    return Judgement(whole.times[inside], tuple(suspicions), _counts(found, whole), fingerprints_inside)


def _firsts(prints: Sequence[str], times: NDArray[np.datetime64]) -> dict[str, np.datetime64]:
    """Time of the first of equal fields."""
    first: dict[str, np.datetime64] = {}
    for one, time in zip(prints, times, strict=True):
        first.setdefault(one, time)
    return first


def _where_varied(measures: Measures, values: NDArray[np.float32]) -> dict[str, Measure]:
    """Leave out fields of one value, such as a dry day, which are no copies of each other."""
    places = (1, 2)
    varied = np.fmax.reduce(values, axis=places) > np.fmin.reduce(values, axis=places)  # NaN is no value
    return {kind: replace(one, values=np.where(varied, one.values, 0.0)) for kind, one in measures.items()}


def _spread_out(measures: Measures, inside: NDArray[np.bool_]) -> dict[str, Measure]:
    """Measures of some of the times as measures of all, NaN at the others."""
    spread = {}
    for kind, one in measures.items():
        values = np.full(len(inside), np.nan)
        values[inside] = one.values
        spread[kind] = replace(one, values=values)
    return spread


def _measures_of(
    read: Read, names: Sequence[str], positions: NDArray[np.intp], reference: Reference
) -> tuple[dict[str, dict[str, Measure]], dict[str, list[str]], Fields]:
    """Measures and fingerprints by channel, and the thinned fields."""
    found, prints, thinned = {}, {}, []
    for name in names:
        parts, digests, coarse = [], [], []
        for fields, chosen in _pieces(read, name, positions):
            measures = _own_measures(name, fields, reference.channels[name])
            parts.append({kind: replace(one, values=one.values[chosen]) for kind, one in measures.items()})
            kept = fields.at(chosen)
            digests += fingerprints(kept.values[name])
            coarse.append(kept.thinned())
        found[name], prints[name] = _joined_measures(parts), digests
        thinned.append(joined(coarse))
    whole = _all_channels(thinned)
    _add_joint_measures(found, whole, reference)
    return found, prints, whole


def _pieces(read: Read, name: str, positions: NDArray[np.intp]) -> Iterator[tuple[Fields, slice]]:
    """Fields of a channel in pieces that fit in memory, each with one time more at both ends, and which to keep."""
    one = read(positions[:1], [name])
    most = max(8, _BYTES_OF_A_CHANNEL // (4 * one.latitude.size * one.longitude.size))
    for start in range(0, len(positions), most):
        stop = min(start + most, len(positions))
        first, last = max(0, start - 1), min(len(positions), stop + 1)
        yield read(positions[first:last], [name]), slice(start - first, stop - first)


def _own_measures(name: str, fields: Fields, usual: ChannelReference) -> dict[str, Measure]:
    """Measures of a channel by itself."""
    anomalies = usual.anomalies(fields.times, fields.values[name])
    derived = derived_fields(anomalies, fields, usual.neighbours)
    scaled = {kind: one / usual.spreads[kind] for kind, one in derived.items()}
    return {
        **completeness(name, fields, usual.missing),
        **extremes(anomalies, fields),
        **jumps(scaled["change"], scaled["course"], fields),
        **repeats(name, scaled["change"], fields),
        **smoothness(scaled["rough"], scaled["across"], scaled["along"], scaled["sudden"]),
        **flatness(name, fields),
    }


def _joined_measures(parts: list[dict[str, Measure]]) -> dict[str, Measure]:
    return {
        kind: replace(one, values=np.concatenate([part[kind].values for part in parts]))
        for kind, one in parts[0].items()
    }


def _all_channels(parts: list[Fields]) -> Fields:
    return replace(parts[0], values={name: one for part in parts for name, one in part.values.items()})


def _flat_anomalies(whole: Fields, channels: Mapping[str, ChannelReference]) -> dict[str, NDArray[np.float64]]:
    """Standardised anomalies of each channel on the thinned grid, times the root of the area, (time, point)."""
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
        anomalies = _flat_anomalies(whole, reference.channels)
        for name, measures in relations(anomalies, whole.follows, reference.relations).items():
            found[name] |= measures
        for name, measures in _orders(anomalies, whole, reference.relations).items():
            found[name] |= measures
        gains = lag_gains(anomalies, whole.follows, reference.relations, fitted_here=reference.is_own)
        for name, measure in gains.items():
            found[name]["lag"] = measure
    _add_season_shift(found, whole, reference)
    for name in whole.values:
        found[name] |= magnitudes(name, whole)
    for name, kind, measure in physics(whole):
        found[name][kind] = measure


def _orders(
    anomalies: Mapping[str, NDArray[np.float64]], whole: Fields, known: Relations
) -> dict[str, dict[str, Measure]]:
    """The order of days, of all channels together and so the same for each."""
    states = np.concatenate([one @ known.patterns[name].loadings for name, one in anomalies.items()], axis=1)
    measures = order(states, whole.follows)
    return dict.fromkeys(anomalies, measures)


def _add_season_shift(found: dict[str, dict[str, Measure]], whole: Fields, reference: Reference) -> None:
    """Compare with the climatology of other days, where the times cover most of a year that is not their own."""
    days = (whole.times[-1] - whole.times[0]) / np.timedelta64(1, "D")
    if reference.is_own or days < _SEASON_DAYS:
        return
    for name in (name for name in whole.values if channel(name).variable.short_name in _SEASONAL):
        usual = _thinned_reference(reference.channels[name], _every(whole, reference))
        sizes = {
            lag: float(np.mean(usual.anomalies(whole.times + np.timedelta64(lag, "D"), whole.values[name]) ** 2))
            for lag in _SEASON_LAGS
        }
        found[name] |= season_shift(sizes, len(whole.times))


def _every(whole: Fields, reference: Reference) -> int:
    rows = int(next(iter(reference.channels.values())).spread.shape[0])
    return max(1, -(-rows // whole.latitude.size))


def _counts(found: Mapping[str, Measures], whole: Fields) -> dict[str, int]:
    """Number of measurements of each check."""
    counts: dict[str, int] = {}
    for measures in found.values():
        for one in measures.values():
            counts[one.check] = counts.get(one.check, 0) + one.count
    return {**counts, "static fields": count_static(whole)} if whole.static else counts


def _static_suspicions(whole: Fields) -> Iterator[Suspicion]:
    yield from (Suspicion(None, name, fault) for name, fault in static_faults(whole))


def _suspicions(
    found: Mapping[str, Measures], reference: Reference, times: NDArray[np.datetime64], inside: NDArray[np.bool_]
) -> Iterator[Suspicion]:
    """What lies beyond its limit, less what a worse fault beside it explains."""
    ratios = {name: _ratios(name, measures, reference) for name, measures in found.items()}
    for name, measures in found.items():
        passed = {kind: ratio > 1 for kind, ratio in ratios[name].items()}
        for kind in _BESIDE_ITSELF:
            if kind in passed:
                passed[kind] &= _is_highest(ratios[name][kind])
        for kind in _BETWEEN_CHANNELS:
            if kind in passed:
                most = np.max([other[kind] for other in ratios.values() if kind in other], axis=0)
                passed[kind] &= ratios[name][kind] >= _NEAR_THE_WORST * most
        for index in np.flatnonzero(np.any(list(passed.values()), axis=0) & inside).tolist():
            kinds = [kind for kind, is_beyond in passed.items() if is_beyond[index]]
            kinds.sort(key=lambda kind: -ratios[name][kind][index])
            reasons = [_words(measures[kind], index, _limit(name, kind, measures[kind], reference)) for kind in kinds]
            yield Suspicion(times[index], name, "; ".join(reasons[:_REASONS]))


def _words(measure: Measure, index: int, limit: float) -> str:
    return measure.reason.format(value=float(measure.values[index]), limit=limit)


def _limit(name: str, kind: str, measure: Measure, reference: Reference) -> float:
    return measure.limit if measure.limit is not None else reference.limits.get((name, kind), float("inf"))


def _ratios(name: str, measures: Measures, reference: Reference) -> dict[str, NDArray[np.float64]]:
    """Each measure over its limit, 0 where nothing was measured."""
    return {
        kind: np.nan_to_num(one.values / _limit(name, kind, one, reference), nan=0.0) for kind, one in measures.items()
    }


def _is_highest(ratio: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each time has a higher ratio than both its neighbours."""
    beside = np.maximum(np.append(ratio[1:], 0), np.insert(ratio[:-1], 0, 0))
    return np.asarray(ratio >= beside)
