"""Swap two directories in one step of the file system, so that a name never stands for nothing."""

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

_WORKING_DIRECTORY = -100  # AT_FDCWD
_LINUX_EXCHANGE = 2  # RENAME_EXCHANGE
_MACOS_SWAP = 2  # RENAME_SWAP
_CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


def exchange(first: Path, second: Path) -> bool:
    """Swap the names of two existing files or directories of one file system, atomically.

    Args:
        first: One of them.
        second: The other one.

    Returns:
        Whether they were swapped: False where the system or the file system cannot, and nothing has changed.

    Raises:
        OSError: One of them is absent or may not be renamed.

    Source: renameat2(2) of Linux, renamex_np(2) of macOS
    """
    call = _system_call()
    if call is None:
        return False
    if call(os.fsencode(first), os.fsencode(second)) == 0:
        return True
    error = ctypes.get_errno()
    if error in _CANNOT:
        return False
    raise OSError(error, os.strerror(error), str(first), None, str(second))


def _system_call() -> Callable[[bytes, bytes], int] | None:
    """The call that swaps two paths and returns 0, of this system's C library; None if it has none."""
    library = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    if sys.platform == "darwin":
        swap = getattr(library, "renamex_np", None)
        return None if swap is None else lambda first, second: int(swap(first, second, _MACOS_SWAP))
    rename = getattr(library, "renameat2", None)
    if rename is None:
        return None
    here = _WORKING_DIRECTORY
    return lambda first, second: int(rename(here, first, here, second, _LINUX_EXCHANGE))
