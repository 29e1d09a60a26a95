"""A twin of an archive for point series: the same values in chunks that are long in time.

    <dataset>.series.zarr/
      zarr.json  latitude/  longitude/  time/     metadata and coordinates
      z500/c.0.3.5 ...                            a chunk holds all times of a few points
      series.jsonl                                identity of the archive it was made from, hash of each other file

An archive keeps whole fields together, so a series at one point reads all of it. The twin is derived data: it is made
again when the archive has changed or it is damaged, and is never read otherwise. Its manifest is one line with a hash.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_catalog.archive.chunks import ChunkReader, array_metadata, chunk_name, encode, group_metadata
from data_catalog.archive.header import Header
from data_catalog.archive.ledger import Ledger, StoredChunk
from data_catalog.archive.publication import METADATA, coordinate_files
from data_catalog.archive.reading import ArchivedChannel, places_of
from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.sources.archive_marks import heal_it
from data_catalog.storage.atomic_files import atomic_path
from data_catalog.storage.chained_lines import chained_lines, read_lines

_MANIFEST = "series.jsonl"
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
        described: Hash and size of each file of metadata and coordinates, likewise.
    """

    path: Path
    identity: str
    shape: tuple[int, ...]
    chunks: Mapping[str, StoredChunk]
    described: Mapping[str, StoredChunk]


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
            chunks[name] = _stored(new, name, content)
        described = {name: _stored(new, name, content) for name, content in _metadata(ledger, shape).items()}
        series = Series(twin, ledger.identity(), shape, chunks, described)
        _stored(new, _MANIFEST, chained_lines([_as_record(series)]))
    return series


def read_series(archive: Path, identity: str) -> Series:
    """Read what the twin of an archive holds.

    Args:
        archive: Directory of the archive.
        identity: Identity of the archive now.

    Raises:
        MissingDataError: There is no twin, or the archive has changed since it was made.
        InvalidDataError: Its manifest is damaged or lost.
    """
    series = _read_manifest(archive)
    if series.identity != identity:
        raise MissingDataError(
            f"{series.path}: expected a twin of the archive as it is, {identity[:12]}..., found one of "
            f"{series.identity[:12]}...; {_advice(archive)} again"
        )
    return series


def series_faults(archive: Path) -> tuple[str, ...]:
    """Read every file of the twin of an archive and return one line for each fault; nothing without a twin.

    Args:
        archive: Directory of the archive; whether it has changed since is not looked at.
    """
    if not series_path(archive).exists():
        return ()
    try:
        series = _read_manifest(archive)
    except InvalidDataError as error:
        return (str(error),)
    faults = []
    for name in (*series.chunks, *series.described):
        try:
            read_chunk(series, name)
        except InvalidDataError as error:
            faults.append(str(error))
    return tuple(faults)


def _read_manifest(archive: Path) -> Series:
    twin = series_path(archive)
    path = twin / _MANIFEST
    if not twin.exists():
        raise MissingDataError(f"{twin}: expected a twin for point series, found none; {_advice(archive)}")
    try:
        content = path.read_bytes()
        lines = read_lines(content, str(path))
        if len(lines.records) != 1 or lines.length != len(content):
            raise InvalidDataError(f"{path}: expected one whole line, found {len(content)} bytes")
        return _of_record(twin, lines.records[0])
    except OSError as error:
        raise InvalidDataError(
            f"{path}: expected a readable manifest, found {error.strerror}{heal_it(archive.stem)}"
        ) from None
    except (InvalidDataError, LookupError, TypeError, ValueError) as error:
        raise InvalidDataError(f"{error}{heal_it(archive.stem)}") from None


def _advice(archive: Path) -> str:
    return f"'plumecast archive rechunk {archive.stem}' makes it"


def _as_record(series: Series) -> dict[str, Any]:
    named = {"chunks": series.chunks, "described": series.described}
    listed = {kind: {name: [one.sha256, one.size] for name, one in files.items()} for kind, files in named.items()}
    return {"record": "series", "identity": series.identity, "shape": list(series.shape), **listed}


def _of_record(twin: Path, record: Mapping[str, Any]) -> Series:
    chunks, described = (
        {name: StoredChunk(*values) for name, values in record[kind].items()} for kind in ("chunks", "described")
    )
    return Series(twin, record["identity"], tuple(record["shape"]), chunks, described)


def _stored(new: Path, name: str, content: bytes) -> StoredChunk:
    (new / name).parent.mkdir(exist_ok=True)
    (new / name).write_bytes(content)
    return StoredChunk.of(content)


def read_chunk(series: Series, name: str) -> bytes:
    """Read a chunk of a twin, or a file of its metadata, and check it against its hash.

    Args:
        series: The twin.
        name: Path of the file below its directory.

    Raises:
        InvalidDataError: It is missing or changed.
    """
    path = series.path / name
    expected = series.chunks[name] if name in series.chunks else series.described[name]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidDataError(f"{path}: expected a file, found none ({error.strerror})") from None
    if StoredChunk.of(content) != expected:
        raise InvalidDataError(f"{path}: expected sha256 {expected.sha256[:12]}..., found another")
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


def _metadata(ledger: Ledger, shape: tuple[int, ...]) -> dict[str, bytes]:
    """Content of each file of metadata and coordinates, by name."""
    header, times = ledger.header, np.sort(ledger.arrival_times())
    files = dict(coordinate_files(header, times))
    for name in header.channels:
        attributes = tuple(sorted(header.field_attributes[name].items()))
        whole = (len(times), *header.field_shape)
        files[f"{name}/{METADATA}"] = array_metadata(whole, shape, "<f4", header.dims, attributes)
    members = {name: files[f"{name}/{METADATA}"] for name in (*header.dims, *header.channels)}
    return {**files, METADATA: group_metadata(header.attributes, members)}
