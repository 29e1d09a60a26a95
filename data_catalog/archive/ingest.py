"""Ingests an analysis into the archive of its dataset, and mends an archive from its source."""

import dataclasses
from collections.abc import Callable, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.archive import layout as archive_layout
from data_catalog.archive.contents import IngestSummary, header_of
from data_catalog.archive.entry_checks import check_belongs
from data_catalog.archive.holes import record_of
from data_catalog.archive.judging import judge_new
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.publication import publish
from data_catalog.archive.recovery import archived_times, begin_again, is_archive, sound_ledger
from data_catalog.archive.workers import Workers, own_threads
from data_catalog.archive.writer import Writer
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError
from data_catalog.layout.checks import check_analysis, check_channels
from data_catalog.sources.absences import Absence, absences_of
from data_catalog.storage.locks import lock


def ingest(
    entry: DatasetEntry,
    analysis: xr.Dataset,
    archive: Path,
    *,
    replace: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    workers: Workers | None = None,
) -> IngestSummary:
    """Ingest an analysis into the archive of its dataset: create it, append, fill holes, repair what is damaged.

    The process may be killed at any moment and run again: committed times stay, the rest is ingested again. If nothing
    is new, nothing is written. Times that the archive already holds are compared with the source, and a difference is
    an error; for a remote source only the latest block is compared, so that resuming does not download everything
    twice.

    Args:
        entry: The dataset; its channels and static channels are ingested.
        analysis: In canonical layout, with the dataset's channels; lazy or not, read in pieces of bounded size.
        archive: Directory of the archive; created if absent.
        replace: Take values of the source that differ from archived ones, of all times of the analysis, as corrections;
            the ledger records each as a generation. Those of times that the source called preliminary are taken
            without it.
        on_progress: Called with the number of times done and the number of all times.
        workers: What reads the source and packs chunks; None for threads of this process.

    Returns:
        A summary of what was added, filled, repaired and replaced.

    Raises:
        InvalidDataError: The analysis is invalid, is not of the dataset's grid, step and period, or differs from the
            archived values.
        ConfigurationError: The disk cannot be written, or the directory is not an archive.
        MissingDataError: Another ingest is writing to the archive.
    """
    checked = checked_for(entry, analysis, archive)
    with archive_lock(archive), nullcontext(workers) if workers else own_threads() as hands:
        writer = open_writer(entry, checked, archive, hands, on_progress)
        before = set(writer.ledger.verdicts.reasons), [time for one in writer.ledger.blocks for time in one.times]
        summary = writer.run(compare="latest" if entry.is_remote and not replace else "all", replace=replace)
        times = analysis["time"].values
        released = writer.ledger.releases.record_of(analysis)
        if released is not None:
            writer.ledger.note_releases(released)
            publish(archive, writer.ledger)
        _note_holes(archive, writer.ledger, times.min(), times.max(), absences_of(analysis))
        judge_new(archive, writer.ledger, before[1])
        return _with_verdicts(summary, writer.ledger, before[0])


def note_asked(archive: Path, first: np.datetime64, last: np.datetime64, absences: Sequence[Absence]) -> None:
    """Record that a source was asked for all times of a period, and why the archive still has holes in it.

    Args:
        archive: Directory of the archive.
        first: First time of the period.
        last: Last time of the period.
        absences: What the source says of times that it lacks.

    Raises:
        MissingDataError: Another process is writing to the archive.
        InvalidDataError: The ledger is damaged.
    """
    with archive_lock(archive):
        ledger = sound_ledger(archive)
        if ledger is None:
            raise InvalidDataError(f"{archive}: expected a sound ledger, found none")
        _note_holes(archive, ledger, first, last, absences)


def _note_holes(
    archive: Path, ledger: Ledger, first: np.datetime64, last: np.datetime64, absences: Sequence[Absence]
) -> None:
    """Record what of a period the archive lacks still, unless the ledger says so already."""
    noted = ledger.holes.asked(ledger.arrival_times(), first, last, absences)
    if noted:
        ledger.note_holes(record_of(noted))
        publish(archive, ledger)


def _with_verdicts(summary: IngestSummary, ledger: Ledger, judged_before: Set[str]) -> IngestSummary:
    """Add what is suspect among the newly judged times."""
    verdicts = ledger.verdicts
    new = [one for one in verdicts.suspect if one.time is None or _text(one.time) not in judged_before]
    return dataclasses.replace(summary, suspect=tuple(new), not_judged=ledger.count - len(verdicts.reasons))


def _text(time: np.datetime64) -> str:
    return str(time.astype("datetime64[s]"))


def checked_for(entry: DatasetEntry, analysis: xr.Dataset, archive: Path) -> xr.Dataset:
    """Return the channels of a dataset, checked as they are read.

    Args:
        entry: The dataset.
        analysis: In canonical layout.
        archive: Directory of the archive, which may not exist yet.

    Raises:
        InvalidDataError: A channel is missing, or grid, step or period are not those of the dataset.
    """
    where = f"{entry.name} (ingest)"
    check_channels(analysis, [*entry.channels, *entry.static], where=where)
    checked = check_analysis(analysis[[*entry.channels, *entry.static]], where=where)
    check_belongs(entry, checked, partial(archived_times, archive), where=where)
    return checked


def archive_lock(archive: Path) -> AbstractContextManager[None]:
    """Return the lock that whoever writes to an archive holds.

    Args:
        archive: Directory of the archive.
    """
    return lock(archive_layout.lock_path(archive), f"{archive}: ingest")


def open_writer(
    entry: DatasetEntry,
    checked: xr.Dataset,
    archive: Path,
    workers: Workers,
    on_progress: Callable[[int, int], None] | None = None,
) -> Writer:
    """Open an archive for writing, or create it; its ledger is restored, or made again from the source.

    Args:
        entry: The dataset.
        checked: From `checked_for`.
        archive: Directory of the archive, whose lock the caller holds.
        workers: What reads the source and packs chunks.
        on_progress: Called with the number of times done and the number of all times.

    Raises:
        InvalidDataError: The analysis has another grid, or other static fields.
        ConfigurationError: The directory is not an archive.
    """
    static = {name: checked[name].values for name in entry.static}
    if not is_archive(archive):
        ledger = archive_layout.create(archive, header_of(entry, checked, static), static)
        return Writer(archive, ledger, entry, checked, static, workers, on_progress)
    archive_layout.clean(archive)
    found = sound_ledger(archive)
    if found is not None:
        return Writer(archive, found, entry, checked, static, workers, on_progress)
    ledger, order = begin_again(archive, header_of(entry, checked, static), checked["time"].values)
    Writer(archive, ledger, entry, checked, static, workers).append(order)
    return Writer(archive, ledger, entry, checked, static, workers, on_progress)
