"""Reads a small file whole, once it is known to be a file and not too large: what lies there may be anything."""

import stat
from pathlib import Path

from data_catalog.errors import InvalidDataError

MOST_BYTES = 64 << 20
"""Largest JSON or TOML file that is read; true ones take kilobytes."""


def read_small(path: Path, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the content of a file.

    Args:
        path: The file.
        most_bytes: Largest size.

    Raises:
        FileNotFoundError: There is none.
        InvalidDataError: It is no regular file, is larger, or cannot be read.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            what = "a directory" if stat.S_ISDIR(status.st_mode) else "a device, socket or pipe"
            raise InvalidDataError(f"{path}: expected a file, found {what}")
        if status.st_size > most_bytes:
            raise InvalidDataError(f"{path}: expected at most {most_bytes} bytes, found {status.st_size}")
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InvalidDataError(f"{path}: expected a file that can be read, found {error.strerror}") from None
