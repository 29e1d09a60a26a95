"""The verdicts that the ledger of an archive records on its times and channels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_catalog.layout.times import iso
from data_catalog.quality.verdicts import GOOD, MISSING, NOT_JUDGED, SUSPECT, Judgement, Suspicion

_DIGITS = 12
_LINES = 20


@dataclass
class Verdicts:
    """Verdicts on an archive.

    Attributes:
        reasons: Why channels are suspect, by channel, of each judged time; empty if all are good.
        static: Why channels without time are suspect, by channel.
        fingerprints: Digest of the field of each channel at each judged time.
        measured: Number of measurements of each check.
    """

    reasons: dict[str, Mapping[str, str]] = field(default_factory=dict)
    static: dict[str, str] = field(default_factory=dict)
    fingerprints: dict[str, dict[str, str]] = field(default_factory=dict)
    measured: dict[str, int] = field(default_factory=dict)

    def add(self, record: Mapping[str, Any]) -> None:
        """Take up a record of the ledger, as made by `record_of`."""
        for number, time in enumerate(record["times"]):
            self.reasons[time] = record["suspect"].get(time, {})
            prints = {name: text[number * _DIGITS :][:_DIGITS] for name, text in record["fingerprints"].items()}
            self.fingerprints[time] = prints
        self.static = dict(record["static"])
        for check, count in record["measured"].items():
            self.measured[check] = self.measured.get(check, 0) + count

    def forget(self, times: Sequence[str]) -> None:
        """Drop the verdicts on times whose values were replaced.

        Args:
            times: ISO 8601, to the second.
        """
        for time in times:
            self.reasons.pop(time, None)
            self.fingerprints.pop(time, None)

    def state(self, time: np.datetime64, channel: str) -> tuple[str, str]:
        """Return `good`, `suspect` or `not judged`, and the reason.

        Args:
            time: A time of the archive.
            channel: Name of a channel.
        """
        reasons = self.reasons.get(str(time.astype("datetime64[s]")))
        if reasons is None:
            return NOT_JUDGED, ""
        return (SUSPECT, reasons[channel]) if channel in reasons else (GOOD, "")

    @property
    def suspect(self) -> tuple[Suspicion, ...]:
        """What is suspect: channels without time, then times in order."""
        found = [Suspicion(None, name, reason) for name, reason in sorted(self.static.items())]
        doubted = ((time, reasons) for time, reasons in self.reasons.items() if reasons)
        timed = ((np.datetime64(time, "ns"), reasons) for time, reasons in sorted(doubted))
        return (*found, *(Suspicion(time, name, reason) for time, one in timed for name, reason in one.items()))

    @property
    def failed_checks(self) -> tuple[str, ...]:
        """Checks that apply and have measured nothing."""
        return tuple(check for check, count in self.measured.items() if not count)


def record_of(judgement: Judgement) -> dict[str, Any]:
    """Return a judgement as a record of the ledger.

    Args:
        judgement: Of some times.
    """
    times = [str(time.astype("datetime64[s]")) for time in judgement.times]
    suspect: dict[str, dict[str, str]] = {}
    for one in judgement.suspicions:
        if one.time is not None:
            suspect.setdefault(str(one.time.astype("datetime64[s]")), {})[one.channel] = one.reason
    return {
        "record": "judged",
        "times": times,
        "suspect": suspect,
        "static": {one.channel: one.reason for one in judgement.suspicions if one.time is None},
        "measured": dict(judgement.measured),
        "fingerprints": {name: "".join(prints) for name, prints in judgement.fingerprints.items()},
    }


def described(verdicts: Verdicts, times: NDArray[np.datetime64], holes: NDArray[np.datetime64]) -> Iterator[str]:
    """Yield a line on how many times are good, suspect, missing and not judged, and one on each that is suspect.

    Args:
        verdicts: Verdicts on an archive.
        times: Times of the archive.
        holes: Times that are missing.

    Yields:
        Times of the same channels and check in one line; at most 20 lines on what is suspect, and how many more.
    """
    judged = len(verdicts.reasons)
    bad = sum(1 for reasons in verdicts.reasons.values() if reasons)
    parts = [f"{judged - bad} times {GOOD}", f"{bad} {SUSPECT}", f"{holes.size} {MISSING}"]
    yield ", ".join([*parts, f"{len(times) - judged} {NOT_JUDGED}"])
    groups = grouped(verdicts.suspect)
    yield from (group.words for group in groups[:_LINES])
    if len(groups) > _LINES:
        yield f"{SUSPECT}: {len(groups) - _LINES} more lines like these; 'plumecast archive report DATASET' shows all"
    yield from (f"check failed: {check}: nothing was measured" for check in verdicts.failed_checks)


@dataclass(frozen=True)
class SuspectGroup:
    """Times that one check suspects in the same channels.

    Attributes:
        channels: Names of the channels.
        times: The times, ascending; none of channels without time.
        reason: Why the first is suspect.
    """

    channels: tuple[str, ...]
    times: tuple[np.datetime64, ...]
    reason: str

    @property
    def check(self) -> str:
        """Name of the check."""
        return self.reason.partition(": ")[0]

    @property
    def words(self) -> str:
        """The group in one line."""
        names = ", ".join(self.channels)
        if not self.times:
            return f"{SUSPECT}: {names}: {self.reason}"
        span = f"at {iso(self.times[0])}"
        if len(self.times) > 1:
            span = f"at {len(self.times)} times from {iso(self.times[0])} to {iso(self.times[-1])}, first"
        return f"{SUSPECT}: {names} {span}: {self.reason}"


def grouped(suspicions: Sequence[Suspicion]) -> list[SuspectGroup]:
    """Put together what one check suspects: the channels of a time, then times with the same channels.

    Args:
        suspicions: Channels without time first, then times in order.
    """
    channels: dict[tuple[np.datetime64 | None, str], list[str]] = {}
    reasons: dict[tuple[np.datetime64 | None, str], str] = {}
    for one in suspicions:
        key = (one.time, one.reason.partition(": ")[0])
        channels.setdefault(key, []).append(one.channel)
        reasons.setdefault(key, one.reason)
    groups: dict[tuple[bool, tuple[str, ...], str], tuple[list[np.datetime64], str]] = {}
    for (time, check), names in channels.items():
        group = groups.setdefault((time is None, tuple(names), check), ([], reasons[time, check]))
        group[0].extend([] if time is None else [time])
    return [SuspectGroup(names, tuple(times), reason) for (_, names, _), (times, reason) in groups.items()]


def words_of(one: Suspicion) -> str:
    """Return a suspicion in one line."""
    when = "" if one.time is None else f" at {iso(one.time)}"
    return f"{SUSPECT}: {one.channel}{when}: {one.reason}"
