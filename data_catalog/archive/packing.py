"""Packs the values of an archive's blocks into chunks and puts these on disk, beside the archive's own files.

A thread, a process or a worker of a cluster does so, several at once; who holds the lock of the archive gives the
chunks their names and commits them (`writer`), so a worker that is taken for dead can change nothing any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_catalog.archive.chunks import chunk_name, decode, encode
from data_catalog.archive.contents import digests
from data_catalog.archive.ledger import Block, StoredChunk
from data_catalog.archive.pieces import Piece
from data_catalog.errors import InvalidDataError
from data_catalog.storage.atomic_files import write_aside


@dataclass(frozen=True)
class Place:
    """Where blocks are packed.

    Attributes:
        archive: Directory of the archive.
        unfinished: Directory for temporary files of the archive.
        shape: Shape of a chunk, (time, [member,] latitude, longitude).
    """

    archive: Path
    unfinished: Path
    shape: tuple[int, ...]


@dataclass(frozen=True)
class PackedBlock:
    """A block whose chunks are on disk under temporary names.

    Attributes:
        block: What the ledger is to say of it.
        moves: Final path of each temporary file.
    """

    block: Block
    moves: Mapping[Path, Path]


def pack_piece(place: Place, numbered: tuple[int, Piece]) -> list[PackedBlock]:
    """Read a piece of the source and pack it into blocks, all of them full but perhaps the last.

    Args:
        place: Where to.
        numbered: Number of the first block, and the piece.

    Raises:
        InvalidDataError: A value cannot be believed, or a chunk does not decode to the values it was made from.
        ConfigurationError: The disk cannot be written.
    """
    first, piece = numbered
    fields, size = piece.read(), place.shape[0]
    starts = range(0, len(piece.times), size)
    return [
        _pack_block(place, first + number, piece.times[start : start + size], {
            name: field[start : start + size] for name, field in fields.items()
        })
        for number, start in enumerate(starts)
    ]  # fmt: skip


def _pack_block(
    place: Place, index: int, times: Sequence[str], fields: Mapping[str, NDArray[np.float32]]
) -> PackedBlock:
    chunks, moves = {}, {}
    for name, field in fields.items():
        content = pack(place, name, field)
        path = place.archive / name / chunk_name(len(place.shape), index)
        chunks[name] = StoredChunk.of(content)
        moves[write_aside(path, content, aside=place.unfinished)] = path
    return PackedBlock(Block([*times], digests(fields), chunks), moves)


def read_digests(piece: Piece) -> list[str]:
    """Read a piece of the source and return the digest of each time.

    Args:
        piece: Piece of the source.
    """
    return digests(piece.read())


def pack(place: Place, name: str, field: NDArray[np.float32]) -> bytes:
    """Encode the chunk of a channel, and check that it decodes to the same values.

    Args:
        place: Archive and shape of the chunk.
        name: Name of the channel.
        field: (time, latitude, longitude), at most as many times as the chunk has.

    Raises:
        InvalidDataError: It does not.
    """
    whole = field
    if len(field) < place.shape[0]:
        whole = np.full(place.shape, np.nan, "<f4")
        whole[: len(field)] = field
    content = encode(whole)
    decoded = decode(content, place.shape)
    if not np.array_equal(decoded.view(np.uint32), whole.view(np.uint32)):
        raise InvalidDataError(
            f"{place.archive}: {name}: expected a chunk to decode to the values it was made from, found others"
        )
    return content
