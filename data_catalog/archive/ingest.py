"""Brings an analysis into the archive of its dataset."""

from collections.abc import Callable
from pathlib import Path

import xarray as xr

from data_catalog.archive import layout as archive_layout
from data_catalog.archive.ledger import LEDGER_NAME, Ledger
from data_catalog.archive.writer import IngestSummary, Writer, header_of
from data_catalog.catalog import DatasetEntry
from data_catalog.layout.checks import check_analysis, check_channels, check_step
from data_catalog.storage.locks import lock


def ingest(
    entry: DatasetEntry,
    analysis: xr.Dataset,
    archive: Path,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> IngestSummary:
    """Bring an analysis into the archive of its dataset: create, append, fill holes, mend damaged chunks.

    It may be killed at any moment and run again: what was committed stays, and the rest is done anew. With nothing new
    it writes nothing. Times that the archive has already are read again, and refused where they differ; of a remote
    source only the latest block of them, so that resuming does not fetch everything twice.

    Args:
        entry: The dataset; its channels and static channels are taken.
        analysis: In canonical layout, with the dataset's channels; lazy or not, read in pieces of bounded size.
        archive: Directory of the archive; made if absent.
        on_progress: Called with the number of times done and of all times.

    Returns:
        What was done.

    Raises:
        InvalidDataError: The analysis is unsound, lies on another grid, or differs from what is archived.
        ConfigurationError: The disk cannot be written, or the directory is something else.
        MissingDataError: Another ingest is at work on the archive.
    """
    where = f"{entry.name} (ingest)"
    check_channels(analysis, [*entry.channels, *entry.static], where=where)
    checked = check_analysis(analysis[[*entry.channels, *entry.static]], where=where)
    check_step(checked["time"].values, entry.step_hours, where=where)
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
