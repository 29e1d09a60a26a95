"""TODO: data_catalog/storage/locks.py."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_catalog.errors import MissingDataError
from data_catalog.storage.atomic_files import writing


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


LOCK = ".lock"
"""Of a directory that one process at a time writes to."""


@contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Hold a lock while the block runs.

    Args:
        path: The lock's file, made if absent; it stays behind, the lock does not.
        what: What is being locked, for the message.

    Raises:
        MissingDataError: Another process holds it: try later.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        if not _take(file.fileno()):
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise MissingDataError(f"{what}: expected nobody at work on it, found process {holder}; try later")
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock."""
    if not path.exists():
        return False
    with path.open("r", encoding="utf-8") as file:
        return not _take(file.fileno())


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
