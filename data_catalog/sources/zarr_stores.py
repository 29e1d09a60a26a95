"""Opens Zarr groups on disk or in object storage so that a missing or truncated chunk is an error.

Zarr reads a missing chunk as the fill value, so a deleted file or a 404 response would turn into missing values
and be averaged away. When a chunk is truncated, Blosc decodes whatever follows it in memory
(zarr-developers/numcodecs#228); the chunk's header holds the length to check against.

Writers leave out chunks that hold nothing but the fill value. Where a whole region may have this value, as 0 of
precipitation, that is believed and said in the log; elsewhere the error says how to write a store with all its chunks.
The same holds of what the index of a shard leaves out.
"""

import asyncio
import logging
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numcodecs
import numpy as np
import obstore
import xarray as xr
import zarr
from xarray.backends import ZarrStore
from zarr.abc.store import ByteRequest, Store
from zarr.codecs import BloscCodec
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.core.sync import sync
from zarr.storage import LocalStore, ObjectStore, WrapperStore

from data_catalog.errors import DefiniteFaultError, InvalidDataError, PlumecastError, without_secrets
from data_catalog.layout.variables import VARIABLES
from data_catalog.sources.archive_marks import LEDGER_NAME, is_archive_group, no_ledger
from data_catalog.sources.locations import parse_location
from data_catalog.sources.reading import decoded, in_blocks
from data_catalog.sources.references import are_references, reference_store
from data_catalog.sources.remote_objects import DamagedChunkError, RemoteObjects
from data_catalog.sources.shards import Shards, asks_for_absent
from data_catalog.storage.object_stores import object_store
from data_catalog.storage.patience import ask, explained, is_outage, is_refusal, patience_for

_GROUP_MARKS = ("zarr.json", ".zgroup", ".zmetadata")
_METADATA = frozenset({"zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata"})
_ATTRIBUTES = ".zattrs"
"""Absent they would change a field in silence, by its unit or its packing."""
_BLOCK_BYTES = 512 * 1024
_BLOSC_HEADER_BYTES = 16
_OPENING_S = 30.0
"""Seconds for which a store that has not answered yet is waited for, in case its address is wrong."""
_ABSENT_BEFORE_TRUST = 3
_LAST_WITHOUT_OWN_FILL = 2
"""In Zarr 2 the fill value is all that there is, and xarray takes it for missing; Zarr 3 also has `_FillValue`."""
_LOG = logging.getLogger(__name__)
_NETCDF_SUFFIXES = (".nc", ".nc4", ".cdf", ".netcdf")


class AbsentChunkError(Exception):
    """A chunk that the store does not have."""


@dataclass(frozen=True)
class FillValue:
    """What a chunk stands for that is not in the store.

    Attributes:
        number: In the unit of the array; NaN where the array declares that it is none.
        is_value: Whether a whole region may have it.
    """

    number: float
    is_value: bool

    @classmethod
    def of(cls, array: zarr.Array[Any]) -> Self:
        """Read the fill value of an array, unpacked.

        Args:
            array: As Zarr opened it.
        """
        attributes = dict(array.attrs)
        stored = np.asarray(array.fill_value)
        declared = array.metadata.zarr_format > _LAST_WITHOUT_OWN_FILL and "_FillValue" in attributes
        if stored.dtype.kind not in "iuf" or declared:
            return cls(np.nan, False)
        scale, offset = (
            float(str(attributes.get(name, usual))) for name, usual in (("scale_factor", 1), ("add_offset", 0))
        )
        number = float(stored) * scale + offset
        name = array.basename.lower()
        variable = next((one for one in VARIABLES.values() if name in map(str.lower, one.names)), None)
        return cls(number, variable is not None and number == variable.regional_constant)

    @property
    def way_out(self) -> str:
        """What to do about an absent chunk, to end an error with; nothing where the fill value is NaN."""
        if np.isnan(self.number):
            return ""
        return f"; if all its values were the fill value {self.number:g}, write the store with write_empty_chunks=True"


class CompleteStore(WrapperStore[Store]):
    """A store that raises an error for a missing or truncated chunk once `complete` is set.

    Coordinates are read before `complete` is set, because a writer may omit a chunk that holds only the fill value,
    such as a single time 0.
    """

    def __init__(self, store: Store, where: str = "Zarr group") -> None:
        super().__init__(store)
        self._where = without_secrets(where)
        self._said: set[str] = set()
        self._patience = patience_for(where)
        self._remote: RemoteObjects | None = None
        if self._patience is not None and isinstance(store, ObjectStore):
            self._remote = RemoteObjects(store, store.store, where, self._patience)
        self._absent: Counter[str] = Counter()
        self.complete = False
        self.blosc_arrays: frozenset[str] = frozenset()
        self.fill_values: dict[str, FillValue] = {}
        self.shards: dict[str, Shards] = {}

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Return the bytes of a key; None, which readers take for the fill value, only for metadata."""
        if asks_for_absent(byte_range):
            self._believe_absent(key, f"chunk for a part of shard {key}")
            return None
        found = await self._read(key, prototype, byte_range)
        name = key.rsplit("/", 1)[-1]
        if found is None and name not in _METADATA - {_ATTRIBUTES}:
            found = await self._asked_again(key, prototype, byte_range)
            if found is None and self.complete and name != _ATTRIBUTES:
                self._believe_absent(key)
        if found is not None and byte_range is None and self._is_blosc_chunk(key):
            _check_whole(key, len(found), found[:_BLOSC_HEADER_BYTES].to_bytes())
        return found if found is None else self._without_gaps(key, name, found, prototype, byte_range)

    def _without_gaps(
        self, key: str, name: str, found: Buffer, prototype: BufferPrototype, byte_range: ByteRequest | None
    ) -> Buffer:
        """Return what was read of a shard such that chunks it leaves out are not taken for their fill value."""
        shards = self.shards.get(key.partition("/")[0]) if self.complete and name not in _METADATA else None
        if shards is not None and shards.is_index(byte_range):
            return prototype.buffer.from_bytes(shards.marked(key, found.to_bytes()))
        if shards is not None and byte_range is None:
            index = shards.index_of(found.to_bytes())
            if len(index) == shards.index_bytes and shards.absent(key, index).size:
                self._believe_absent(key, f"chunk for a part of shard {key}")
        return found

    async def _read(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None) -> Buffer | None:
        if self._remote is None:
            return await self._store.get(key, prototype, byte_range)
        is_small = not self.complete or key.rsplit("/", 1)[-1] in _METADATA
        return await self._remote.get(key, prototype, byte_range, is_small=is_small)

    async def _asked_again(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None) -> Buffer | None:
        """Ask a remote store again for a chunk that it said it does not have, which an outage may have made it say."""
        if self._patience is None:
            return None
        array = key.partition("/")[0]
        is_usual = self._absent[array] >= _ABSENT_BEFORE_TRUST
        for wait in islice(self._patience.waits(), 1 if is_usual else self._patience.asks - 1):
            await asyncio.sleep(0 if is_usual else wait)
            found = await self._read(key, prototype, byte_range)
            if found is not None:
                return found
        self._absent[array] += 1
        return None

    def _believe_absent(self, key: str, what: str | None = None) -> None:
        """Take an absent chunk for its fill value and say so once an array, or refuse it."""
        name = key.partition("/")[0]
        fill = self.fill_values.get(name)
        if fill is None or not fill.is_value:
            raise AbsentChunkError(f"no {what or f'chunk {key}'} in the store{'' if fill is None else fill.way_out}")
        if name not in self._said:
            self._said.add(name)
            _LOG.warning(
                "%s: %s: chunks that are not there, first %s, count as %g", self._where, name, key, fill.number
            )

    def _is_blosc_chunk(self, key: str) -> bool:
        array, _, rest = key.partition("/")
        return array in self.blosc_arrays and rest not in _METADATA


def _check_whole(key: str, length: int, header: bytes) -> None:
    """Raise an error if a chunk is shorter than its header says.

    Source: Blosc 1 header, github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst
    """
    complete = len(header) == _BLOSC_HEADER_BYTES
    written = int.from_bytes(header[12:16], "little") if complete else _BLOSC_HEADER_BYTES
    if length < written:
        raise DamagedChunkError(f"chunk {key} has {length} bytes, its header says {written}")


def is_zarr(path: Path) -> bool:
    """Return whether a path is the directory of a Zarr group.

    Args:
        path: Local path.
    """
    return path.is_dir() and any((path / mark).is_file() for mark in _GROUP_MARKS)


def open_zarr(location: Path | str, *, ensemble: bool = False, chunks_below: Sequence[str] = ()) -> xr.Dataset:
    """Open an analysis in a Zarr group (version 2 or 3) lazily, from a directory or a URL.

    Args:
        location: Directory, or URL: gs://, s3://, az://, http://, https://, file://; buckets are read with
            the credentials that the environment holds, such as AWS_ACCESS_KEY_ID, or else anonymously.
        ensemble: Whether each analysis is an ensemble.
        chunks_below: Folders and URLs that references of kerchunk may refer to besides their own.

    Raises:
        InvalidDataError: There is no Zarr group at the location.
        MissingDataError: The location cannot be reached.
    """
    opened = open_complete(location, chunks_below=chunks_below)
    return in_blocks(opened, str(location), block_bytes=_BLOCK_BYTES, ensemble=ensemble)


def open_complete(
    location: Path | str, *, decode_timedelta: bool = False, chunks_below: Sequence[str] = ()
) -> xr.Dataset:
    """Open a Zarr group lazily as xarray does, except that reading an absent chunk raises `AbsentChunkError`.

    Args:
        location: Directory, or URL: gs://, s3://, az://, http://, https://, file://; buckets are read with
            the credentials that the environment holds, such as AWS_ACCESS_KEY_ID, or else anonymously.
        decode_timedelta: Whether to decode durations.
        chunks_below: Folders and URLs that references of kerchunk may refer to besides their own.

    Raises:
        ConfigurationError: It is a URL of an unknown kind.
        InvalidDataError: There is no Zarr group at the location, or it is an archive without its ledger.
        MissingDataError: The location cannot be reached.
    """
    if str(location).lower().endswith(_NETCDF_SUFFIXES):
        raise InvalidDataError(f"{location}: expected a Zarr group, found a NetCDF file")
    patience = patience_for(str(location))
    shorter = None if patience is None else patience.at_most(_OPENING_S)
    try:
        return ask(lambda: _opened_once(location, decode_timedelta, chunks_below), shorter, str(location))
    except PlumecastError:
        raise
    except Exception as error:
        raise explained(error, str(location), "a Zarr group") from (None if patience else error)


def _opened_once(location: Path | str, decode_timedelta: bool, chunks_below: Sequence[str]) -> xr.Dataset:
    store = CompleteStore(_store(str(location), chunks_below), str(location))
    dataset = _opened(store, str(location), decode_timedelta)
    if is_archive_group(dataset.attrs) and not sync(store.exists(LEDGER_NAME)):
        raise InvalidDataError(no_ledger(location))
    store.complete = True
    return dataset


def _store(location: str, chunks_below: Sequence[str]) -> Store:
    place = parse_location(location)
    if are_references(place):
        return reference_store(place, chunks_below)
    if isinstance(place, Path):
        return LocalStore(place, read_only=True)
    return ObjectStore(object_store(place), read_only=True)


def _opened(store: CompleteStore, where: str, decode_timedelta: bool) -> xr.Dataset:
    """Open a group with consolidated metadata if it has them (HTTP cannot list a store without them)."""

    def opened(consolidated: bool) -> xr.Dataset:
        group = zarr.open_group(store, mode="r", use_consolidated=consolidated)
        store.blosc_arrays = frozenset(name for name, array in group.arrays() if _ends_in_blosc(array))
        store.fill_values = {name: FillValue.of(array) for name, array in group.arrays()}
        store.shards = {name: shards for name, array in group.arrays() if (shards := Shards.of(array)) is not None}
        values = [name for name, fill in store.fill_values.items() if fill.is_value]
        if not store.fill_values:
            raise _no_arrays(where, [name for name, _ in group.groups()])
        opened_group = ZarrStore.open_group(store, consolidated=consolidated)
        return decoded(opened_group, where, decode_timedelta=decode_timedelta, fill_is_value=values)

    try:
        return opened(True)
    except (KeyError, ValueError):
        with warnings.catch_warnings():
            # Files that do not belong to Zarr, such as a note or a licence, may lie beside the arrays.
            warnings.filterwarnings("ignore", "Object at .* is not recognized as a component of a Zarr hierarchy")
            try:
                return opened(False)
            except obstore.exceptions.BaseError as error:
                if not is_outage(error) and not is_refusal(error):
                    raise ValueError("no consolidated metadata that can be read, and no list of its arrays") from None
                raise


def _no_arrays(where: str, groups: list[str]) -> DefiniteFaultError:
    names = ", ".join(sorted(groups))
    ways_out = f"groups {names}; name the group: {where.rstrip('/')}/{min(groups)}" if groups else "none"
    return DefiniteFaultError(f"{where}: expected arrays in the root group, found {ways_out}")


def _ends_in_blosc(array: zarr.Array[Any]) -> bool:
    """Return whether stored chunks end with Blosc's output: no checksum after it, and no shard around it."""
    codecs = array.compressors
    return bool(codecs) and array.shards is None and isinstance(codecs[-1], (numcodecs.Blosc, BloscCodec))
