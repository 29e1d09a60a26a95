"""Ingests an analysis into the archive of its dataset."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.archive import layout as archive_layout
from data_catalog.archive.entry_checks import check_belongs
from data_catalog.archive.ledger import LEDGER_NAME, Ledger
from data_catalog.archive.writer import IngestSummary, Writer, header_of
from data_catalog.catalog import DatasetEntry
from data_catalog.layout.checks import check_analysis, check_channels
from data_catalog.storage.locks import lock


def ingest(
    entry: DatasetEntry,
    analysis: xr.Dataset,
    archive: Path,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> IngestSummary:
    """Ingest an analysis into the archive of its dataset: create it, append, fill holes, repair damaged chunks.

    The process may be killed at any moment and run again: committed times stay, the rest is ingested again. If nothing
    is new, nothing is written. Times that the archive already holds are compared with the source, and a difference is
    an error; for a remote source only the latest block is compared, so that resuming does not download everything
    twice.

    Args:
        entry: The dataset; its channels and static channels are ingested.
        analysis: In canonical layout, with the dataset's channels; lazy or not, read in pieces of bounded size.
        archive: Directory of the archive; created if absent.
        on_progress: Called with the number of times done and the number of all times.

    Returns:
        A summary of what was added, filled and repaired.

    Raises:
        InvalidDataError: The analysis is invalid, is not of the dataset's grid, step and period, or differs from the
            archived values.
        ConfigurationError: The disk cannot be written, or the directory is not an archive.
        MissingDataError: Another ingest is writing to the archive.
    """
    where = f"{entry.name} (ingest)"
    check_channels(analysis, [*entry.channels, *entry.static], where=where)
    checked = check_analysis(analysis[[*entry.channels, *entry.static]], where=where)
    known = (archive / LEDGER_NAME).exists()
    archived = Ledger.read(archive).arrival_times() if known else np.array([], "datetime64[ns]")
    check_belongs(entry, checked, archived, where=where)
    with lock(archive_layout.lock_path(archive), f"{archive}: ingest"):
        static = {name: checked[name].values for name in entry.static}
        if (archive / LEDGER_NAME).exists():
            ledger = Ledger.read(archive)
            archive_layout.check_published(archive, ledger)
        else:
            ledger = archive_layout.create(archive, header_of(entry, checked, static), static)
        archive_layout.clean(archive)
        writer = Writer(archive, ledger, entry, checked, static, on_progress)
        return writer.run(compare="latest" if entry.is_remote else "all")
