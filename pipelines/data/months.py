"""The calendar months of a period that is ingested month by month, and which times of a month an archive lacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_catalog.archive.ledger import Ledger
from data_catalog.archive.state import inspect_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.clock import utc_today
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.layout.checks import usual_step
from data_catalog.sources.open_source import MONTHLY_SOURCES, YEARLY_SOURCES, end_of

Part: TypeAlias = tuple[date | None, date | None]
"""First and last time of a part of a period; None for the first, or the latest, that there is."""


@dataclass(frozen=True)
class Month:
    """A calendar month, or the part of it that is asked for.

    Attributes:
        start: First day, or first time.
        end: Last day (all of it), or last time; None for the latest available.
    """

    start: date
    end: date | None

    @property
    def name(self) -> str:
        """Year and month, such as `2015-03`; `2015-03 on` where the end is open."""
        return f"{self.start:%Y-%m}" + (" on" if self.end is None else "")

    def holds(self, times: NDArray[np.datetime64]) -> NDArray[np.bool_]:
        """Return which of some times are in this month.

        Args:
            times: In any order.
        """
        inside: NDArray[np.bool_] = times >= np.datetime64(self.start, "ns")
        return inside if self.end is None else inside & (times <= end_of(self.end))


def months_of(first: date, last: date, *, is_open: bool = False) -> tuple[Month, ...]:
    """Split a period into calendar months.

    Args:
        first: First day, or first time.
        last: Last day, or last time.
        is_open: Whether the last month goes on to the latest available time.

    Raises:
        ConfigurationError: The period ends before it begins.
    """
    if end_of(last) < np.datetime64(first, "ns"):
        raise ConfigurationError(f"--end: expected a time from {first} on, found {last}")
    months, start = [], first
    while (start.year, start.month) < (last.year, last.month):
        following = (date(start.year, start.month, 1) + timedelta(days=32)).replace(day=1)
        months.append(Month(start, following - timedelta(days=1)))
        start = following
    return (*months, Month(start, None if is_open else last))


def readable_ledger(archive: Path) -> Ledger | None:
    """Return the ledger of an archive; None where there is none yet, or where it is damaged, which an ingest mends.

    Args:
        archive: Directory of the archive.
    """
    try:
        return Ledger.read(archive)
    except (MissingDataError, InvalidDataError):
        return None


def step_of(entry: DatasetEntry, archived: NDArray[np.datetime64]) -> np.timedelta64:
    """Return the time from one analysis of an archive to the next: that of the dataset, or less where it is finer.

    Args:
        entry: Catalogue entry of the dataset.
        archived: Times of the archive, ascending.
    """
    stated = np.timedelta64(entry.step_hours, "h")
    return min(usual_step(archived) or stated, stated)


def lacking_times(entry: DatasetEntry, archived: NDArray[np.datetime64], month: Month) -> NDArray[np.datetime64]:
    """Return the times of a month that an archive lacks, ascending; in an open month, those before its latest time.

    Args:
        entry: Catalogue entry of the dataset.
        archived: Times of the archive, ascending.
        month: The month.
    """
    if month.end is None and not archived.size:
        return archived
    step = step_of(entry, archived)
    phase = archived[0] if archived.size else np.datetime64(entry.period_start, "ns")
    last = archived[-1] if month.end is None else end_of(month.end)
    first = phase - ((phase - np.datetime64(month.start, "ns")) // step) * step
    wanted = np.arange(first, last + np.timedelta64(1, "ns"), step)
    return wanted[~np.isin(wanted, archived)]


def is_complete(entry: DatasetEntry, archive: Path, month: Month) -> bool:
    """Return whether an archive holds every time of a month that its source may ever have; never for an open month.

    Args:
        entry: Catalogue entry of the dataset.
        archive: Directory of the archive, which may not exist yet.
        month: The month.
    """
    ledger = readable_ledger(archive)
    if ledger is None or month.end is None:
        return False
    known = ledger.holes.by_time
    lacking = lacking_times(entry, np.sort(ledger.arrival_times()), month).astype("datetime64[s]").astype(str)
    return all(time in known and known[time].never for time in lacking)


def parts_to_ask_for(
    entry: DatasetEntry, archive: Path, start: date | None, end: date | None, *, replace: bool
) -> tuple[Part, ...]:
    """Split a period into what a source is asked for at a time, so that the first values arrive at once.

    Args:
        entry: Catalogue entry of the dataset.
        archive: Directory of the archive, which may not exist yet.
        start: First time; None for the first of the dataset.
        end: Last time; None for the latest available.
        replace: Whether archived months are asked for as well.

    Returns:
        The whole period of most sources; of those that ask for something of each time the calendar months, of yearly
        files the years, without those of a sound archive that are complete.
    """
    if entry.source not in MONTHLY_SOURCES | YEARLY_SOURCES:
        return ((start, end),)
    last = end or entry.period_end
    months = months_of(start or entry.period_start, last or utc_today(), is_open=last is None)
    parts = _years(months) if entry.source in YEARLY_SOURCES else months
    if not replace and archive.exists() and not inspect_archive(archive, deep=False).faults:
        parts = (*(part for part in parts[:-1] if not is_complete(entry, archive, part)), parts[-1])
    return tuple((part.start, part.end) for part in parts)


def _years(months: Sequence[Month]) -> tuple[Month, ...]:
    """The months of each year together."""
    groups = [list(group) for _, group in groupby(months, lambda month: month.start.year)]
    return tuple(Month(group[0].start, group[-1].end) for group in groups)
