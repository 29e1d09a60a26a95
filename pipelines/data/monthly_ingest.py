"""Ingests a period month by month, and tells of each month what came, what is missing, and why."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from data_catalog.archive.analysis import open_dataset_source
from data_catalog.archive.holes import NOT_THERE, Hole, Holes, described
from data_catalog.archive.ingest import note_asked
from data_catalog.catalog import DatasetEntry
from data_catalog.clock import utc_today
from data_catalog.errors import (
    InvalidDataError,
    MissingDataError,
    NeverAvailableError,
    UnreachableError,
    without_secrets,
)
from data_catalog.sources.absences import Absence, absence_at, absences_of
from pipelines.data.holes import moment
from pipelines.data.ingest import check_has_source, describe, ingest_opened
from pipelines.data.months import Month, is_complete, lacking_times, months_of, readable_ledger
from pipelines.workspace.home import Home
from pipelines.workspace.scheduler import LOCAL, open_scheduler

logger = logging.getLogger("plumecast")
_MOST_REASONS = 5


@dataclass(frozen=True)
class MonthlyIngest:
    """The request for an ingest month by month.

    Attributes:
        home: The home directory.
        entry: Catalogue entry of the dataset.
        archive: Directory of the archive; created if absent.
        source: Path or URL to use instead of the catalogue's source.
        replace: Whether values of the source replace archived ones that differ; archived months are then asked for too.
        scheduler: What reads the source and packs chunks, as in `--scheduler`.
    """

    home: Home
    entry: DatasetEntry
    archive: Path
    source: str | None = None
    replace: bool = False
    scheduler: str = LOCAL


@dataclass(frozen=True)
class MonthResult:
    """What became of a month.

    Attributes:
        month: The month.
        added: Number of its times that were added.
        known: Number of its times that the archive held before.
        lacking: Its times that the archive lacks, ascending, each with the reason.
        reasons: A line for each run of successive missing times that have one reason.
        is_stated: Whether the source says so; not of an outage, whose reason is none to keep.
    """

    month: Month
    added: int
    known: int
    lacking: tuple[Hole, ...]
    reasons: tuple[str, ...]
    is_stated: bool = True


def plan_months(request: MonthlyIngest, start: date | None, end: date | None) -> tuple[Month, ...]:
    """Return the calendar months of the asked period; the source is opened where an end of the period is not stated.

    Args:
        request: The request.
        start: First time; None for the first of the source.
        end: Last time; None for the latest available, so that the last month is open.

    Raises:
        MissingDataError: The source has no data for these times yet.
        ConfigurationError: There is no source, or the period ends before it begins.
    """
    check_has_source(request.entry, request.source)
    if start is not None and end is not None:
        return months_of(start, end)
    times = open_dataset_source(request.entry, request.source, start, end)["time"].values
    return months_of(start or moment(times[0]), end or moment(times[-1]), is_open=end is None)


def ingest_month(request: MonthlyIngest, month: Month) -> MonthResult:
    """Bring one month into the archive; a month whose times are all archived is not asked for again.

    Args:
        request: The request.
        month: The month.

    Raises:
        MissingDataError: The source has no data for this month yet, or another process is writing to the archive.
        InvalidDataError: The source is wrong, or contradicts the archive.
        ConfigurationError: There is no source, or the disk cannot be written.
    """
    if not request.replace and is_complete(request.entry, request.archive, month):
        return _result(request, month)
    try:
        analysis = open_dataset_source(request.entry, request.source, month.start, month.end)
    except NeverAvailableError as error:
        return _result(request, month, stated=[Absence("", "", str(error), never=True)])
    with open_scheduler(request.scheduler, request.home) as workers:
        summary = ingest_opened(request.entry, analysis, request.archive, replace=request.replace, workers=workers)
    logger.info("%s: %s", month.name, describe(summary))
    return _result(request, month, added=summary.added, stated=absences_of(analysis))


def failed_month(request: MonthlyIngest, month: Month, error: Exception) -> MonthResult:
    """Return what an archive lacks of a month whose ingest failed, with the error as the reason.

    Args:
        request: The request.
        month: The month.
        error: Why it failed.
    """
    is_stated = isinstance(error, (MissingDataError, InvalidDataError)) and not isinstance(error, UnreachableError)
    found = _result(request, month, stated=[Absence("", "", without_secrets(str(error)))])
    return replace(found, is_stated=is_stated)


def _result(request: MonthlyIngest, month: Month, *, added: int = 0, stated: Sequence[Absence] = ()) -> MonthResult:
    """Compare a month with the archive.

    Args:
        request: The request.
        month: The month.
        added: Number of its times that were added.
        stated: What the source says of times that it lacks.
    """
    ledger = readable_ledger(request.archive)
    archived = np.sort(ledger.arrival_times()) if ledger else np.array([], "datetime64[ns]")
    holes = ledger.holes if ledger else Holes()
    times = lacking_times(request.entry, archived, month)
    lacking = tuple(_hole(time, holes, stated) for time in times)
    known = int(month.holds(archived).sum()) - added
    reasons = described(Holes({hole.time: hole for hole in lacking}), times, archived)
    return MonthResult(month, added, known, lacking, tuple(reasons))


def _hole(time: np.datetime64, known: Holes, stated: Sequence[Absence]) -> Hole:
    """Return why a time is not there: as the source says now, else as the ledger has it."""
    text, said = str(time.astype("datetime64[s]")), absence_at(stated, time, time)
    today = utc_today().isoformat()
    if said is not None:
        return Hole(text, said.reason, today, said.never)
    return known.by_time.get(text, Hole(text, NOT_THERE, today, never=False))


def note_lacking(request: MonthlyIngest, results: Sequence[MonthResult]) -> None:
    """Record in the ledger why times are missing, where the source says so, also those where one month meets the next.

    Args:
        request: The request.
        results: Of all months that were asked for.

    Raises:
        MissingDataError: Another process is writing to the archive.
        InvalidDataError: The ledger is damaged.
    """
    ledger = readable_ledger(request.archive)
    for result in results:
        new = [hole for hole in result.lacking if ledger and ledger.holes.by_time.get(hole.time) != hole]
        if new and result.is_stated:
            absences = [Absence(hole.time, hole.time, hole.reason, hole.never) for hole in result.lacking]
            first, last = (np.datetime64(result.lacking[end].time, "ns") for end in (0, -1))
            note_asked(request.archive, first, last, absences)


def table(results: Sequence[MonthResult]) -> list[dict[str, str | int]]:
    """Return a row for each month: times added, known before, and missing, with the reasons.

    Args:
        results: In order of time.
    """
    return [
        {"month": one.month.name, "added": one.added, "known": one.known, "missing": len(one.lacking), "why": _why(one)}
        for one in results
    ]


def describe_months(archive: Path, results: Sequence[MonthResult]) -> str:
    """Describe the result of all months in one line.

    Args:
        archive: Directory of the archive.
        results: Of all months that were asked for.
    """
    added, known, missing = (sum(counts) for counts in zip(*map(_counts, results), strict=True))
    span = f"{results[0].month.name} to {results[-1].month.name}"
    return f"{archive}: {added} times added, {known} known, {missing} missing; {len(results)} months, {span}"


def _counts(result: MonthResult) -> tuple[int, int, int]:
    return result.added, result.known, len(result.lacking)


def _why(result: MonthResult) -> str:
    """The reasons for missing times in one cell of a table."""
    more = len(result.reasons) - _MOST_REASONS
    return "; ".join([*result.reasons[:_MOST_REASONS], *([f"{more} more"] if more > 0 else [])])
