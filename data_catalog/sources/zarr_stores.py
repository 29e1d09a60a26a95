"""Zarr groups on disk or in object storage, opened so that an absent or a cut-off chunk is an error.

Zarr reads a chunk that is not there as the fill value. For data that is a lie: a deleted file or an answer 404 would
become missing values, and be averaged away. Of a chunk that was cut short, Blosc decodes what lies behind it in memory
and calls that values (zarr-developers/numcodecs#228); its header says how long it was.
"""

import warnings
from pathlib import Path
from typing import Any

import numcodecs
import obstore.store
import xarray as xr
import zarr
from xarray.backends import ZarrStore
from zarr.abc.store import ByteRequest, Store
from zarr.codecs import BloscCodec
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore, ObjectStore, WrapperStore

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.sources.reading import decoded, in_blocks, one_line

_GROUP_MARKS = ("zarr.json", ".zgroup", ".zmetadata")
_METADATA = frozenset({"zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata"})
_BLOCK_BYTES = 512 * 1024
_BLOSC_HEADER_BYTES = 16
_MOST_RETRIES = 8


class AbsentChunkError(Exception):
    """A chunk that the store does not have."""


class DamagedChunkError(ValueError):
    """A chunk that is shorter than it was written."""


class CompleteStore(WrapperStore[Store]):
    """A store that owes its reader every chunk of an array, whole.

    Coordinates are read before `complete` is set: a writer may leave out a chunk of them that holds only the fill
    value, as a lone time 0 does.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.complete = False
        self.blosc_arrays: frozenset[str] = frozenset()

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """The bytes of a key; None, which readers take for the fill value, only for metadata."""
        found = await self._store.get(key, prototype, byte_range)
        if found is None and self.complete and key.rsplit("/", 1)[-1] not in _METADATA:
            raise AbsentChunkError(f"no chunk {key} in the store")
        if found is not None and byte_range is None and self._is_blosc_chunk(key):
            _check_whole(key, len(found), found[:_BLOSC_HEADER_BYTES].to_bytes())
        return found

    def _is_blosc_chunk(self, key: str) -> bool:
        array, _, rest = key.partition("/")
        return array in self.blosc_arrays and rest not in _METADATA


def _check_whole(key: str, length: int, header: bytes) -> None:
    """Compare a chunk's length with that in its header.

    Source: Blosc 1 header, github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst
    """
    complete = len(header) == _BLOSC_HEADER_BYTES
    written = int.from_bytes(header[12:16], "little") if complete else _BLOSC_HEADER_BYTES
    if length < written:
        raise DamagedChunkError(f"chunk {key} of {length} bytes where its header needs {written}")


def is_zarr(path: Path) -> bool:
    """Return whether a path is the directory of a Zarr group.

    Args:
        path: On a local disk.
    """
    return path.is_dir() and any((path / mark).is_file() for mark in _GROUP_MARKS)


def open_zarr(location: Path | str) -> xr.Dataset:
    """An analysis in a Zarr group (version 2 or 3) lazily, from a directory or a URL.

    Args:
        location: Directory, or URL: gs://, s3://, az://, http://, https://, file://; buckets are read anonymously.

    Raises:
        InvalidDataError: No Zarr group is there.
        MissingDataError: The place cannot be reached.
    """
    return in_blocks(open_complete(location), str(location), block_bytes=_BLOCK_BYTES)


def open_complete(location: Path | str, *, decode_timedelta: bool = False) -> xr.Dataset:
    """A Zarr group as xarray opens it, lazily, but that reading a chunk that is absent raises `AbsentChunkError`.

    Args:
        location: See `open_zarr`.
        decode_timedelta: Whether to decode durations.

    Raises:
        InvalidDataError: No Zarr group is there.
        MissingDataError: The place cannot be reached.
    """
    try:
        store = CompleteStore(_store(str(location)))
        dataset = _opened(store, str(location), decode_timedelta)
    except (FileNotFoundError, KeyError, ValueError) as error:
        raise InvalidDataError(f"{location}: expected a Zarr group, found {one_line(error)}") from error
    except obstore.exceptions.BaseError as error:
        raise MissingDataError(f"{location}: expected an answer, found {one_line(error)}") from error
    store.complete = True
    return dataset


def _store(location: str) -> Store:
    scheme, separator, rest = location.partition("://")
    if not separator:
        return LocalStore(location, read_only=True)
    if scheme == "file":
        return LocalStore(rest, read_only=True)
    if scheme in {"http", "https"}:
        over_http = obstore.store.HTTPStore.from_url(
            location, client_options={"allow_http": True}, retry_config={"max_retries": _MOST_RETRIES}
        )
        return ObjectStore(over_http, read_only=True)
    bucket = obstore.store.from_url(
        location, config={"skip_signature": True}, retry_config={"max_retries": _MOST_RETRIES}
    )
    return ObjectStore(bucket, read_only=True)


def _opened(store: CompleteStore, where: str, decode_timedelta: bool) -> xr.Dataset:
    """With consolidated metadata where there is some (over HTTP nothing else can be listed), else without."""

    def opened(consolidated: bool) -> xr.Dataset:
        group = zarr.open_group(store, mode="r", use_consolidated=consolidated)
        store.blosc_arrays = frozenset(name for name, array in group.arrays() if _ends_in_blosc(array))
        return decoded(ZarrStore.open_group(store, consolidated=consolidated), where, decode_timedelta=decode_timedelta)

    try:
        return opened(True)
    except (KeyError, ValueError):
        with warnings.catch_warnings():
            # Files that are no part of Zarr, a note or a licence, may lie beside the arrays.
            warnings.filterwarnings("ignore", "Object at .* is not recognized as a component of a Zarr hierarchy")
            return opened(False)


def _ends_in_blosc(array: zarr.Array[Any]) -> bool:
    """Whether what is stored is as Blosc left it: no checksum behind it, and no shard around it."""
    codecs = array.compressors
    return bool(codecs) and array.shards is None and isinstance(codecs[-1], (numcodecs.Blosc, BloscCodec))
