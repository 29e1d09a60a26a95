"""Opens GRIB files: found by their first bytes, looked through once, read lazily."""

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import xarray as xr

from data_catalog.sources.grib.decoding import Bytes, StoredField
from data_catalog.sources.grib.fields import GribField
from data_catalog.sources.grib.hypercubes import arrange
from data_catalog.sources.grib.library import check_installed, open_message
from data_catalog.sources.grib.messages import find_fields
from data_catalog.sources.locations import Location
from data_catalog.sources.remote_files import RangedFile, RemoteFile, Version
from data_catalog.storage.patience import ask, patience_for

SUFFIXES = frozenset({".grib", ".grb", ".grib1", ".grb1", ".grib2", ".grb2", ".gb2", ".gb1"})
_FILES_KEPT = 64


@dataclass(frozen=True)
class LocalBytes:
    """A file on disk.

    Attributes:
        name: Its path.
    """

    name: str

    def read(self, start: int, length: int) -> bytes:
        """Return some of its bytes, or fewer where it ends.

        Args:
            start: First byte.
            length: Number of bytes.
        """
        with Path(self.name).open("rb") as file:
            file.seek(start)
            return file.read(length)


def is_grib(path: Path) -> bool:
    """Return whether a path is a GRIB file, by its first bytes, or by its name where others stand before them.

    Args:
        path: Local path.
    """
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(4)
    return start == b"GRIB" or (path.suffix.lower() in SUFFIXES and bool(start))


def open_grib(place: Location, *, forecast: bool = False) -> list[xr.Dataset]:
    """Open a GRIB file lazily; nothing is written beside it.

    Args:
        place: Path or URL of a file of either edition or both. Of one at a URL only headers are fetched, and later the
            messages that are wanted.
        forecast: Whether a forecast is wanted, where the file holds analyses and forecasts of a field.

    Returns:
        Datasets as `arrange` makes them.

    Raises:
        ConfigurationError: ecCodes is not installed.
        InvalidDataError: A message is damaged, or fields have no place; names the field.
        MissingDataError: The URL cannot be reached.
    """
    check_installed(str(place))
    stored = _remote_fields(place) if isinstance(place, str) else _local_fields(place)
    return arrange(stored, str(place), forecast=forecast)


def _local_fields(path: Path) -> tuple[StoredField, ...]:
    state = path.stat()
    return _local_fields_of(path, state.st_size, state.st_mtime_ns)


@lru_cache(_FILES_KEPT)
def _local_fields_of(path: Path, _size: int, _changed_ns: int) -> tuple[StoredField, ...]:
    """The fields of a file; a file that changes is looked through again."""
    with path.open("rb") as file:
        return _fields_of(file, LocalBytes(str(path)))


def _remote_fields(url: str) -> tuple[StoredField, ...]:
    file = RemoteFile.at(url)
    return ask(lambda: _remote_fields_of(file, file.version()), patience_for(url), url)


@lru_cache(_FILES_KEPT)
def _remote_fields_of(file: RemoteFile, version: Version) -> tuple[StoredField, ...]:
    """The fields of a file; a file that changes is looked through again."""
    return _fields_of(io.BufferedReader(RangedFile(file, version), 1), file)


def _fields_of(file: BinaryIO, source: Bytes) -> tuple[StoredField, ...]:
    fields = []
    for place, header in find_fields(file, source.name):
        what = f"{source.name}: message at byte {place.start}"
        with open_message(header, what) as message:
            fields.append(StoredField(GribField.of(message, what), place, source))
    return tuple(fields)
