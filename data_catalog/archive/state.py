"""The contents of an archive, and whether all of its chunks are sound."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_catalog.archive.chunks import ChunkReader
from data_catalog.archive.ledger import Ledger, StoredChunk
from data_catalog.archive.publication import check_no_lost_lines, content_of, publication_faults
from data_catalog.archive.reading import read_static_field
from data_catalog.archive.workers import Workers, own_threads
from data_catalog.errors import InvalidDataError
from data_catalog.layout.checks import holes
from data_catalog.storage.object_path import AnyPath

_CHUNKS_AT_ONCE = 16
ChunkPlace: TypeAlias = tuple[str, int]
"""Channel and block of a chunk."""


@dataclass(frozen=True)
class ArchiveState:
    """The contents of an archive, and the faults of its chunks."""

    path: AnyPath
    dataset: str
    channels: tuple[str, ...]
    static: tuple[str, ...]
    times: NDArray[np.datetime64]
    holes: NDArray[np.datetime64]
    """Times missing between the first and the last, at the usual step."""
    faults: tuple[str, ...]
    """One line for each missing or damaged chunk, static field, coordinate and file of metadata."""
    identity: str
    """SHA-256 of grid, channels, times and values, independent of the order of arrival."""

    @property
    def first_time(self) -> np.datetime64 | None:
        """Earliest time."""
        return self.times[0] if len(self.times) else None

    @property
    def last_time(self) -> np.datetime64 | None:
        """Latest time."""
        return self.times[-1] if len(self.times) else None

    @property
    def sound(self) -> bool:
        """Whether the archive has at least one time and no faulty chunk. Holes do not count as faults."""
        return bool(len(self.times)) and not self.faults


def content_faults(reader: ChunkReader, *, deep: bool, workers: Workers | None = None) -> list[str]:
    """Return one line for each missing or damaged chunk and static field.

    Args:
        reader: Reader of the archive.
        deep: Read and hash every chunk; otherwise compare only its size.
        workers: What reads the chunks; None for threads of this process.
    """
    header = reader.ledger.header
    places = [
        (name, index) for index, block in enumerate(reader.ledger.blocks) if block.times for name in header.channels
    ]
    doubted = _doubted(reader, places, workers) if deep else places
    faults = [str(fault) for place in doubted if (fault := reader.fault(*place, deep=deep)) is not None]
    for name in header.static:
        try:
            read_static_field(reader.archive, header, name)
        except InvalidDataError as error:
            faults.append(str(error))
    return faults


def _doubted(reader: ChunkReader, places: Sequence[ChunkPlace], workers: Workers | None) -> list[ChunkPlace]:
    """Read and hash chunks, and return those that are not as committed."""
    parts = [places[start : start + _CHUNKS_AT_ONCE] for start in range(0, len(places), _CHUNKS_AT_ONCE)]
    tasks = (
        [(reader.path(*place), reader.ledger.blocks[place[1]].chunks[place[0]]) for place in part] for part in parts
    )
    with nullcontext(workers) if workers else own_threads() as hands:
        sound = [one for found in hands.in_order(_are_sound, tasks) for one in found]
    return [place for place, is_sound in zip(places, sound, strict=True) if not is_sound]


def _are_sound(chunks: Sequence[tuple[AnyPath, StoredChunk]]) -> list[bool]:
    return [StoredChunk.of(content_of(path) or b"") == expected for path, expected in chunks]


def inspect_archive(path: AnyPath, *, deep: bool = False, workers: Workers | None = None) -> ArchiveState:
    """List the contents of an archive and its missing or damaged chunks.

    Args:
        path: Directory of the archive.
        deep: Read and hash every chunk; otherwise compare only its size.
        workers: What reads the chunks; None for threads of this process.

    Returns:
        Times, holes and faults; damaged chunks are listed as faults and do not raise.

    Raises:
        MissingDataError: There is no archive.
        InvalidDataError: The ledger is damaged or lost.
    """
    ledger = Ledger.read(path)
    check_no_lost_lines(path, ledger)
    faults = [*content_faults(ChunkReader(path, ledger), deep=deep, workers=workers), *publication_faults(path, ledger)]
    times = np.sort(ledger.arrival_times())
    header = ledger.header
    return ArchiveState(
        path,
        header.dataset,
        header.channels,
        tuple(header.static),
        times,
        holes(times),
        tuple(faults),
        ledger.identity(),
    )
