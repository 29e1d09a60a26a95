"""What an archive holds, and whether every chunk of it can be believed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_catalog.archive import layout as archive_layout
from data_catalog.archive.chunks import ChunkReader
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.reading import read_static_field
from data_catalog.errors import InvalidDataError
from data_catalog.layout.checks import holes


@dataclass(frozen=True)
class ArchiveState:
    """What an archive holds, and whether it is sound."""

    path: Path
    dataset: str
    channels: tuple[str, ...]
    static: tuple[str, ...]
    times: NDArray[np.datetime64]
    holes: NDArray[np.datetime64]
    """Times missing between the first and the last, at the usual step."""
    faults: tuple[str, ...]
    """One line for each chunk that cannot be believed."""
    identity: str
    """Sha256 of grid, channels, times and values, whatever the order they came in."""

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
        """Whether there is something and no chunk of it is at fault. Holes are no fault of the archive."""
        return bool(len(self.times)) and not self.faults


def inspect_archive(path: Path, *, deep: bool = False) -> ArchiveState:
    """What an archive holds, and which of its chunks are missing or damaged.

    Args:
        path: Directory of the archive.
        deep: Read and hash every chunk; otherwise only its size is compared.

    Returns:
        Times, holes and faults; damaged chunks are listed there, not raised.

    Raises:
        MissingDataError: There is no archive.
        InvalidDataError: Its ledger is damaged.
    """
    ledger = Ledger.read(path)
    archive_layout.check_published(path, ledger)
    reader = ChunkReader(path, ledger)
    faults = []
    for index, block in enumerate(ledger.blocks):
        for name in ledger.header.channels if block.times else ():
            fault = reader.fault(name, index, deep=deep)
            if fault is not None:
                faults.append(str(fault))
    for name in ledger.header.static:
        try:
            read_static_field(path, ledger, name)
        except InvalidDataError as error:
            faults.append(str(error))
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
