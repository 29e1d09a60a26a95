"""Which disk a path lies on, and whether it is full."""

import errno
import shutil
from pathlib import Path

from data_catalog.errors import FullDiskError

FULL_BYTES = 1_000_000
"""A disk with less free is full: libraries that fail to write leave a little behind."""
FULL_DISK_NUMBERS = frozenset({errno.ENOSPC, errno.EDQUOT})


def mount_of(path: Path) -> Path:
    """Return the directory at which the disk of a path is mounted.

    Args:
        path: Any path; it need not exist.
    """
    place = existing(path)
    while not place.is_mount() and place != place.parent:
        place = place.parent
    return place


def existing(path: Path) -> Path:
    """Return a path, links resolved, or the nearest of its parents that exists."""
    resolved = path.absolute().resolve()
    return next(place for place in (resolved, *resolved.parents) if place.exists())


def free_bytes(path: Path) -> int:
    """Return the number of bytes that are free on the disk of a path."""
    return shutil.disk_usage(existing(path)).free


def as_full_disk(error: BaseException, place: Path) -> FullDiskError | None:
    """Return an error as that of a full disk; None if it has another cause.

    Args:
        error: What was raised.
        place: Where something was being written, for an error that does not say so.
    """
    if isinstance(error, FullDiskError):
        return error
    if not isinstance(error, OSError) or error.errno not in FULL_DISK_NUMBERS:
        return None
    path = Path(error.filename) if isinstance(error.filename, str) else place
    mount = mount_of(path)
    return FullDiskError(f"{path}: expected room on the disk of {mount}, found it full ({error.strerror})", mount)
