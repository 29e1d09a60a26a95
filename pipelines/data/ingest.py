"""Ingests a dataset from its source into the checked archive, for a command or a scheduled cycle."""

import dataclasses
import logging
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.archive.analysis import open_dataset_source
from data_catalog.archive.contents import IngestSummary
from data_catalog.archive.ingest import ingest, note_asked
from data_catalog.archive.state import inspect_archive
from data_catalog.archive.verdicts import words_of
from data_catalog.archive.workers import Workers
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import ConfigurationError, MissingDataError, UnreachableError
from data_catalog.layout.times import iso
from data_catalog.quality.judge import FEWEST_TIMES
from data_catalog.sources.absences import Absence
from data_catalog.sources.open_source import end_of
from pipelines.data.holes import fill_holes, moment
from pipelines.data.months import Part, parts_to_ask_for
from pipelines.terminal.progress import progress
from pipelines.workspace.home import Home

logger = logging.getLogger("plumecast")


def ingest_dataset(
    entry: DatasetEntry,
    archive: Path,
    *,
    source: str | None = None,
    start: date | None = None,
    end: date | None = None,
    replace: bool = False,
    workers: Workers | None = None,
) -> IngestSummary:
    """Bring a dataset's archive up to date: append new times, fill holes, continue where a killed ingest stopped.

    Sources that ask for something of each time are opened and ingested month by month, yearly files year by year.

    Args:
        entry: Catalogue entry of the dataset.
        archive: Path of the archive; created if absent.
        source: Path or URL to use instead of the catalogue's source.
        start: First time; None for the first of the dataset.
        end: Last time; None for the latest available.
        replace: Whether values of the source replace archived ones that differ.
        workers: What reads the source and packs chunks; None for threads of this process.

    Raises:
        MissingDataError: The source has no data for these times yet.
        InvalidDataError: The source is wrong, or contradicts the archive.
        ConfigurationError: There is no source.
    """
    check_has_source(entry, source)
    parts = parts_to_ask_for(entry, archive, start, end, replace=replace)
    summaries, lacking = list[IngestSummary](), list[tuple[Part, MissingDataError]]()
    for part in parts:
        try:
            analysis = open_dataset_source(entry, source, *part)
        except MissingDataError as error:
            if len(parts) == 1 or isinstance(error, UnreachableError):
                raise
            logger.info("%s: %s", entry.name, error)
            lacking.append((part, error))
        else:
            summaries.append(ingest_opened(entry, analysis, archive, replace=replace, workers=workers))
    if not summaries:
        raise lacking[-1][1]
    _note_lacking(archive, lacking)
    return _together(summaries)


def _note_lacking(archive: Path, lacking: Sequence[tuple[Part, MissingDataError]]) -> None:
    """Record why the times of some parts of a period are not there, where later ones are."""
    for (start, end), error in lacking:
        if start is not None and end is not None:
            note_asked(archive, np.datetime64(start, "ns"), end_of(end), [Absence("", "", str(error))])


def _together(summaries: Sequence[IngestSummary]) -> IngestSummary:
    """The summary of ingests of one period after another."""
    return dataclasses.replace(
        summaries[-1],
        added=sum(one.added for one in summaries),
        filled=sum(one.filled for one in summaries),
        known=sum(one.known for one in summaries),
        mended=sum(one.mended for one in summaries),
        replaced=sum(one.replaced for one in summaries),
        suspect=tuple(suspicion for one in summaries for suspicion in one.suspect),
    )


def ingest_opened(
    entry: DatasetEntry,
    analysis: xr.Dataset,
    archive: Path,
    *,
    replace: bool = False,
    workers: Workers | None = None,
) -> IngestSummary:
    """Ingest an analysis into the archive of its dataset, and show the progress.

    Args:
        entry: Catalogue entry of the dataset.
        analysis: From `open_dataset_source`; lazy.
        archive: Path of the archive; created if absent.
        replace: Whether values of the source replace archived ones that differ.
        workers: What reads the source and packs chunks; None for threads of this process.

    Raises:
        InvalidDataError: The source is wrong, or contradicts the archive.
    """
    total = int(analysis.sizes["time"])
    with progress(f"Ingest {entry.name}", total, "times") as advance:

        def tell(done: int, of: int) -> None:
            advance(done)

        return ingest(entry, analysis, archive, replace=replace, on_progress=tell, workers=workers)


def check_has_source(entry: DatasetEntry, source: str | None) -> None:
    """Check that there is a place to read a dataset from.

    Args:
        entry: Catalogue entry of the dataset.
        source: Path or URL given by the user.

    Raises:
        ConfigurationError: There is none.
    """
    if source is None and not entry.has_source:
        raise ConfigurationError(f"{entry.name}: expected --source PATH_OR_URL, found none (there is no default)")


def ingest_new(home: Home, entry: DatasetEntry, source: str | None = None, workers: Workers | None = None) -> Path:
    """Bring the archive of a dataset up to date in a scheduled cycle.

    What the archive lacks between its first and its last time is asked for again, until the source states that it will
    never have it. The archive of a dataset without a source of its own is left as it is.

    Args:
        home: The home directory.
        entry: Catalogue entry of the dataset.
        source: Path or URL to use instead of the catalogue's source.
        workers: What reads the source and packs chunks; None for threads of this process.

    Returns:
        Path of the archive.

    Raises:
        MissingDataError: There is neither an archive nor a source.
    """
    archive = home.archive(entry.name)
    if source is None and not entry.has_source:
        if not archive.exists():
            raise MissingDataError(f"archive of '{entry.name}': expected {archive} or a --source, found neither")
        logger.info("%s has no source of its own; its archive is used as it is", entry.name)
        return archive
    summary = ingest_dataset(entry, archive, source=source, start=first_wanted(archive), workers=workers)
    logger.info("%s", describe(summary))
    filled = fill_holes(entry, archive, source)
    if filled:
        logger.info("%s: %s times filled in holes", archive, filled)
    return archive


def describe(summary: IngestSummary) -> str:
    """Describe the result of an ingest in one line."""
    span = f"{iso(summary.first_time)} to {iso(summary.last_time)}"
    mended = f", {summary.mended} damaged parts repaired" if summary.mended else ""
    replaced = f", {summary.replaced} replaced" if summary.replaced else ""
    filled = f" ({summary.filled} in holes)" if summary.filled else ""
    counts = f"{summary.added} times added{filled}, {summary.known} known{mended}{replaced}"
    return f"{summary.archive}: {counts}; {span}{_doubts(summary)}"


def _doubts(summary: IngestSummary) -> str:
    """What is suspect among the new times, and what was never judged; empty if all is good."""
    doubts = ""
    if summary.suspect:
        doubts = f"; {len(summary.suspect)} fields suspect, first {words_of(summary.suspect[0])}"
    if summary.not_judged >= FEWEST_TIMES:
        doubts += f"; {summary.not_judged} times not judged: 'plumecast archive judge DATASET' does it"
    return doubts


def first_wanted(archive: Path) -> date | None:
    """Return the first time that a scheduled ingest requests besides holes: the last time of the archive.

    It is requested again, so that a change in the source is noticed. Returns None, which requests all times, if there
    is no archive or a chunk of it is damaged.
    """
    if not archive.exists():
        return None
    state = inspect_archive(archive, deep=False)
    return None if state.faults or state.last_time is None else moment(state.last_time)
