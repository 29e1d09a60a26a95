"""Atomic, durable file writes: a file is either complete and on disk, or absent."""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from data_catalog.errors import ConfigurationError, FullDiskError
from data_catalog.storage.disks import FULL_BYTES, FULL_DISK_NUMBERS, free_bytes, mount_of
from data_catalog.storage.exchange import exchange

PARTIAL_SUFFIX = ".partial"
"""Suffix of the temporary name of an incomplete file or directory."""
_DISK_FAULTS = {
    errno.ENOSPC: "a full disk",
    errno.EDQUOT: "a full quota",
    errno.EFBIG: "a limit on the size of files",
    errno.EROFS: "a read-only file system",
    errno.EACCES: "no permission to write",
    errno.EPERM: "no permission to write",
    errno.ENOTDIR: "a file where a directory should be",
}


@contextmanager
def atomic_path(path: Path, *, aside: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path, and rename it to `path` when the block ends without an exception.

    The temporary name is always the same, so the next process overwrites what a killed one left behind; two processes
    must not write the same `path` at once. The content reaches the disk before the rename, and what exists there
    stays as it was until then. Directories are swapped in one step, on file systems that can do so.

    Args:
        path: File or directory to create or replace; a missing parent is created.
        aside: Directory on the same file system for the temporary file; None puts it beside `path`, hidden.

    Yields:
        The temporary path, where the caller writes a file or creates a directory.

    Raises:
        ConfigurationError: `path` cannot be written.
    """
    partial = path.with_name(f".{path.name}{PARTIAL_SUFFIX}")
    if aside is not None:
        partial = aside / f"{path.parent.name}-{path.name}{PARTIAL_SUFFIX}"
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.parent.mkdir(exist_ok=True)
        _remove(partial)
    try:
        yield partial
        with disk_errors(path):
            _synchronise_tree(partial)
            _put_in_place(partial, path)
            synchronise(path.parent)
        with suppress(OSError):
            _remove(partial)  # a directory that was there before, if names were swapped
    except BaseException:
        with suppress(OSError):
            _remove(partial)
        raise


def write_durably(path: Path, content: bytes | str, *, aside: Path | None = None) -> Path:
    """Write a file atomically: at any moment it holds either the old or the new content.

    Args:
        path: File to create or replace; a missing parent is created.
        content: Whole content; text is encoded as UTF-8.
        aside: Directory on the same file system for the temporary file; None puts it beside `path`, hidden.

    Returns:
        `path`.

    Raises:
        ConfigurationError: `path` cannot be written.
    """
    with atomic_path(path, aside=aside) as partial, disk_errors(path):
        partial.write_bytes(_as_bytes(content))
    return path


def write_aside(path: Path, content: bytes, *, aside: Path) -> Path:
    """Write the content of a file under a temporary name of its own, and wait until it is on disk.

    Any number of threads, processes and machines may do so at once, even for the same `path`.

    Args:
        path: The file that it is meant for, which is left as it is; names the temporary file.
        content: Whole content.
        aside: Directory on the same file system for the temporary file; created if missing.

    Returns:
        The temporary path, for `move_durably`.

    Raises:
        ConfigurationError: It cannot be written.
    """
    partial = aside / f"{path.parent.name}-{path.name}.{uuid.uuid4().hex}{PARTIAL_SUFFIX}"
    with disk_errors(path):
        aside.mkdir(exist_ok=True)
        partial.write_bytes(content)
        synchronise(partial)
    return partial


def move_durably(moves: Mapping[Path, Path]) -> None:
    """Give files that are on disk their final names, and wait until these are on disk too.

    Args:
        moves: Final path of each temporary path from `write_aside`; existing files are replaced.

    Raises:
        ConfigurationError: A final path cannot be written.
    """
    for partial, path in moves.items():
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.replace(path)
    for directory in dict.fromkeys(path.parent for path in moves.values()):
        with disk_errors(directory / "."):
            synchronise(directory)


def create_durably(path: Path, content: bytes | str) -> None:
    """Write a file that must not exist yet; if several processes try at once, exactly one succeeds.

    Args:
        path: File to create; a missing parent is created.
        content: Whole content; text is encoded as UTF-8.

    Raises:
        FileExistsError: The file exists already; it is left unchanged.
        ConfigurationError: `path` cannot be written.
    """
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}{PARTIAL_SUFFIX}")
    try:
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(_as_bytes(content))
            synchronise(partial)
            is_new = _link(partial, path)
        if not is_new:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    finally:
        with suppress(OSError):
            _remove(partial)


def append_durably(path: Path, content: bytes, *, after: int) -> None:
    """Append to a file and wait until the bytes are on disk.

    Args:
        path: Existing file.
        content: Bytes to append.
        after: Number of bytes to keep; anything beyond them, left by an interrupted write, is truncated first.

    Raises:
        ConfigurationError: `path` cannot be written.
    """
    with disk_errors(path), path.open("r+b") as file:
        file.truncate(after)
        file.seek(after)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn write errors of the system or the NetCDF library into a one-line error.

    Args:
        path: File being written; the error starts with it.

    Raises:
        FullDiskError: There is no room.
        ConfigurationError: The block raised OSError or RuntimeError; the NetCDF library reports failed writes as
            RuntimeError.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        number, mount, free = getattr(error, "errno", None) or 0, mount_of(path.parent), free_bytes(path.parent)
        fault = _DISK_FAULTS.get(number, str(error))
        line = f"{path}: expected to be able to write, found {fault}; {free / 2**20:.0f} MiB are free on {mount}"
        if number in FULL_DISK_NUMBERS or (not number and free < FULL_BYTES):
            raise FullDiskError(line, mount) from error
        raise ConfigurationError(line) from error


def synchronise(path: Path) -> None:
    """Wait until the content of a file, or the entries of a directory, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_in_place(partial: Path, path: Path) -> None:
    """Give a file or directory its final name; a directory that it replaces may have the temporary name then."""
    if partial.is_dir() and path.is_dir():
        if exchange(partial, path):
            return
        _remove(path)
    partial.replace(path)


def _link(partial: Path, path: Path) -> bool:
    """Link a file to its final name; return False if the name is taken."""
    try:
        path.hardlink_to(partial)
    except FileExistsError:
        return False
    synchronise(path.parent)
    return True


def _synchronise_tree(path: Path) -> None:
    if path.is_dir():
        for inside in path.rglob("*"):
            synchronise(inside)
    synchronise(path)


def _remove(path: Path) -> None:
    """Remove a file or a directory tree, if it exists."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _as_bytes(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content
