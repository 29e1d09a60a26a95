"""Files that are either whole and on disk, or not there at all."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_catalog.errors import ConfigurationError

PARTIAL_SUFFIX = ".partial"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Lend a temporary name beside `path`, and give it the final name once the block has ended without an exception.

    The temporary name is hidden and always the same, so that what a killed process left is overwritten by the next one.
    The content reaches the disk before the name does. An existing `path` is replaced only at the very end.

    Args:
        path: File, or directory that does not exist yet; its parent is made when it is missing.

    Yields:
        The temporary path, to be filled by the caller.

    Raises:
        ConfigurationError: The place cannot be written.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_path(path)
        remove(partial)
    try:
        yield partial
        with disk_errors(path):
            synchronise(partial)
            partial.replace(path)
            synchronise(path.parent)
    except BaseException:
        remove(partial)
        raise


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the system or the NetCDF library says of a full, read-only or forbidden disk into one line of ours.

    Raises:
        ConfigurationError: `path` cannot be written.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        place = next(parent for parent in path.resolve().parents if parent.exists())
        free_mib = shutil.disk_usage(place).free / 2**20
        raise ConfigurationError(f"{path}: cannot be written ({error}); {free_mib:.0f} MiB are free there") from error


def partial_path(path: Path) -> Path:
    """Name under which `path` is written until it is whole."""
    return path.with_name(f".{path.name}{PARTIAL_SUFFIX}")


def remove(path: Path) -> None:
    """Remove a file or a directory tree; nothing happens when there is none."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def synchronise(path: Path) -> None:
    """Wait until a file's content, or a directory's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
