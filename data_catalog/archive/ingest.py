"""TODO: data_catalog/archive/ingest.py."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

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
    compare: bool | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> IngestSummary:
    """Bring an analysis into the archive of its dataset: create, append, fill holes, mend damaged chunks.

    It may be killed at any moment and run again: what was committed stays, and the rest is done anew. With nothing new
    it writes nothing.

    Args:
        entry: The dataset; its channels and static channels are taken.
        analysis: In canonical layout, lazy or not; read in pieces of bounded size.
        archive: Directory of the archive; made if absent.
        compare: Whether to read again the times that the archive has, to refuse those that differ. None: yes, but from
            a remote source only the latest block of them, as resuming would else fetch everything twice.
        on_progress: Told the times done and the times in all.

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
        usual: Literal["latest", "all"] = "latest" if entry.is_remote else "all"
        return writer.run(compare=usual if compare is None else "all" if compare else "none")
