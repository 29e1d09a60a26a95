"""A twin of an archive for point series: the same values in chunks that are long in time.

    <dataset>.series.zarr/
      zarr.json  latitude/  longitude/  time/     metadata and coordinates
      z500/c.0.3.5 ...                            a chunk holds all times of a few points
      series.json                                 identity of the archive it was made from, hash of each chunk

An archive keeps whole fields together, so a series at one point reads all of it. The twin is derived data: it is made
again when the archive has changed, and is never read otherwise.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from data_catalog.archive.chunks import ChunkReader, array_metadata, chunk_name, encode, group_metadata
from data_catalog.archive.header import Header
from data_catalog.archive.ledger import Ledger, StoredChunk
from data_catalog.archive.publication import METADATA, coordinate_files
from data_catalog.archive.reading import ArchivedChannel, places_of
from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.storage.atomic_files import atomic_path

_MANIFEST = "series.json"
_CHUNK_BYTES = 1024**2
_SLAB_BYTES = 256 * 1024**2
_EVERYWHERE = slice(None)


@dataclass(frozen=True)
class Series:
    """The twin of an archive.

    Attributes:
        path: Its directory.
        identity: Identity of the archive that it was made from.
        shape: Shape of a chunk, (time, [member,] latitude, longitude).
        chunks: Hash and size of each chunk by path below the directory.
    """

    path: Path
    identity: str
    shape: tuple[int, ...]
    chunks: Mapping[str, StoredChunk]


def series_path(archive: Path) -> Path:
    """Return where the twin of an archive lies.

    Args:
        archive: Directory of the archive.
    """
    return archive.with_name(f"{archive.stem}.series.zarr")


def make_series(archive: Path) -> Series:
    """Make the twin of an archive, in place of an older one, in bounded memory; every chunk that is read is checked.

    Args:
        archive: Directory of the archive, whose lock the caller holds.

    Raises:
        MissingDataError: There is no archive, or it has no time yet.
        InvalidDataError: A chunk of the archive is damaged.
    """
    ledger = Ledger.read(archive)
    if not ledger.count:
        raise MissingDataError(f"{archive}: expected at least one time, found none: ingest has not finished yet")
    shape = _chunk_shape(ledger.count, ledger.header)
    chunks: dict[str, StoredChunk] = {}
    twin = series_path(archive)
    with atomic_path(twin) as new:
        new.mkdir()
        for name, content in _chunks(archive, ledger, shape):
            (new / name).parent.mkdir(exist_ok=True)
            (new / name).write_bytes(content)
            chunks[name] = StoredChunk.of(content)
        _write_metadata(new, ledger, shape)
        listed = {name: [chunk.sha256, chunk.size] for name, chunk in chunks.items()}
        manifest = {"identity": ledger.identity(), "shape": shape, "chunks": listed}
        (new / _MANIFEST).write_text(json.dumps(manifest))
    return Series(twin, ledger.identity(), shape, chunks)


def read_series(archive: Path, identity: str) -> Series:
    """Read what the twin of an archive holds.

    Args:
        archive: Directory of the archive.
        identity: Identity of the archive now.

    Raises:
        MissingDataError: There is no twin, or the archive has changed since it was made.
        InvalidDataError: Its manifest is damaged.
    """
    twin, dataset = series_path(archive), archive.stem
    advice = f"'plumecast archive rechunk {dataset}' makes it"
    try:
        found = from_json((twin / _MANIFEST).read_bytes())
        chunks = {name: StoredChunk(*values) for name, values in found["chunks"].items()}
        series = Series(twin, found["identity"], tuple(found["shape"]), chunks)
    except FileNotFoundError:
        raise MissingDataError(f"{twin}: expected a twin for point series, found none; {advice}") from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InvalidDataError(f"{twin / _MANIFEST}: expected a readable manifest, found {error}; {advice}") from None
    if series.identity != identity:
        raise MissingDataError(
            f"{twin}: expected a twin of the archive as it is, {identity[:12]}..., found one of {series.identity[:12]}"
            f"...; {advice} again"
        )
    return series


def series_faults(archive: Path) -> tuple[str, ...]:
    """Read every chunk of the twin of an archive and return one line for each fault; nothing without a twin.

    Args:
        archive: Directory of the archive, which is sound.
    """
    if not series_path(archive).exists():
        return ()
    try:
        series = read_series(archive, Ledger.read(archive).identity())
    except (MissingDataError, InvalidDataError) as error:
        return (str(error),)
    faults = []
    for name in series.chunks:
        try:
            read_chunk(series, name)
        except InvalidDataError as error:
            faults.append(str(error))
    return tuple(faults)


def read_chunk(series: Series, name: str) -> bytes:
    """Read a chunk of a twin and check it against its hash.

    Args:
        series: The twin.
        name: Path of the chunk below its directory.

    Raises:
        InvalidDataError: It is missing or changed.
    """
    path = series.path / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidDataError(f"{path}: expected a chunk file, found none ({error.strerror})") from None
    if StoredChunk.of(content) != series.chunks[name]:
        raise InvalidDataError(f"{path}: expected sha256 {series.chunks[name].sha256[:12]}..., found another")
    return content


def _chunk_shape(count: int, header: Header) -> tuple[int, ...]:
    """All times of a square of points, of about 1 MiB."""
    members = max(1, len(header.members))
    side = max(1, math.isqrt(_CHUNK_BYTES // (4 * count * members)))
    tile = (min(side, header.latitude.size), min(side, header.longitude.size))
    return (count, *((members,) if header.members else ()), *tile)


def _chunks(archive: Path, ledger: Ledger, shape: tuple[int, ...]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each chunk; the archive is read once for each slab of rows that fits in memory."""
    header, places, reader = ledger.header, places_of(ledger), ChunkReader(archive, ledger)
    rows_at_once = max(1, _SLAB_BYTES // (4 * math.prod(shape[:-2]) * header.longitude.size * shape[-2])) * shape[-2]
    for name in header.channels:
        channel = ArchivedChannel(reader, name, places)
        for first in range(0, header.latitude.size, rows_at_once):
            slab = _read_slab(channel, slice(first, min(first + rows_at_once, header.latitude.size)), header)
            yield from _cut(name, slab, first // shape[-2], shape)


def _read_slab(channel: ArchivedChannel, rows: slice, header: Header) -> NDArray[np.float32]:
    """Read some rows of all times of a channel, a block at a time."""
    count = channel.shape[0]
    slab = np.empty((count, *channel.shape[1:-2], rows.stop - rows.start, channel.shape[-1]), np.float32)
    between = [_EVERYWHERE] * (len(channel.shape) - 3)
    for start in range(0, count, header.times_per_block):
        times = slice(start, min(start + header.times_per_block, count))
        slab[times] = channel[(times, *between, rows, _EVERYWHERE)]
    return slab


def _cut(name: str, slab: NDArray[np.float32], first_tile: int, shape: tuple[int, ...]) -> Iterator[tuple[str, bytes]]:
    height, width = shape[-2:]
    tiles = product(range(0, slab.shape[-2], height), range(0, slab.shape[-1], width))
    for row, column in tiles:
        part = slab[..., row : row + height, column : column + width]
        whole = np.full(shape, np.nan, "<f4")
        whole[..., : part.shape[-2], : part.shape[-1]] = part
        yield f"{name}/{tile_name(len(shape), first_tile + row // height, column // width)}", encode(whole)


def tile_name(dims: int, row: int, column: int) -> str:
    """File name of a chunk of a twin, within the directory of its array.

    Args:
        dims: Number of dimensions of the array.
        row: Index of the chunk along latitude.
        column: Index of the chunk along longitude.
    """
    return ".".join([chunk_name(dims - 2), str(row), str(column)])


def _write_metadata(new: Path, ledger: Ledger, shape: tuple[int, ...]) -> None:
    header, times = ledger.header, np.sort(ledger.arrival_times())
    files = dict(coordinate_files(header, times))
    for name in header.channels:
        attributes = tuple(sorted(header.field_attributes[name].items()))
        whole = (len(times), *header.field_shape)
        files[f"{name}/{METADATA}"] = array_metadata(whole, shape, "<f4", header.dims, attributes)
    members = {name: files[f"{name}/{METADATA}"] for name in (*header.dims, *header.channels)}
    files[METADATA] = group_metadata(header.attributes, members)
    for name, content in files.items():
        (new / name).parent.mkdir(exist_ok=True)
        (new / name).write_bytes(content)
