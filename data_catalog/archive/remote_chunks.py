"""Brings chunks of an archive in object storage to the directory in which it is written to, as they are wanted."""

from pathlib import Path

from data_catalog.storage.atomic_files import move_durably, write_aside, write_durably
from data_catalog.storage.object_path import AnyPath, ObjectPath

_MARK = ".home"
"""File in a working copy that holds the URL of the archive; hidden, as it is no part of it."""


def mark(archive: Path, url: str) -> None:
    """Mark a directory as the working copy of an archive in object storage.

    Args:
        archive: The directory.
        url: Where the archive lies.
    """
    write_durably(archive / _MARK, url)


def home_of(archive: AnyPath) -> ObjectPath | None:
    """Return where an archive lies that is written to in a directory; None if the directory is all there is.

    Args:
        archive: Directory of the archive, or its address in object storage.
    """
    try:
        return ObjectPath((archive / _MARK).read_text()) if isinstance(archive, Path) else None
    except OSError:
        return None


def bring(home: ObjectPath, path: Path, aside: Path) -> None:
    """Bring a chunk from object storage, unless it is here.

    What is brought is not believed yet: whoever reads a chunk compares it with the ledger. What is not there either
    stays absent.

    Args:
        home: Where the archive lies.
        path: File of the chunk, in the folder of its channel.
        aside: Directory on the same file system for the temporary file.

    Raises:
        MissingDataError: The store does not answer.
        ConfigurationError: It refuses to.
    """
    if path.exists():
        return
    try:
        content = (home / path.parent.name / path.name).read_bytes()
    except FileNotFoundError:
        return
    move_durably({write_aside(path, content, aside=aside): path})
