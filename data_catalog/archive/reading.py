"""Reads the local, checked, analysis-ready copy of a dataset that `ingest` makes.

Each chunk is checked against its hash in the ledger, so a missing, truncated or bit-flipped chunk is an error that
names file, variable and time, and never a NaN.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.archive import layout as archive_layout
from data_catalog.archive.chunks import ChunkReader, decode, superseded_path
from data_catalog.archive.header import Header
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.publication import check_published
from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.layout.coordinates import LATITUDE_ATTRIBUTES, LONGITUDE_ATTRIBUTES, MEMBER_ATTRIBUTES
from data_catalog.storage.object_path import AnyPath


def open_archive(path: AnyPath) -> xr.Dataset:
    """Open the analysis in an archive lazily over Dask, sorted by time; with `member` if it is an ensemble.

    Computing values raises InvalidDataError if a chunk is missing, truncated or changed.

    Args:
        path: Directory of the archive, or its address in object storage.

    Raises:
        MissingDataError: There is no archive, or it has no time yet.
        InvalidDataError: The ledger or a static field is damaged.
    """
    ledger = Ledger.read(path)
    try:
        return _opened(path, ledger)
    except InvalidDataError:
        latest = Ledger.read(path)
        if latest.length == ledger.length:
            raise
    return _opened(path, latest)  # it was written to in between


def _opened(path: AnyPath, ledger: Ledger) -> xr.Dataset:
    check_published(path, ledger)
    if not ledger.count:
        raise MissingDataError(f"{path}: expected at least one time, found none: ingest has not finished yet")
    header = ledger.header
    reader = ChunkReader(path, ledger)
    places, identity = places_of(ledger), ledger.identity()
    fields: dict[str, Any] = {}
    for name in header.channels:
        lazy = da.from_array(  # type: ignore[no-untyped-call]
            ArchivedChannel(reader, name, places),
            chunks=header.chunk_shape,
            name=f"{name}-{identity}-{path}",
            meta=np.empty((0,) * len(header.dims), np.float32),
            fancy=False,
        )
        fields[name] = (header.dims, lazy, dict(header.field_attributes[name]))
    for name in header.static:
        values = read_static_field(path, ledger.header, name)
        fields[name] = (("latitude", "longitude"), values, dict(header.field_attributes[name]))
    coords: dict[str, Any] = {
        "time": places.times,
        "latitude": ("latitude", header.latitude, LATITUDE_ATTRIBUTES),
        "longitude": ("longitude", header.longitude, LONGITUDE_ATTRIBUTES),
    }
    if header.members:
        coords["member"] = ("member", np.array(header.members, np.int64), MEMBER_ATTRIBUTES)
    return xr.Dataset(fields, coords, {**header.attributes, "data_identity": identity})


@dataclass(frozen=True)
class Places:
    """Block and offset of each time of an archive, in order of time."""

    times: NDArray[np.datetime64]
    blocks: NDArray[np.intp]
    offsets: NDArray[np.intp]


def places_of(ledger: Ledger) -> Places:
    """Return block and offset of each time of an archive, in order of time."""
    times = ledger.arrival_times()
    blocks = np.concatenate([np.full(len(block.times), index) for index, block in enumerate(ledger.blocks)])
    offsets = np.concatenate([np.arange(len(block.times)) for block in ledger.blocks])
    order = np.argsort(times)
    return Places(times[order], blocks[order], offsets[order])


class ArchivedChannel:
    """One channel of an archive, in a form that Dask can slice."""

    dtype = np.dtype(np.float32)

    def __init__(self, reader: ChunkReader, channel_name: str, places: Places) -> None:
        self._reader = reader
        self._channel = channel_name
        self._places = places
        header = reader.ledger.header
        self.shape = (len(places.times), *header.field_shape)
        self.ndim = len(self.shape)

    def __getitem__(self, key: tuple[Any, ...]) -> NDArray[np.float32]:
        blocks = np.atleast_1d(self._places.blocks[key[0]])
        offsets = np.atleast_1d(self._places.offsets[key[0]])
        if len(blocks) and (blocks == blocks[0]).all():
            fields = self._reader.values(self._channel, int(blocks[0]), offsets)
        else:
            fields = np.empty((len(blocks), *self.shape[1:]), np.float32)
            for block in np.unique(blocks):
                chosen = blocks == block
                fields[chosen] = self._reader.values(self._channel, int(block), offsets[chosen])
        one = isinstance(key[0], int | np.integer)
        return fields[(0 if one else slice(None), *key[1:])]


def read_static_field(path: AnyPath, header: Header, name: str) -> NDArray[np.float32]:
    """Read a channel without time and check it against its digest.

    Args:
        path: Directory of the archive, or its address in object storage.
        header: Header of its ledger.
        name: One of the static channels in the header.

    Returns:
        Values, dims (latitude, longitude), in the units of the variable table.

    Raises:
        InvalidDataError: The file is missing, damaged or changed.
    """
    file = path / archive_layout.static_file(name)
    values = _static_values(file, name, header)
    if archive_layout.static_digest(values) != header.static[name]:
        with suppress(InvalidDataError):
            values = _static_values(superseded_path(path, header.static[name]), name, header)
    if archive_layout.static_digest(values) != header.static[name]:
        raise InvalidDataError(f"{file}: {name}: expected the values that were ingested, found other values")
    return values


def _static_values(file: AnyPath, name: str, header: Header) -> NDArray[np.float32]:
    try:
        return decode(file.read_bytes(), (header.latitude.size, header.longitude.size))
    except OSError as error:
        raise InvalidDataError(f"{file}: {name}: expected a chunk file, found none ({_reason(error)})") from None
    except ValueError as error:
        raise InvalidDataError(f"{file}: {name}: expected a readable chunk, found a damaged one") from error


def _reason(error: OSError) -> str:
    return error.strerror or "no such object"
