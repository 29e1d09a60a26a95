"""The local, checked, analysis-ready copy of a dataset: made by ingest, read by everything else.

Nothing that is read from an archive goes unchecked: each chunk must have the hash that the ledger holds for it, so a
missing, truncated or flipped chunk is an error that names file, variable and time, and never a NaN.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog import archive_layout
from data_catalog.archive_writing import IngestSummary, Writer, header_of
from data_catalog.catalog import DatasetEntry
from data_catalog.chunks import ChunkReader, decode
from data_catalog.conventions import channel
from data_catalog.coordinates import LATITUDE_ATTRIBUTES, LONGITUDE_ATTRIBUTES
from data_catalog.durable import exclusive
from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.ledger import LEDGER_NAME, Ledger
from data_catalog.quality import check_analysis, check_channels, check_step, holes
from data_catalog.sources.files import open_files


def archive_path(home: Path, dataset_name: str) -> Path:
    """Where the archive of a dataset lies under Plumecast's home directory."""
    return home / "archives" / f"{dataset_name}.zarr"


def ingest(
    entry: DatasetEntry,
    analysis: xr.Dataset,
    archive: Path,
    *,
    compare: bool | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> IngestSummary:
    """Bring an analysis into the archive of its dataset: create, append, fill holes, mend damaged chunks.

    It may be killed at any moment and run again: what was committed stays, and the rest is done anew. With nothing new
    it writes nothing.

    Args:
        entry: The dataset; its channels and static channels are taken.
        analysis: In canonical layout, lazy or not; read in pieces of bounded size.
        archive: Directory of the archive; made if absent.
        compare: Whether to read again the times that the archive has, to refuse those that differ. None: yes, but from
            a remote source only the latest block of them, as resuming would else fetch everything twice.
        on_progress: Told the times done and the times in all.

    Raises:
        InvalidDataError: The analysis is unsound, lies on another grid, or differs from what is archived.
        ConfigurationError: The disk cannot be written, or the directory is something else.
        MissingDataError: Another ingest is at work on the archive.
    """
    where = f"{entry.name} (ingest)"
    check_channels(analysis, [*entry.channels, *entry.static], where=where)
    checked = check_analysis(analysis[[*entry.channels, *entry.static]], where=where)
    check_step(checked["time"].values, entry.step_hours, where=where)
    with exclusive(archive_layout.lock_path(archive), doing=f"{archive}: ingest"):
        static = {name: checked[name].values for name in entry.static}
        if (archive / LEDGER_NAME).exists():
            ledger = Ledger.read(archive)
            archive_layout.check_published(archive, ledger)
        else:
            ledger = archive_layout.create(archive, header_of(entry, checked, static), static)
        archive_layout.clean(archive)
        writer = Writer(archive, ledger, entry, checked, static, on_progress)
        usual: Literal["latest", "all"] = "latest" if entry.is_remote else "all"
        return writer.run(compare=usual if compare is None else "all" if compare else "none")


def open_archive(path: Path) -> xr.Dataset:
    """The analysis in an archive, lazily over Dask, sorted by time.

    Reading raises InvalidDataError where a chunk is missing, truncated or changed.

    Raises:
        MissingDataError: There is no archive, or no time in it yet.
        InvalidDataError: Its ledger or a static field is damaged.
    """
    ledger = Ledger.read(path)
    archive_layout.check_published(path, ledger)
    if not ledger.count:
        raise MissingDataError(f"{path}: expected at least one time, found none: ingest has not ended yet")
    header = ledger.header
    reader = ChunkReader(path, ledger)
    places, identity = _places(ledger), ledger.identity()
    fields: dict[str, Any] = {}
    for name in header.channels:
        lazy = da.from_array(  # type: ignore[no-untyped-call]
            ArchivedChannel(reader, name, places),
            chunks=(header.times_per_block, header.latitude.size, header.longitude.size),
            name=f"{name}-{identity}-{path}",
            meta=np.empty((0, 0, 0), np.float32),
            fancy=False,
        )
        fields[name] = (("time", "latitude", "longitude"), lazy, dict(header.field_attributes[name]))
    for name in header.static:
        values = _static_field(path, ledger, name)
        fields[name] = (("latitude", "longitude"), values, dict(header.field_attributes[name]))
    coords = {
        "time": places.times,
        "latitude": ("latitude", header.latitude, LATITUDE_ATTRIBUTES),
        "longitude": ("longitude", header.longitude, LONGITUDE_ATTRIBUTES),
    }
    return xr.Dataset(fields, coords, {**header.attributes, "data_identity": identity})


@dataclass(frozen=True)
class Places:
    """Where each time of an archive, in order, is stored."""

    times: NDArray[np.datetime64]
    blocks: NDArray[np.intp]
    offsets: NDArray[np.intp]


def _places(ledger: Ledger) -> Places:
    times = ledger.arrival_times()
    blocks = np.concatenate([np.full(len(block.times), index) for index, block in enumerate(ledger.blocks)])
    offsets = np.concatenate([np.arange(len(block.times)) for block in ledger.blocks])
    order = np.argsort(times)
    return Places(times[order], blocks[order], offsets[order])


class ArchivedChannel:
    """One channel of an archive as Dask slices it."""

    ndim = 3
    dtype = np.dtype(np.float32)

    def __init__(self, reader: ChunkReader, channel_name: str, places: Places) -> None:
        self._reader = reader
        self._channel = channel_name
        self._places = places
        header = reader.ledger.header
        self.shape = (len(places.times), header.latitude.size, header.longitude.size)

    def __getitem__(self, key: tuple[Any, ...]) -> NDArray[np.float32]:
        blocks = np.atleast_1d(self._places.blocks[key[0]])
        offsets = np.atleast_1d(self._places.offsets[key[0]])
        fields = np.empty((len(blocks), *self.shape[1:]), np.float32)
        for block in np.unique(blocks):
            chosen = blocks == block
            fields[chosen] = self._reader.values(self._channel, int(block), offsets[chosen])
        one = isinstance(key[0], int | np.integer)
        return fields[(0 if one else slice(None), *key[1:])]


def _static_field(path: Path, ledger: Ledger, name: str) -> NDArray[np.float32]:
    file = archive_layout.static_path(path, name)
    try:
        shape = (ledger.header.latitude.size, ledger.header.longitude.size)
        values: NDArray[np.float32] = decode(file.read_bytes(), shape)
    except FileNotFoundError:
        raise InvalidDataError(f"{file}: {name}: expected a chunk file, found none") from None
    except Exception as error:
        raise InvalidDataError(f"{file}: {name}: expected a readable chunk, found a damaged one") from error
    if archive_layout.static_digest(values) != ledger.header.static[name]:
        raise InvalidDataError(f"{file}: {name}: expected the values that were ingested, found others")
    return values


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
            _static_field(path, ledger, name)
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


def open_analysis(location: Path | str, channels: Sequence[str], static: Sequence[str] = ()) -> xr.Dataset:
    """A checked, lazy analysis from wherever it lies.

    Args:
        location: An archive, a NetCDF or Zarr file in any readable layout, a directory of such files, or the URL of a
            Zarr group.
        channels: Channels wanted.
        static: Channels without time wanted besides.

    Returns:
        These channels, dims (time, latitude, longitude) or (latitude, longitude).

    Raises:
        InvalidDataError: A channel is not there, or what is there is unsound.
        ConfigurationError: Nothing is there, or a name is no channel.
    """
    wanted = [channel(name).name for name in (*channels, *static)]
    if "://" not in str(location) and (Path(location) / LEDGER_NAME).is_file():
        analysis = open_archive(Path(location))
        check_channels(analysis, wanted, where=str(location))
        return analysis[wanted]
    return open_files(location, channels, static)
