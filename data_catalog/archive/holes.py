"""Times that an archive lacks between its first and its last: why, when the source was last asked, and if ever again.

A hole is asked for again by every ingest that covers it and by every scheduled one, until the source states that it
will never have it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_catalog.clock import utc_today
from data_catalog.layout.checks import holes, usual_step
from data_catalog.layout.times import iso
from data_catalog.sources.absences import Absence, absence_at

NOT_THERE = "the source does not have it"
_MOST_WINDOWS = 8


@dataclass(frozen=True)
class Hole:
    """A time that was asked for and not there.

    Attributes:
        time: ISO 8601, to the second.
        reason: Why it is not there, in words.
        asked: Day on which a source was last asked, UTC, ISO 8601.
        never: Whether a source states that it will never have it.
    """

    time: str
    reason: str
    asked: str
    never: bool


_NEVER_ASKED = Hole("", "no source was asked for it yet", "", never=False)


@dataclass
class Holes:
    """The holes that a ledger records, by time."""

    by_time: dict[str, Hole] = field(default_factory=dict)

    def add(self, record: Mapping[str, Any]) -> None:
        """Take up a record of the ledger, as made by `record_of`."""
        for first, last, step_s, reason, never in record["runs"]:
            start, stop = np.datetime64(first, "s"), np.datetime64(last, "s")
            for time in np.arange(start, stop + np.timedelta64(1, "s"), np.timedelta64(step_s, "s")):
                self.by_time[str(time)] = Hole(str(time), reason, record["asked"], never)

    def fill(self, times: Sequence[str]) -> None:
        """Drop holes whose times have arrived.

        Args:
            times: ISO 8601, to the second.
        """
        for time in times:
            self.by_time.pop(time, None)

    def wanted(self, times: NDArray[np.datetime64]) -> list[tuple[np.datetime64, np.datetime64]]:
        """Return what to ask for again: first and last time of at most 8 spans, which may hold archived times too.

        Args:
            times: Times of the archive, in any order.
        """
        ordered = np.sort(times)
        lacking = np.array([time for time in holes(ordered) if not self._is_never(time)], "datetime64[ns]")
        step = usual_step(ordered)
        if step is None or not lacking.size:
            return []
        apart = np.diff(lacking)
        cuts = np.flatnonzero(apart > step)
        cuts = np.sort(cuts[np.argsort(apart[cuts])[::-1][: _MOST_WINDOWS - 1]])
        return [(part[0], part[-1]) for part in np.split(lacking, cuts + 1)]

    def asked(
        self, times: NDArray[np.datetime64], first: np.datetime64, last: np.datetime64, absences: Sequence[Absence]
    ) -> list[Hole]:
        """Return what is to be recorded once a source was asked for all times from `first` to `last`.

        Args:
            times: Times of the archive now, in any order.
            first: First time that was asked for.
            last: Last time that was asked for.
            absences: What the source says of times that it lacks.
        """
        today = utc_today().isoformat()
        found = []
        for time in holes(np.sort(times)):
            if first <= time <= last and not self._is_never(time):
                stated = absence_at(absences, time, time) or Absence("", "", NOT_THERE)
                found.append(Hole(str(time.astype("datetime64[s]")), stated.reason, today, stated.never))
        return [hole for hole in found if self.by_time.get(hole.time) != hole]

    def _is_never(self, time: np.datetime64) -> bool:
        known = self.by_time.get(str(time.astype("datetime64[s]")))
        return known is not None and known.never


def record_of(noted: Sequence[Hole]) -> dict[str, Any]:
    """Return holes of one day of asking as a record of the ledger; evenly spaced ones of one reason are one run.

    Args:
        noted: From `Holes.asked`, in order of time; not empty.
    """
    runs: list[list[Any]] = []
    for hole in noted:
        time = np.datetime64(hole.time, "s")
        if runs and runs[-1][3:] == [hole.reason, hole.never]:
            step_s = int((time - np.datetime64(runs[-1][1], "s")).astype(int))
            if runs[-1][0] == runs[-1][1] or step_s == runs[-1][2]:
                runs[-1][1:3] = [hole.time, step_s]
                continue
        runs.append([hole.time, hole.time, 1, hole.reason, hole.never])
    return {"record": "holes", "asked": noted[0].asked, "runs": runs}


def described(noted: Holes, missing: NDArray[np.datetime64], times: NDArray[np.datetime64]) -> Iterator[str]:
    """Yield a line for each run of successive missing times that have one reason.

    Args:
        noted: The holes that the ledger records.
        missing: Times that the archive lacks, ascending.
        times: Times of the archive, ascending.
    """
    found = [noted.by_time.get(str(time.astype("datetime64[s]")), _NEVER_ASKED) for time in missing]
    gaps = np.searchsorted(times, missing)
    keys = [(hole.reason, hole.asked, hole.never, gap) for hole, gap in zip(found, gaps.tolist(), strict=True)]
    for (reason, asked, never, _), run in groupby(zip(keys, missing, strict=True), key=itemgetter(0)):
        first, *others = [time for _, time in run]
        when = f"{iso(first)} to {iso(others[-1])}, {1 + len(others)} times" if others else iso(first)
        day = f", asked on {asked}" if asked else ""
        yield f"{when}: {reason}{day}{'; never asked for again' if never else ''}"
