"""Judges times of an analysis: every check on every channel, each against limits drawn from what is usual."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data_catalog.quality.channel_checks import (
    BYTES_OF_A_CHANNEL,
    Read,
    Reference,
    add_course,
    all_channels,
    flat_anomalies,
    measures_of,
    own_measures,
)
from data_catalog.quality.fields import Fields
from data_catalog.quality.measure import Measure, Measures, usual_limit
from data_catalog.quality.order import fit_course
from data_catalog.quality.reference import fit_reference
from data_catalog.quality.relations import fit_relations, relations
from data_catalog.quality.repeats import copies
from data_catalog.quality.statics import count_static, static_faults
from data_catalog.quality.verdicts import Judgement, Suspicion

FEWEST_TIMES = 30
"""Fewest times from which anything can be learned of what is usual."""
SEGMENT = 400
"""Most times that are judged together, and most that are learned from."""
_RUN = 10
_BESIDE_ITSELF = ("course", "course_mean", "course_point", "sudden_spike", "context", "context_top", "elsewhere")
_BETWEEN_CHANNELS = ("relation", "relation_top", "context", "context_top")
_NEAR_THE_WORST = 0.7


def sample(candidates: NDArray[np.intp], points: int) -> NDArray[np.intp]:
    """Choose the positions to learn from: runs of successive ones, evenly spread, as many as fit in memory.

    Args:
        candidates: Positions in time, ascending.
        points: Number of points of the grid.
    """
    most = max(FEWEST_TIMES, min(SEGMENT, BYTES_OF_A_CHANNEL // (4 * points)))
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
        found[name] = dict(own_measures(name, fields, channels[name]))
        thinned.append(fields.thinned())
    whole = all_channels(thinned)
    anomalies = flat_anomalies(whole, channels)
    known, course = fit_relations(anomalies, whole.follows), fit_course(anomalies, whole.follows)
    if known is not None:
        for name, measures in relations(anomalies, whole.follows, known).items():
            found[name] |= measures
    if course is not None:
        add_course(found, anomalies, whole.follows, course)
    limits = {(name, kind): usual_limit(one) for name, measures in found.items() for kind, one in measures.items()}
    return Reference(channels, known, course, limits, is_own)


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
    found, prints, whole = measures_of(read, names, every, reference)
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
            worst = measures[kinds[0]]
            words = _words(worst, index, _limit(name, kinds[0], worst, reference))
            others = f" (and {len(kinds) - 1} more)" if len(kinds) > 1 else ""
            yield Suspicion(times[index], name, f"{words}{others}")


def _words(measure: Measure, index: int, limit: float) -> str:
    """The check, the measured value and its limit, in a short line."""
    return f"{measure.check}: {measure.reason.format(value=float(measure.values[index]), limit=limit)}"


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
