"""Restores the ledger of an archive: from its two copies, or else from what was published and the source."""

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_catalog.archive import layout as archive_layout
from data_catalog.archive.header import Header
from data_catalog.archive.ledger import COPY_NAME, Ledger
from data_catalog.archive.publication import content_of, group_attributes, lost_lines, published_count, published_times
from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.layout.times import iso
from data_catalog.sources.archive_marks import LEDGER_NAME, is_archive_group
from data_catalog.storage.atomic_files import append_durably, write_durably
from data_catalog.storage.chained_lines import longest_chain

_LOG = logging.getLogger("plumecast")


def sound_ledger(archive: Path) -> Ledger | None:
    """Read the ledger of an archive, restored from its copy where it is damaged, and chained.

    Args:
        archive: Directory of the archive, whose lock the caller holds.

    Returns:
        The ledger; None if neither copy holds all that was published.
    """
    try:
        ledger = Ledger.read(archive).upgrade()
        if not lost_lines(archive, ledger):
            if ledger.file.stat().st_size != ledger.length:
                append_durably(ledger.file, b"", after=ledger.length)
            return ledger
    except (InvalidDataError, MissingDataError):
        pass
    return _restored(archive)


def _restored(archive: Path) -> Ledger | None:
    """Put the ledger together from both copies and write it; None if lines that were published are in neither."""
    copies = [content_of(archive / name) or b"" for name in (LEDGER_NAME, COPY_NAME)]
    for ordered in (copies, copies[::-1]):
        content = longest_chain(ordered)
        if content and not lost_lines(archive, Ledger.parsed(content, archive / LEDGER_NAME)):
            write_durably(archive / LEDGER_NAME, content, aside=archive_layout.unfinished_files(archive))
            _LOG.warning("%s: restored from %s", archive / LEDGER_NAME, COPY_NAME)
            return Ledger.read(archive)
    return None


def is_archive(path: Path) -> bool:
    """Return whether a directory is an archive, perhaps without its ledger.

    Args:
        path: Directory.
    """
    if (path / LEDGER_NAME).exists() or (path / COPY_NAME).exists():
        return True
    return is_archive_group(group_attributes(path))


def archived_times(archive: Path) -> NDArray[np.datetime64]:
    """Return the times of an archive, in any order; those that were published if its ledger cannot be read.

    Args:
        archive: Directory of the archive; without one there are none.
    """
    try:
        return Ledger.read(archive).arrival_times()
    except (InvalidDataError, MissingDataError):
        published = published_times(archive)
        return np.array([], "datetime64[ns]") if published is None else published


def begin_again(archive: Path, header: Header, offered: NDArray[np.datetime64]) -> tuple[Ledger, NDArray[np.intp]]:
    """Start the ledger of an archive again, whose chunks are then written from the source once more.

    Args:
        archive: Directory of the archive, whose lock the caller holds.
        header: The fixed properties of the archive.
        offered: Times of the source, ascending.

    Returns:
        A ledger without times, and the positions in `offered` of the times to write, in their order of arrival.

    Raises:
        InvalidDataError: The source lacks times that the archive had.
    """
    _check_none_lacking(archive, offered)
    before = published_times(archive)
    order = np.arange(len(offered)) if before is None else np.searchsorted(offered, before)
    (archive / COPY_NAME).unlink(missing_ok=True)
    _LOG.warning("%s: lost, made again from the source", archive / LEDGER_NAME)
    return archive_layout.start_ledger(archive, header), order


def _check_none_lacking(archive: Path, offered: NDArray[np.datetime64]) -> None:
    """Raise an error if a source lacks times that an archive had, or if it can only be counted that it does."""
    before = published_times(archive)
    lacking = np.array([]) if before is None else np.setdiff1d(before, offered)
    fewest = _fewest_times(archive)
    if not lacking.size and len(offered) >= fewest:
        return
    found = f"none at {iso(lacking[0])}" if lacking.size else str(len(offered))
    raise InvalidDataError(
        f"{archive / LEDGER_NAME}: expected a source with all {fewest} times of the archive to make the lost ledger "
        f"again, found {found}"
    )


def _fewest_times(archive: Path) -> int:
    """Return how many times an archive had at least, by its metadata and by what is left of its ledger."""
    content = longest_chain([content_of(archive / name) or b"" for name in (LEDGER_NAME, COPY_NAME)])
    recorded = Ledger.parsed(content, archive / LEDGER_NAME).count if content else 0
    return max(published_count(archive) or 0, recorded)
