"""Mends an archive: what follows from the ledger at once, the rest from the source."""

from collections.abc import Callable
from pathlib import Path

import xarray as xr

from data_catalog.archive import layout as archive_layout
from data_catalog.archive.chunks import ChunkReader
from data_catalog.archive.ingest import archive_lock, checked_for, open_writer
from data_catalog.archive.publication import publish
from data_catalog.archive.recovery import is_archive, sound_ledger
from data_catalog.archive.state import content_faults, inspect_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError, MissingDataError


def heal_archive(entry: DatasetEntry, archive: Path, open_source: Callable[[], xr.Dataset]) -> tuple[str, ...]:
    """Mend everything in an archive that is damaged or lost; no time is added.

    Metadata, coordinates and the ledger are restored without the source, as long as a copy of each ledger line is left.

    Args:
        entry: The dataset.
        archive: Directory of the archive.
        open_source: Opens the analysis to mend from; called only if it is needed.

    Returns:
        One line for each fault that was mended.

    Raises:
        MissingDataError: There is no archive, or another process is writing to it.
        InvalidDataError: The source cannot mend all of it; says what is left.
    """
    if not is_archive(archive):
        raise MissingDataError(f"{archive}: expected an archive (made by ingest), found none")
    faults = archive_faults(archive)
    if not faults:
        return ()
    with archive_lock(archive):
        archive_layout.clean(archive)
        ledger = sound_ledger(archive)
        if ledger is None or content_faults(ChunkReader(archive, ledger), deep=True):
            writer = open_writer(entry, checked_for(entry, open_source(), archive), archive)
            writer.mend()
            ledger = writer.ledger
        publish(archive, ledger)
        archive_layout.clean(archive)
    left = archive_faults(archive)
    if left:
        raise InvalidDataError(
            f"{archive}: expected to mend all {len(faults)} faults, found {len(left)} left: {left[0]}"
        )
    return faults


def archive_faults(archive: Path) -> tuple[str, ...]:
    """Read every byte of an archive and return one line for each fault.

    Args:
        archive: Directory of the archive.

    Raises:
        MissingDataError: There is no archive.
    """
    try:
        return inspect_archive(archive, deep=True).faults
    except InvalidDataError as error:
        return (str(error),)
