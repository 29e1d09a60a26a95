"""One process at a time: locks that vanish with the process that held them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_catalog.errors import MissingDataError

LOCK = ".lock"
"""Of a directory that one process at a time writes to."""


@contextmanager
def held(path: Path, what: str) -> Iterator[None]:
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
