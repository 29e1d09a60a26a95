"""Finds the chunks that a shard of Zarr 3 leaves out, which Zarr would read as the fill value.

A shard is one object with many chunks and an index of where each lies. Zarr takes what the index does not list for the
fill value, without asking its store. Here such an entry is given a place that no object reaches: whoever reads that
chunk then asks the store for that place.

Source: Zarr 3 specification, codec `sharding_indexed`, zarr-specs.readthedocs.io
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import google_crc32c
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.store import ByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.codecs import BytesCodec, Crc32cCodec, ShardingCodec
from zarr.core.metadata import ArrayV3Metadata

_ABSENT = np.uint64(2**64 - 1)
_NOWHERE = 2**62
"""Offset from which no object has bytes: an absent chunk is given this place and its number in the shard."""
_ENTRY_BYTES = 16
_CHECKSUM_BYTES = 4


@dataclass(frozen=True)
class Shards:
    """The shards of an array.

    Attributes:
        shape: Shape of the array.
        shard: Shape of a shard.
        chunk: Shape of a chunk in it.
        index_at_end: Whether the index of a shard follows its chunks.
    """

    shape: tuple[int, ...]
    shard: tuple[int, ...]
    chunk: tuple[int, ...]
    index_at_end: bool

    @classmethod
    def of(cls, array: zarr.Array[Any]) -> Self | None:
        """Return the shards of an array, or None if it has none.

        Args:
            array: As Zarr opened it.

        Raises:
            ValueError: The index of a shard is not written as usual, or there are shards in shards.
        """
        codecs = array.metadata.codecs if isinstance(array.metadata, ArrayV3Metadata) else ()
        if not any(isinstance(codec, ShardingCodec) for codec in codecs):
            return None
        codec = codecs[0]
        if len(codecs) > 1 or not isinstance(codec, ShardingCodec) or not _is_usual(codec) or array.shards is None:
            raise ValueError(f"shards of {array.basename} with other codecs than usual (little-endian index, CRC32C)")
        return cls(array.shape, array.shards, array.chunks, codec.index_location.value == "end")

    @property
    def chunks_per_shard(self) -> tuple[int, ...]:
        """Number of chunks along each dimension of a shard."""
        return tuple(shard // chunk for shard, chunk in zip(self.shard, self.chunk, strict=True))

    @property
    def index_bytes(self) -> int:
        """Size of the index of a shard."""
        return _ENTRY_BYTES * int(np.prod(self.chunks_per_shard)) + _CHECKSUM_BYTES

    def is_index(self, byte_range: ByteRequest | None) -> bool:
        """Return whether a part of a shard is its index.

        Args:
            byte_range: The part; None for the whole shard.
        """
        at_end = SuffixByteRequest(self.index_bytes)
        return byte_range == (at_end if self.index_at_end else RangeByteRequest(0, self.index_bytes))

    def absent(self, key: str, index: bytes) -> NDArray[np.intp]:
        """Return the numbers of the chunks in the array that a shard leaves out.

        Args:
            key: Name of the shard, such as `t2m/c/0/1/0`.
            index: Its index; what is beside the array is not counted.
        """
        entries = np.frombuffer(index[:-_CHECKSUM_BYTES], "<u8").reshape(-1, 2)
        return np.flatnonzero((entries == _ABSENT).all(axis=1) & self._is_inside(_place(key, len(self.shape))))

    def index_of(self, shard: bytes) -> bytes:
        """Return the index of a whole shard.

        Args:
            shard: All bytes of the shard.
        """
        return shard[-self.index_bytes :] if self.index_at_end else shard[: self.index_bytes]

    def marked(self, key: str, index: bytes) -> bytes:
        """Return an index in which chunks that are absent have a place that `asks_for_absent` knows.

        Args:
            key: Name of the shard.
            index: Its index; a damaged one is returned as it is, for Zarr to refuse.
        """
        body = index[:-_CHECKSUM_BYTES]
        if len(index) != self.index_bytes or _checksum(body) != index[-_CHECKSUM_BYTES:]:
            return index
        entries = np.frombuffer(body, "<u8").reshape(-1, 2).copy()
        for number in self.absent(key, index):
            entries[number] = _NOWHERE + number, 1
        return entries.tobytes() + _checksum(entries.tobytes())

    def _is_inside(self, place: Sequence[int]) -> NDArray[np.bool_]:
        """For each chunk of a shard, whether any of it is inside of the array."""
        first = [at * size for at, size in zip(place, self.shard, strict=True)]
        inside = [
            start + chunk * np.arange(count) < length
            for start, chunk, length, count in zip(first, self.chunk, self.shape, self.chunks_per_shard, strict=True)
        ]
        return np.asarray(np.logical_and.reduce(np.meshgrid(*inside, indexing="ij")).ravel(), bool)


def asks_for_absent(byte_range: ByteRequest | None) -> bool:
    """Return whether a part of a shard is the place of a chunk that is absent.

    Args:
        byte_range: The part; None for the whole shard.
    """
    return isinstance(byte_range, RangeByteRequest) and byte_range.start >= _NOWHERE


def _is_usual(codec: ShardingCodec) -> bool:
    """Whether the index is written as Zarr writes it unless told otherwise, and chunks are no shards themselves."""
    nested = any(isinstance(one, ShardingCodec) for one in codec.codecs)
    return not nested and tuple(codec.index_codecs) == (BytesCodec(endian="little"), Crc32cCodec())


def _place(key: str, ndim: int) -> list[int]:
    """Position of a shard by its name, which ends in one number for each dimension."""
    return [int(part) for part in key.replace(".", "/").split("/")[-ndim:]]


def _checksum(content: bytes) -> bytes:
    return int(google_crc32c.value(content)).to_bytes(_CHECKSUM_BYTES, "little")
