"""File locks, held by one process at a time; the lock file names the process that holds it.

The kernel releases a lock when its process ends, however it ends, so a lock file that is left behind locks nothing.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_catalog.errors import UnreachableError
from data_catalog.storage.atomic_files import disk_errors

LOCK = ".lock"
"""Name of the lock file in a directory that only one process at a time may write to."""
_PAUSE_SECONDS = 0.05


@contextmanager
def lock(path: Path, what: str, *, patience_seconds: float = 0.0) -> Iterator[None]:
    """Hold a lock while the block runs.

    Args:
        path: Lock file; it and its parents are created if missing. The file remains after the lock is released, unless
            its holder removes it.
        what: Name of the locked thing; the error starts with it.
        patience_seconds: How long to wait for another process to release the lock.

    Raises:
        UnreachableError: Another process holds the lock; try again later.
        ConfigurationError: The lock file cannot be written.
    """
    descriptor = _acquired(path, what, time.monotonic() + patience_seconds)
    try:
        _write_holder(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Return whether a running process holds the lock.

    Args:
        path: Lock file; if it does not exist, the lock is not held.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # A shared lock, so that two processes asking at once do not mistake each other for the holder.
        return not _try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _acquired(path: Path, what: str, deadline: float) -> int:
    """Return the descriptor of the lock file once the lock is ours."""
    while True:
        descriptor = _open(path)
        mine = _try_lock(descriptor, fcntl.LOCK_EX)
        if mine and _is_at(descriptor, path):
            return descriptor
        holder = os.pread(descriptor, 100, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        if mine:
            continue
        if time.monotonic() >= deadline:
            raise UnreachableError(
                f"{what}: expected no other process working on it, found process {holder}; try again later"
            )
        time.sleep(_PAUSE_SECONDS)


def _open(path: Path) -> int:
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open lock file still has its name: an earlier holder may have removed it meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _write_holder(descriptor: int, path: Path) -> None:
    """Write the id of this process into the lock file."""
    with disk_errors(path):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
