"""Mends an archive: what follows from the ledger at once, the rest from the source."""

from collections.abc import Callable, Sequence
from pathlib import Path

import xarray as xr

from data_catalog.archive import layout as archive_layout
from data_catalog.archive.chunks import ChunkReader
from data_catalog.archive.ingest import archive_lock, checked_for, open_writer
from data_catalog.archive.ledger import Ledger, StoredChunk
from data_catalog.archive.publication import publication_faults, publish
from data_catalog.archive.recovery import is_archive, sound_ledger
from data_catalog.archive.series import make_series, series_faults
from data_catalog.archive.state import content_faults, inspect_archive
from data_catalog.archive.workers import Workers, own_threads
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.sources.archive_marks import without_advice
from data_catalog.storage.object_path import AnyPath


def heal_archive(entry: DatasetEntry, archive: Path, open_source: Callable[[], xr.Dataset]) -> tuple[str, ...]:
    """Mend everything in an archive that is damaged or lost, and its twin for point series; no time is added.

    Metadata, coordinates and the ledger are restored without the source, as long as a copy of each ledger line is left.
    A damaged twin is made again from the archive.

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
    faults, twin = archive_faults(archive), series_faults(archive)
    if not faults and not twin:
        return ()
    with archive_lock(archive):
        found = (*faults, *(_mended_now(entry, archive, open_source) if faults else ()))
        every = tuple(dict.fromkeys(map(without_advice, found)))
        left = archive_faults(archive)
        if left:
            raise InvalidDataError(f"{archive}: expected to mend {counted(every)}, found {len(left)} left: {left[0]}")
        if twin:
            make_series(archive)
    return (*every, *map(without_advice, twin))


def counted(faults: Sequence[str]) -> str:
    """Return the number of faults in words.

    Args:
        faults: One line for each fault.
    """
    return "1 fault" if len(faults) == 1 else f"{len(faults)} faults"


def _mended_now(entry: DatasetEntry, archive: Path, open_source: Callable[[], xr.Dataset]) -> list[str]:
    """Mend an archive, and return the faults that show only once its ledger is there."""
    archive_layout.clean(archive)
    ledger = sound_ledger(archive)
    if ledger is None:
        return _made_again(entry, archive, open_source)
    reader = ChunkReader(archive, ledger)
    lost = content_faults(reader, deep=True)
    faults = [*lost, *publication_faults(archive, ledger)]
    if lost:
        ledger = _mended_from_source(entry, archive, open_source)
    publish(archive, ledger)
    archive_layout.clean(archive)
    return faults


def _mended_from_source(entry: DatasetEntry, archive: Path, open_source: Callable[[], xr.Dataset]) -> Ledger:
    with own_threads() as workers:
        writer = open_writer(entry, checked_for(entry, open_source(), archive), archive, workers)
        writer.mend()
        return writer.ledger


def _made_again(entry: DatasetEntry, archive: Path, open_source: Callable[[], xr.Dataset]) -> list[str]:
    """Make the ledger again from the source, and name each chunk that was lost or held something else."""
    before = {path: StoredChunk.of(path.read_bytes()) for path in archive.rglob("c.*") if path.is_file()}
    publish(archive, _mended_from_source(entry, archive, open_source))
    archive_layout.clean(archive)
    after = {path: StoredChunk.of(path.read_bytes()) for path in sorted(archive.rglob("c.*"))}
    return [
        f"{path}: expected what the source gives, found {'another content' if path in before else 'none'}"
        for path, chunk in after.items()
        if before.get(path) != chunk
    ]


def archive_faults(archive: AnyPath, workers: Workers | None = None) -> tuple[str, ...]:
    """Read every byte of an archive and return one line for each fault.

    Args:
        archive: Directory of the archive.
        workers: What reads the chunks; None for threads of this process.

    Raises:
        MissingDataError: There is no archive.
    """
    try:
        return inspect_archive(archive, deep=True, workers=workers).faults
    except InvalidDataError as error:
        return (str(error),)
