"""The directory of an archive: a Zarr v3 group that any reader can open, and the ledger that Plumecast relies on.

    <dataset>.zarr/
      zarr.json  latitude/  longitude/  time/     metadata and coordinates
      z500/c.0.0.0 ...                            one array per channel, (time, latitude, longitude)
      orography/c.0.0                             channels without time
      ledger.jsonl  ledger.copy.jsonl             what has been committed, twice

Times are stored in the order of arrival.
"""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_catalog.archive.chunks import UNFINISHED, chunk_name, encode
from data_catalog.archive.header import Header
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.publication import publish
from data_catalog.errors import ConfigurationError
from data_catalog.sources.archive_marks import LEDGER_NAME
from data_catalog.storage.atomic_files import atomic_path, write_durably
from data_catalog.storage.chained_lines import chained_lines


def lock_path(archive: Path) -> Path:
    """Path of the lock file, which is beside the archive."""
    return archive.with_name(f"{archive.name}.lock")


def unfinished_files(archive: Path) -> Path:
    """Directory for temporary files of an archive."""
    return archive / UNFINISHED


def create(archive: Path, header: Header, static: Mapping[str, NDArray[np.float32]]) -> Ledger:
    """Create an archive without times, atomically.

    Args:
        archive: Directory to create.
        header: The fixed properties of the archive.
        static: Channels without time, (latitude, longitude), by name.

    Raises:
        ConfigurationError: The path exists and is not an archive, or the disk cannot be written.
    """
    if archive.exists():
        raise ConfigurationError(f"{archive}: expected an archive or nothing, found something without {LEDGER_NAME}")
    with atomic_path(archive) as new:
        new.mkdir()
        for name, field in static.items():
            write_static(new, name, field)
        publish(new, start_ledger(new, header))
    return Ledger.read(archive)


def start_ledger(archive: Path, header: Header) -> Ledger:
    """Write a ledger without times, in place of any other.

    Args:
        archive: Directory of the archive.
        header: The fixed properties of the archive.
    """
    write_durably(archive / LEDGER_NAME, chained_lines([header.as_record()]), aside=unfinished_files(archive))
    return Ledger.read(archive)


def write_static(archive: Path, name: str, values: NDArray[np.float32]) -> None:
    """Write the values of a channel without time.

    Args:
        archive: Directory of the archive.
        name: Name of the channel.
        values: Field (latitude, longitude).
    """
    write_durably(static_path(archive, name), encode(values), aside=unfinished_files(archive))


def clean(archive: Path) -> None:
    """Remove the temporary files that a killed process left behind.

    Args:
        archive: Directory of the archive.
    """
    shutil.rmtree(unfinished_files(archive), ignore_errors=True)


def static_digest(values: NDArray[np.float32]) -> str:
    """SHA-256 of the values of a field without time."""
    return hashlib.sha256(np.ascontiguousarray(values, "<f4").tobytes()).hexdigest()


def static_path(archive: Path, name: str) -> Path:
    """Chunk file of a field without time."""
    return archive / static_file(name)


def static_file(name: str) -> str:
    """Name of the chunk file of a field without time, within its archive."""
    return f"{name}/{chunk_name(2)}"
