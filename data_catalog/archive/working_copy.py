"""Writes to an archive in object storage: in a directory that holds its ledger, and its chunks as they are wanted.

What an ingest does on disk it does here too, in that directory; what has changed is then sent as any copy is, the
ledger last, so that readers find the archive of before or the new one at any moment. A process that is killed leaves
the directory, and the next one goes on with it, unless the archive was continued elsewhere meanwhile.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_catalog.archive.copying import copy_archive
from data_catalog.archive.ledger import COPY_NAME
from data_catalog.archive.recovery import is_archive
from data_catalog.archive.remote_chunks import mark
from data_catalog.errors import MissingDataError
from data_catalog.sources.archive_marks import LEDGER_NAME
from data_catalog.storage.atomic_files import atomic_path
from data_catalog.storage.chained_lines import longest_chain
from data_catalog.storage.folder import Folder
from data_catalog.storage.folders import folder_at
from data_catalog.storage.locks import lock

_DIGITS = 16
_DOTS_OF_A_CHUNK = 3
"""At least, in the name of a chunk of fields with time."""


@contextmanager
def working_copy(url: str, below: Path) -> Iterator[Path]:
    """Yield a directory in which an archive of object storage is written to; send what has changed at the end.

    Args:
        url: Where the archive lies, or is to lie: s3://, gs:// or az://.
        below: Directory for working copies, on a disk with room for what is written and read.

    Raises:
        MissingDataError: The store does not answer, or another process writes to the archive.
        ConfigurationError: The store refuses to be written to, or holds something else there.
        InvalidDataError: A chunk that is to be sent is damaged.
    """
    folder = folder_at(url)
    place = below / hashlib.sha256(folder.place.encode()).hexdigest()[:_DIGITS]
    archive = place / folder.place.rpartition("/")[2]
    with lock(place / "working.lock", f"{folder.place}: ingest"):
        _prepare(folder, archive)
        yield archive
        if is_archive(archive):
            here = [str(path.relative_to(archive)) for path in archive.glob("*/c.*")]
            copy_archive(archive, folder, doubted=here)
            _forget(archive)


def _prepare(folder: Folder, archive: Path) -> None:
    """Bring all but the chunks, unless the directory holds what the archive holds, or more."""
    _forget(archive.with_name(f"{archive.name}.old"), is_renamed=True)
    before = _recorded(folder)
    if archive.exists() and not _local(archive).startswith(before):
        _forget(archive)
    if before and not archive.exists():
        _bring_all_but_chunks(folder, archive)
        if _recorded(folder) != before:
            _forget(archive)
            raise MissingDataError(f"{folder.place}: expected an archive at rest, found one that is written to")
    if before:
        mark(archive, folder.place)


def _recorded(folder: Folder) -> bytes:
    """The ledger in the store, put together from both copies; empty without an archive."""
    found = [folder.read(name) for name in (LEDGER_NAME, COPY_NAME)]
    return longest_chain([content.body for content in found if content is not None])


def _local(archive: Path) -> bytes:
    paths = [archive / name for name in (LEDGER_NAME, COPY_NAME)]
    return longest_chain([path.read_bytes() for path in paths if path.exists()])


def _bring_all_but_chunks(folder: Folder, archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(archive) as new:
        for stored in folder.listing():
            group, _, name = stored.name.rpartition("/")
            if name.count(".") < _DOTS_OF_A_CHUNK and "/" not in group:
                (new / group).mkdir(parents=True, exist_ok=True)
                folder.fetch(stored.name, new / stored.name)


def _forget(archive: Path, *, is_renamed: bool = False) -> None:
    """Remove a directory; it loses its name first, so that a kill leaves no part of an archive."""
    if archive.exists():
        old = archive if is_renamed else archive.rename(archive.with_name(f"{archive.name}.old"))
        shutil.rmtree(old)
