"""Files that survive what happens to machines: written aside, synced, renamed; and a lock that dies with its owner."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_catalog.atomic import synchronise
from data_catalog.errors import ConfigurationError, MissingDataError

_NOT_WRITABLE = {
    errno.ENOSPC: "a full disk",
    errno.EDQUOT: "a full quota",
    errno.EFBIG: "a limit on the size of files",
    errno.EROFS: "a read-only file system",
    errno.EACCES: "no permission to write",
    errno.EPERM: "no permission to write",
    errno.ENOTDIR: "a file where a directory should be",
}


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn the faults of a disk that cannot be written into one clear line.

    Raises:
        ConfigurationError: The disk is full or read-only, or permission is lacking.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_WRITABLE:
            raise
        raise ConfigurationError(
            f"{place}: expected to be able to write, found {_NOT_WRITABLE[error.errno]}"
        ) from error


def write_durably(path: Path, content: bytes, *, aside: Path) -> None:
    """Write a file so that at any moment it is either as before or whole.

    Args:
        path: File to make or replace.
        content: All of it.
        aside: Directory on the same file system for the unfinished file.
    """
    aside.mkdir(exist_ok=True)
    unfinished = aside / f"{path.parent.name}-{path.name}-{os.getpid()}"
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    synchronise(path.parent)


def append_durably(path: Path, content: bytes, *, after: int) -> None:
    """Append to a file and sync it; what lies beyond `after` bytes, the rest of a write cut short, is cut off first."""
    with path.open("r+b") as file:
        file.truncate(after)
        file.seek(after)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def exclusive(path: Path, *, doing: str) -> Iterator[None]:
    """Hold a lock that the system releases when its owner ends, however it ends.

    Args:
        path: Lock file; made if absent, and left behind.
        doing: What is being done, for the line that a second comer reads.

    Raises:
        MissingDataError: Another process holds it: try later.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 100, 0).decode(errors="replace").strip() or "unknown"
            raise MissingDataError(
                f"{doing}: expected no other process at it, found process {owner}; try again when it has ended"
            ) from None
        with writing(path):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)
