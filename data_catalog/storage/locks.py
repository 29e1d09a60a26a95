"""The one lock: a file that one process at a time holds, and that names its holder.

The kernel releases it when its holder ends, however it ends, so a lock file that was left behind locks nothing.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_catalog.errors import MissingDataError
from data_catalog.storage.atomic_files import disk_errors

LOCK = ".lock"
"""Name of the lock file inside a directory that one process at a time may write to."""


@contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Hold a lock while the block runs.

    Args:
        path: Lock file, made where it is missing, as are its parents; the file stays behind, the lock does not.
        what: What is locked, to begin the error with.

    Raises:
        MissingDataError: Another process holds the lock: try later.
        ConfigurationError: The lock file cannot be written.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _take(descriptor, fcntl.LOCK_EX):
            holder = os.pread(descriptor, 100, 0).decode(errors="replace").strip() or "unknown"
            raise MissingDataError(
                f"{what}: expected no other process at work on it, found process {holder}; try again when it has ended"
            )
        _sign(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Return whether a living process holds the lock.

    Args:
        path: Lock file; a missing one is not held.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two processes that ask at once do not take each other for the holder.
        return not _take(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _sign(descriptor: int, path: Path) -> None:
    """Write this process's id into the lock file."""
    with disk_errors(path):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def _take(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
