"""The contents of an archive, and whether all of its chunks are sound."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_catalog.archive.chunks import ChunkReader
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.publication import check_no_lost_lines, publication_faults
from data_catalog.archive.reading import read_static_field
from data_catalog.errors import InvalidDataError
from data_catalog.layout.checks import holes


@dataclass(frozen=True)
class ArchiveState:
    """The contents of an archive, and the faults of its chunks."""

    path: Path
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


def content_faults(reader: ChunkReader, *, deep: bool) -> list[str]:
    """Return one line for each missing or damaged chunk and static field.

    Args:
        reader: Reader of the archive.
        deep: Read and hash every chunk; otherwise compare only its size.
    """
    header = reader.ledger.header
    faults = [
        str(fault)
        for index, block in enumerate(reader.ledger.blocks)
        for name in (header.channels if block.times else ())
        if (fault := reader.fault(name, index, deep=deep)) is not None
    ]
    for name in header.static:
        try:
            read_static_field(reader.archive, header, name)
        except InvalidDataError as error:
            faults.append(str(error))
    return faults


def inspect_archive(path: Path, *, deep: bool = False) -> ArchiveState:
    """List the contents of an archive and its missing or damaged chunks.

    Args:
        path: Directory of the archive.
        deep: Read and hash every chunk; otherwise compare only its size.

    Returns:
        Times, holes and faults; damaged chunks are listed as faults and do not raise.

    Raises:
        MissingDataError: There is no archive.
        InvalidDataError: The ledger is damaged or lost.
    """
    ledger = Ledger.read(path)
    check_no_lost_lines(path, ledger)
    faults = [*content_faults(ChunkReader(path, ledger), deep=deep), *publication_faults(path, ledger)]
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
