"""Chunks of an archive: encoding and decoding, and the metadata that any Zarr reader needs.

Chunks are compressed with Zstandard after a byte shuffle and end in a crc32c checksum, byte for byte as Zarr's own
codecs write them. They are packed and unpacked without Zarr, whose event loop serialises threads.
"""

import json
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import google_crc32c
import numpy as np
import zarr
from numcodecs import blosc
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.storage import MemoryStore

from data_catalog.archive.ledger import Block, Ledger
from data_catalog.archive.remote_chunks import bring, home_of
from data_catalog.errors import InvalidDataError
from data_catalog.storage.object_path import AnyPath, ObjectPath

_BLOCK_BYTES = 1024**2
_MOST_TIMES_PER_BLOCK = 256
_METADATA = "zarr.json"
SUPERSEDED = "superseded"
"""Folder of a copy of an archive for what is being replaced."""
UNFINISHED = ".unfinished"
"""Directory for temporary files of an archive."""
_COMPRESSOR: Literal["zstd"] = "zstd"
_LEVEL = 3
_CHECKSUM_BYTES = 4
_SIZE_IN_HEADER = slice(4, 8)
"""Where the header of Blosc says how many bytes the values have."""
# With threads of its own, Blosc would write the parts of a chunk in the order in which these finish.
blosc.use_threads = False


def times_per_block(points: int) -> int:
    """Number of times in a chunk: as many as make about 1 MB on small grids, one on large grids.

    Args:
        points: Number of points of the grid.
    """
    return max(1, min(_MOST_TIMES_PER_BLOCK, _BLOCK_BYTES // (4 * points)))


def chunk_name(dims: int, block: int = 0) -> str:
    """File name of a chunk, within the directory of its array.

    Args:
        dims: Number of dimensions of the array.
        block: Index of the chunk along the first dimension.
    """
    return ".".join(["c", str(block), *["0"] * (dims - 1)])


def encode(values: NDArray[Any]) -> bytes:
    """Encode an array as the bytes of one chunk.

    Args:
        values: All values of the chunk, at least one.
    """
    plain = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    packed: bytes = blosc.compress(plain, _COMPRESSOR.encode(), _LEVEL, blosc.SHUFFLE, typesize=plain.itemsize)
    return packed + _checksum(packed)


def decode(content: bytes, shape: Sequence[int]) -> NDArray[np.float32]:
    """Decode the bytes of one chunk to its float32 array.

    Args:
        content: Bytes of the chunk, as returned by `encode`.
        shape: Shape of the chunk.

    Raises:
        ValueError: The bytes do not decode to a chunk of this shape.
    """
    return decode_as(content, shape, "<f4")


def decode_as(content: bytes, shape: Sequence[int], dtype: str) -> NDArray[Any]:
    """Decode the bytes of one chunk to an array of any type.

    Args:
        content: Bytes of the chunk, as returned by `encode`.
        shape: Shape of the chunk.
        dtype: Type of the values, such as `<i8`.

    Raises:
        ValueError: The bytes do not decode to a chunk of this shape and type.
    """
    values = np.empty(tuple(shape), np.dtype(dtype))
    packed = content[:-_CHECKSUM_BYTES]
    try:
        if _checksum(packed) != content[-_CHECKSUM_BYTES:]:
            raise ValueError("another checksum (crc32c)")
        size = int.from_bytes(packed[_SIZE_IN_HEADER], "little")
        if size != values.nbytes:
            raise ValueError(f"expected {values.nbytes} bytes of values, found {size}")
        blosc.decompress(packed, values)
    except MemoryError:
        raise
    except Exception as error:  # each codec has errors of its own
        raise ValueError(f"chunk of {len(content)} bytes: expected {dtype} of shape {tuple(shape)}: {error}") from error
    return values


def _checksum(packed: bytes) -> bytes:
    value: int = google_crc32c.value(packed)
    return value.to_bytes(_CHECKSUM_BYTES, "little")


@lru_cache(maxsize=64)
def array_metadata(
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    dtype: str,
    dims: tuple[str, ...] | None = None,
    attributes: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """The `zarr.json` of an array."""
    store: dict[str, Any] = {}
    _create(store, shape, chunks, np.dtype(dtype), dims, dict(attributes))
    return bytes(store[_METADATA].to_bytes())


def group_metadata(attributes: Mapping[str, str], members: Mapping[str, bytes]) -> bytes:
    """The `zarr.json` of a group, which includes those of its arrays, so that readers open one file and see one state.

    Args:
        attributes: Attributes of the group.
        members: The `zarr.json` of each array, by name of the array.
    """
    metadata = {name: json.loads(description) for name, description in members.items()}
    description = {
        "attributes": dict(attributes),
        "zarr_format": 3,
        "node_type": "group",
        "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": metadata},
    }
    return json.dumps(description, indent=1).encode()


def _create(
    store: dict[str, Any],
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    dtype: np.dtype[Any],
    dims: tuple[str, ...] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Any:
    return zarr.create_array(
        MemoryStore(store),
        shape=shape,
        chunks=chunks,
        dtype=dtype,
        fill_value=np.nan if dtype.kind == "f" else 0,
        filters=None,
        compressors=[
            BloscCodec(cname=_COMPRESSOR, clevel=_LEVEL, shuffle="shuffle", typesize=dtype.itemsize),
            Crc32cCodec(),
        ],
        chunk_key_encoding={"name": "default", "separator": "."},
        dimension_names=dims,
        attributes=dict(attributes or {}),
        # Chunks that hold only the fill value are stored too, so a missing file always means lost data.
        config={"write_empty_chunks": True},
    )


class _RecentChunks:
    """Cache of recently read chunks: readers often go through single times of all channels one after the other."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._chunks: OrderedDict[Hashable, NDArray[Any]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> NDArray[Any] | None:
        with self._lock:
            if key in self._chunks:
                self._chunks.move_to_end(key)
            return self._chunks.get(key)

    def put(self, key: Hashable, values: NDArray[Any]) -> None:
        with self._lock:
            self._chunks[key] = values
            while len(self._chunks) > 1 and sum(chunk.nbytes for chunk in self._chunks.values()) > self._most_bytes:
                self._chunks.popitem(last=False)


_RECENT = _RecentChunks(64 * 1024**2)


class ChunkReader:
    """Reads the chunks of one archive and checks each against the ledger before use."""

    def __init__(self, archive: AnyPath, ledger: Ledger) -> None:
        self.archive = archive
        self.ledger = ledger
        self._shape = ledger.header.chunk_shape
        self._sizes: Mapping[str, int] | None = None
        self._home = home_of(archive)

    def path(self, channel: str, block: int) -> AnyPath:
        """Path of a chunk file, which is brought if it lies in object storage alone."""
        path = self.archive / channel / chunk_name(len(self._shape), block)
        if self._home is not None and isinstance(path, Path):
            bring(self._home, path, path.parent.parent / UNFINISHED)
        return path

    def values(self, channel: str, block: int, offsets: NDArray[np.intp]) -> NDArray[np.float32]:
        """Read fields of one channel at given positions in a block, (time, [member,] latitude, longitude).

        Args:
            channel: Name of the channel.
            block: Number of the block.
            offsets: Positions of the wanted times within the block.

        Returns:
            An array of its own, which may be written to.

        Raises:
            InvalidDataError: The chunk is missing, truncated or changed; names file, variable and times.
        """
        path = self.path(channel, block)
        try:
            state = _state_of(path)
        except OSError as error:
            raise self._fault(channel, block, offsets, "a chunk file", _found(error)) from None
        if self._shape[0] == 1 and len(offsets) == 1:
            return decode(self.content(channel, block, offsets), self._shape)
        # The key includes the state of the file and the ledger, so a changed file is read and checked again.
        committed = self._block(block).chunks[channel].sha256
        mark = (str(path), *state, committed)
        whole = _RECENT.get(mark)
        if whole is None:
            whole = decode(self.content(channel, block, offsets), self._shape)
            _RECENT.put(mark, whole)
        fields: NDArray[np.float32] = whole[offsets]
        return fields

    def content(self, channel: str, block: int, offsets: NDArray[np.intp]) -> bytes:
        """Read the bytes of a chunk and check that they are the bytes that were committed.

        Args:
            channel: Name of the channel.
            block: Number of the block.
            offsets: Positions of the requested times within the block, named in an error.

        Raises:
            InvalidDataError: The chunk is missing or its bytes differ.
        """
        path = self.path(channel, block)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise self._fault(channel, block, offsets, "a chunk file", _found(error)) from None
        if self._block(block).accepts(channel, content):
            return content
        # An ingest in another process may have added times to the chunk since the ledger was read.
        latest = Ledger.read(self.archive)
        if latest.blocks[block].accepts(channel, content):
            if latest.has_other_values(self.ledger):
                raise self._fault(channel, block, offsets, "the values as opened", "replaced ones: open it again")
            self.ledger = latest
            return content
        kept = superseded_path(self.archive, self._block(block).chunks[channel].sha256)
        with suppress(FileNotFoundError):
            content = kept.read_bytes()
        if self._block(block).accepts(channel, content):
            return content
        raise self._changed(channel, block, offsets, len(content))

    def _changed(self, channel: str, block: int, offsets: NDArray[np.intp], size: int) -> InvalidDataError:
        expected = self._block(block).chunks[channel]
        if size != expected.size:
            return self._fault(channel, block, offsets, f"{expected.size} bytes", f"{size}")
        return self._fault(channel, block, offsets, f"sha256 {expected.sha256[:12]}...", "another: it has changed")

    def fault(self, channel: str, block: int, *, deep: bool) -> InvalidDataError | None:
        """Return what is wrong with a chunk, or None if it is sound.

        Args:
            channel: Name of the channel.
            block: Number of the block.
            deep: Read and hash the chunk; otherwise compare only its size.
        """
        every = np.arange(len(self._block(block).times))
        path = self.path(channel, block)
        sizes = {
            chunk.size for chunk in (self._block(block).chunks[channel], *self._block(block).intended.get(channel, []))
        }
        if not deep and self._size_of(path) in sizes:
            return None
        try:
            self.content(channel, block, every)
        except InvalidDataError as fault:
            return fault
        return None

    def _size_of(self, path: AnyPath) -> int | None:
        """Size of a chunk; in object storage all of them are listed at once."""
        if isinstance(path, Path):
            return path.stat().st_size if path.is_file() else None
        if self._sizes is None:
            self._sizes = ObjectPath(path.root).sizes()
        return self._sizes.get(path.inside)

    def _block(self, block: int) -> Block:
        return self.ledger.blocks[block]

    def _fault(
        self, channel: str, block: int, offsets: NDArray[np.intp], expected: str, found: str
    ) -> InvalidDataError:
        times = sorted(self._block(block).times[int(offset)] for offset in offsets)
        when = times[0] if len(times) == 1 else f"{times[0]} to {times[-1]}"
        path = self.path(channel, block)
        return InvalidDataError(f"{path}: {channel} at {when}: expected {expected}, found {found}")


def superseded_path(archive: AnyPath, digest: str) -> AnyPath:
    """Where a chunk or field is kept while another one has its name and the ledger that says so is not there yet.

    Args:
        archive: Address of a copy of an archive.
        digest: What the ledger says of it.
    """
    return archive / SUPERSEDED / digest


def _state_of(path: AnyPath) -> tuple[int, ...]:
    """What changes when a file is written again; an object is known by its hash alone, without asking for it."""
    if isinstance(path, ObjectPath):
        return ()
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _found(error: OSError) -> str:
    return "none" if isinstance(error, FileNotFoundError) else str(error.strerror)
