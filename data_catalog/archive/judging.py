"""Judges the times of an archive, and records the verdicts in its ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_catalog.archive.chunks import ChunkReader
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.member_verdicts import member_of, of_members
from data_catalog.archive.publication import publish
from data_catalog.archive.reading import ArchivedChannel, places_of, read_static_field
from data_catalog.archive.verdicts import Verdicts, record_of
from data_catalog.layout.checks import usual_step
from data_catalog.quality.channel_checks import Read, Reference
from data_catalog.quality.fields import Fields
from data_catalog.quality.judge import FEWEST_TIMES, SEGMENT, judge, learn, sample
from data_catalog.storage.object_path import AnyPath

_FEWEST_IN_THE_PAST = 200
_DAYS_OF_A_PAST = 330
_EVERYWHERE = slice(None)


def judge_new(archive: Path, ledger: Ledger, before: Sequence[str]) -> None:
    """Judge what an ingest brought, unless most of an older archive was never judged, which is left to `judge_archive`.

    Args:
        archive: Directory of the archive, whose lock the caller holds.
        ledger: Its ledger.
        before: Times that the archive held before, ISO 8601, to the second.
    """
    never = [time for time in before if time not in ledger.verdicts.reasons]
    if len(never) <= SEGMENT:
        judge_archive(archive, ledger)


def judge_archive(archive: Path, ledger: Ledger) -> Verdicts:
    """Judge every time of an archive that was not judged yet, if it has 30 times or more.

    Args:
        archive: Directory of the archive, whose lock the caller holds.
        ledger: Its ledger.

    Returns:
        The verdicts on all times.

    Raises:
        InvalidDataError: A chunk is damaged.
    """
    times = np.sort(ledger.arrival_times())
    pending = np.flatnonzero([time not in ledger.verdicts.reasons for time in _texts(times)])
    if len(times) < FEWEST_TIMES or not pending.size:
        return ledger.verdicts
    views = [_View(number, _reading(archive, ledger, number)) for number in range(max(1, len(ledger.header.members)))]
    references = [_reference(ledger, times, view.read) for view in views]
    for start in range(0, len(pending), SEGMENT):
        chosen = pending[start : start + SEGMENT]
        beside = np.setdiff1d(np.concatenate([chosen - 1, chosen + 1]), chosen)
        beside = beside[(beside >= 0) & (beside < len(times))]
        known, names = _known(ledger), ledger.header.channels
        found = [
            judge(view.read, names, chosen, reference, known=known.get(view.number, {}), before=beside)
            for view, reference in zip(views, references, strict=True)
        ]
        ledger.judge(record_of(of_members(found, ledger.header.members)))
    publish(archive, ledger)
    return ledger.verdicts


def read_verdicts(archive: AnyPath) -> Verdicts:
    """Read the verdicts on an archive.

    Args:
        archive: Directory of the archive.

    Raises:
        MissingDataError: There is no archive.
        InvalidDataError: The ledger is damaged or lost.
    """
    return Ledger.read(archive).verdicts


@dataclass(frozen=True)
class _View:
    """One member of an archive; of an archive of single analyses all of it."""

    number: int
    read: Read


def _reading(archive: Path, ledger: Ledger, member: int) -> Read:
    header, places, reader = ledger.header, places_of(ledger), ChunkReader(archive, ledger)
    static = {name: read_static_field(archive, header, name) for name in header.static}
    step = usual_step(places.times)
    hours = 24 if step is None else int(step / np.timedelta64(1, "h"))

    def read(positions: NDArray[np.intp], names: Sequence[str]) -> Fields:
        key = (positions, *([_EVERYWHERE] * len(header.field_shape)))
        values = {name: ArchivedChannel(reader, name, places)[key] for name in names}
        if header.members:
            values = {name: np.ascontiguousarray(field[:, member]) for name, field in values.items()}
        return Fields(places.times[positions], header.latitude, header.longitude, values, static, hours)

    return read


def _reference(ledger: Ledger, times: NDArray[np.datetime64], read: Read) -> Reference:
    """What is usual: from good times where these span most of a year, otherwise from all times."""
    names, points = ledger.header.channels, ledger.header.latitude.size * ledger.header.longitude.size
    reasons = ledger.verdicts.reasons
    good = np.flatnonzero([reasons.get(time, {"": "not judged"}) == {} for time in _texts(times)])
    is_past = len(good) >= _FEWEST_IN_THE_PAST and np.ptp(times[good]) >= np.timedelta64(_DAYS_OF_A_PAST, "D")
    return learn(read, names, sample(good if is_past else np.arange(len(times)), points), is_own=not is_past)


def _known(ledger: Ledger) -> dict[int, dict[str, dict[str, np.datetime64]]]:
    """Time of each fingerprint of judged times, by member and channel; of equal ones the first."""
    known: dict[int, dict[str, dict[str, np.datetime64]]] = {}
    for time, prints in sorted(ledger.verdicts.fingerprints.items()):
        for key, one in prints.items():
            number, name = member_of(key)
            known.setdefault(number, {}).setdefault(name, {}).setdefault(one, np.datetime64(time, "ns"))
    return known


def _texts(times: NDArray[np.datetime64]) -> list[str]:
    return list(map(str, times.astype("datetime64[s]").astype(str)))
