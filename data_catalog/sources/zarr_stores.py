"""Zarr groups on disk or in object storage, opened so that an absent chunk is an error and never NaN.

Zarr reads a chunk that is not there as the fill value. For data that is a lie: a deleted file, an answer 404 or an
upload that was cut short would all become missing values, and be averaged away.
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import obstore.store
import xarray as xr
from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore, ObjectStore, WrapperStore

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.sources.reading import in_blocks, one_line

if TYPE_CHECKING:
    from obstore.store import RetryConfig

_METADATA = frozenset({"zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata"})
_BLOCK_BYTES = 512 * 1024
_RETRIES: "RetryConfig" = {"max_retries": 8}


class AbsentChunkError(Exception):
    """A chunk that the store does not have."""


class CompleteStore(WrapperStore[Store]):
    """A store that owes its reader every chunk of an array.

    Coordinates are read before `complete` is set: a writer may leave out a chunk of them that holds only the fill
    value, as a lone time 0 does.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.complete = False

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """The bytes of a key; None, which readers take for the fill value, only for metadata."""
        found = await self._store.get(key, prototype, byte_range)
        if found is None and self.complete and key.rsplit("/", 1)[-1] not in _METADATA:
            raise AbsentChunkError(f"no chunk {key} in the store")
        return found


def open_zarr(location: Path | str) -> xr.Dataset:
    """An analysis in a Zarr group (version 2 or 3) lazily, from a directory or a URL.

    Args:
        location: Directory, or URL: gs://, s3://, az://, http://, https://, file://; buckets are read anonymously.

    Raises:
        InvalidDataError: No Zarr group is there.
        MissingDataError: The place cannot be reached.
    """
    return in_blocks(open_complete(location), str(location), block_bytes=_BLOCK_BYTES)


def open_complete(location: Path | str, *, chunked: bool = False, decode_timedelta: bool = False) -> xr.Dataset:
    """A Zarr group as xarray opens it, lazily, but that reading a chunk that is absent raises `AbsentChunkError`.

    Args:
        location: See `open_zarr`.
        chunked: Dask arrays in the chunks of the store; else xarray's own lazy arrays.
        decode_timedelta: Whether to decode durations.

    Raises:
        InvalidDataError: No Zarr group is there.
        MissingDataError: The place cannot be reached.
    """
    try:
        store = CompleteStore(_store(str(location)))
        dataset = _opened(store, {} if chunked else None, decode_timedelta)
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
            location, client_options={"allow_http": True}, retry_config=_RETRIES
        )
        return ObjectStore(over_http, read_only=True)
    bucket = obstore.store.from_url(location, config={"skip_signature": True}, retry_config=_RETRIES)
    return ObjectStore(bucket, read_only=True)


def _opened(store: CompleteStore, chunks: dict[str, int] | None, decode_timedelta: bool) -> xr.Dataset:
    """With consolidated metadata where there is some (over HTTP nothing else can be listed), else without."""

    def opened(consolidated: bool) -> xr.Dataset:
        dataset: xr.Dataset = xr.open_zarr(
            store, chunks=chunks, consolidated=consolidated, decode_timedelta=decode_timedelta
        )
        return dataset

    try:
        return opened(True)
    except (KeyError, ValueError):
        with warnings.catch_warnings():
            # Files that are no part of Zarr, a note or a licence, may lie beside the arrays.
            warnings.filterwarnings("ignore", "Object at .* is not recognized as a component of a Zarr hierarchy")
            return opened(False)
