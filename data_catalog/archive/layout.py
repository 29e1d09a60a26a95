"""The directory of an archive: a Zarr v3 group that any reader can open, and the ledger that Plumecast relies on.

    <dataset>.zarr/
      zarr.json  latitude/  longitude/  time/     metadata and coordinates
      z500/c.0.0.0 ...                            one array per channel, (time, latitude, longitude)
      orography/c.0.0                             channels without time
      ledger.jsonl                                what has been committed

Times are stored in the order of arrival. Array shapes and the time coordinate are published after the ledger is
updated, so other readers may see an older state for a moment, but never a time without values.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_catalog.archive.chunks import array_metadata, chunk_name, encode, group_metadata
from data_catalog.archive.ledger import LEDGER_NAME, Header, Ledger, ledger_line
from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.coordinates import LATITUDE_ATTRIBUTES, LONGITUDE_ATTRIBUTES
from data_catalog.storage.atomic_files import atomic_path, write_durably

_METADATA = "zarr.json"
_UNFINISHED = ".unfinished"
_TIME_ATTRIBUTES = {
    "standard_name": "time",
    "axis": "T",
    "units": "seconds since 1970-01-01",
    "calendar": "proleptic_gregorian",
}


def lock_path(archive: Path) -> Path:
    """Path of the lock file, which is beside the archive."""
    return archive.with_name(f"{archive.name}.lock")


def unfinished_files(archive: Path) -> Path:
    """Directory for temporary files of an archive."""
    return archive / _UNFINISHED


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
        _write_array(new, "latitude", header.latitude, ("latitude",), LATITUDE_ATTRIBUTES)
        _write_array(new, "longitude", header.longitude, ("longitude",), LONGITUDE_ATTRIBUTES)
        for name, field in static.items():
            _write_array(new, name, field, ("latitude", "longitude"), header.field_attributes[name])
        _write(new, LEDGER_NAME, ledger_line(header.as_record()))
        _publish(new, header, np.array([], "datetime64[ns]"))
    return Ledger.read(archive)


def clean(archive: Path) -> None:
    """Remove the temporary files that a killed process left behind.

    Args:
        archive: Directory of the archive.
    """
    shutil.rmtree(unfinished_files(archive), ignore_errors=True)


def publish(archive: Path, ledger: Ledger) -> None:
    """Publish the committed times to other Zarr readers; write nothing if they are published already.

    Args:
        archive: Directory of the archive.
        ledger: Ledger of that archive.
    """
    _publish(archive, ledger.header, ledger.arrival_times())


def _publish(archive: Path, header: Header, times: NDArray[np.datetime64]) -> None:
    shape = (header.latitude.size, header.longitude.size)
    block = header.times_per_block
    for name in header.channels:
        attributes = tuple(sorted(header.field_attributes[name].items()))
        dims = ("time", "latitude", "longitude")
        description = array_metadata((len(times), *shape), (block, *shape), "<f4", dims, attributes)
        _write_if_new(archive, f"{name}/{_METADATA}", description)
    # With one chunk, padded to a power of two, the coordinate is a single file that is replaced atomically.
    room = 1 << max(10, int(len(times) - 1).bit_length() if len(times) else 0)
    seconds = np.zeros(room, np.int64)
    seconds[: len(times)] = times.astype("datetime64[s]").astype(np.int64)
    description = array_metadata((len(times),), (room,), "<i8", ("time",), tuple(sorted(_TIME_ATTRIBUTES.items())))
    _write_if_new(archive, f"time/{chunk_name(1)}", encode(seconds))
    _write_if_new(archive, f"time/{_METADATA}", description)
    arrays = ("time", "latitude", "longitude", *header.channels, *header.static)
    members = {name: (archive / name / _METADATA).read_bytes() for name in arrays}
    _write_if_new(archive, _METADATA, group_metadata(header.attributes, members))


def check_published(archive: Path, ledger: Ledger) -> None:
    """Check that the ledger holds all published times; if it does not, its last lines were lost.

    Args:
        archive: Directory of the archive.
        ledger: Ledger of that archive.

    Raises:
        InvalidDataError: The ledger holds fewer times.
    """
    try:
        shown = int(json.loads((archive / "time" / _METADATA).read_bytes())["shape"][0])
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InvalidDataError(
            f"{archive}/time/{_METADATA}: expected the metadata of a Zarr array, found none"
        ) from error
    if shown > ledger.count:
        raise InvalidDataError(f"{ledger.path}: expected {shown} times, found {ledger.count}: its last lines are lost")


def static_digest(values: NDArray[np.float32]) -> str:
    """SHA-256 of the values of a field without time."""
    return hashlib.sha256(np.ascontiguousarray(values, "<f4").tobytes()).hexdigest()


def static_path(archive: Path, name: str) -> Path:
    """Chunk file of a field without time."""
    return archive / name / chunk_name(2)


def _write_array(
    archive: Path, name: str, values: NDArray[np.floating], dims: tuple[str, ...], attributes: Mapping[str, str]
) -> None:
    described = array_metadata(values.shape, values.shape, values.dtype.str, dims, tuple(sorted(attributes.items())))
    _write(archive, f"{name}/{_METADATA}", described)
    _write(archive, f"{name}/{chunk_name(values.ndim)}", encode(values))


def _write_if_new(archive: Path, name: str, content: bytes) -> None:
    path = archive / name
    if not path.exists() or path.read_bytes() != content:
        _write(archive, name, content)


def _write(archive: Path, name: str, content: bytes) -> None:
    write_durably(archive / name, content, aside=unfinished_files(archive))
