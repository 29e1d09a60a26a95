"""GRIB files in remote stores, of which only the messages that an index names are fetched."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import BoundedSemaphore
from typing import Any, TypeAlias, TypeVar

import numpy as np
import obstore
import xarray as xr

from data_catalog.errors import InvalidDataError, MissingDataError, PlumecastError
from data_catalog.layout.canonical import canonicalise
from data_catalog.layout.checks import check_analysis
from data_catalog.layout.times import iso
from data_catalog.layout.variables import channel
from data_catalog.sources.grib.decoding import StoredField
from data_catalog.sources.grib.fields import GribField
from data_catalog.sources.grib.hypercubes import arrange
from data_catalog.sources.grib.library import check_installed, open_message
from data_catalog.sources.grib.messages import MessagePlace
from data_catalog.sources.patience import ask, explained, patience_for
from data_catalog.sources.reading import in_blocks
from data_catalog.sources.zarr_stores import object_store

MOST_AT_ONCE = 8
"""Requests at a time: public buckets answer more of them with 503."""
_AT_ONCE = BoundedSemaphore(MOST_AT_ONCE)
_BLOCK_BYTES = 1
"""One field a block, so that no time is fetched that is not wanted."""
_INDEX_WAIT_S = 30.0
"""Seconds for which an index is waited for, in case the address is wrong."""
T = TypeVar("T")
Index: TypeAlias = Mapping[str, tuple[int, int]]
"""First byte and number of bytes of each field of a file, by the field's name."""


@dataclass(frozen=True)
class RemoteFiles:
    """Objects below a URL.

    Attributes:
        location: The URL.
    """

    location: str

    def read_range(self, path: str, start: int, length: int) -> bytes:
        """Return some bytes of an object, or fewer where it ends.

        Args:
            path: Path of the object below the URL.
            start: First byte.
            length: Number of bytes.

        Raises:
            PlumecastError: It cannot be read.
        """
        return self._asked(path, lambda store: obstore.get_range(store, path, start=start, length=length).to_bytes())

    def read_text(self, path: str) -> str | None:
        """Return an object as text; None if there is none.

        Args:
            path: Path of the object below the URL.

        Raises:
            PlumecastError: It cannot be read.
        """
        try:
            return self._asked(path, lambda store: str(obstore.get(store, path).bytes(), "utf-8"), _INDEX_WAIT_S)
        except MissingObjectError:
            return None

    def _asked(self, path: str, read: Callable[[Any], T], most_s: float = np.inf) -> T:
        store = object_store(self.location)
        what = f"{self.location}/{path}"
        patience = patience_for(self.location)
        patience = None if patience is None else patience.at_most(most_s)

        def once() -> T:
            with _AT_ONCE:
                return read(store)

        try:
            return ask(once, patience, what)
        except PlumecastError:
            raise
        except FileNotFoundError as error:
            raise MissingObjectError(f"{what}: expected an object, found none") from error
        except Exception as error:
            raise explained(error, what, "an object") from None


class MissingObjectError(MissingDataError):
    """An object that a store does not have."""


@dataclass(frozen=True)
class RemoteFile:
    """One GRIB file of a store.

    Attributes:
        files: Objects that it is one of.
        path: Its path among them.
    """

    files: RemoteFiles
    path: str

    @property
    def name(self) -> str:
        """Its URL."""
        return f"{self.files.location}/{self.path}"

    def read(self, start: int, length: int) -> bytes:
        """Return some of its bytes, or fewer where it ends.

        Args:
            start: First byte.
            length: Number of bytes.
        """
        return self.files.read_range(self.path, start, length)


@dataclass(frozen=True)
class IndexedFile:
    """A GRIB file of one start and lead time whose index is known.

    Attributes:
        init_time: Start, UTC.
        valid_time: Time that its fields are valid at, UTC.
        path: Path below the URL of the store.
        index: Where each of its fields lies.
    """

    init_time: np.datetime64
    valid_time: np.datetime64
    path: str
    index: Index


def in_parallel(function: Callable[[Any], T], arguments: Sequence[Any]) -> list[T]:
    """Return the results of a function that waits for a store, in the order of the arguments.

    Args:
        function: Takes one argument.
        arguments: Its arguments.
    """
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        return list(pool.map(function, arguments))


def open_indexed(
    location: str, files: Sequence[IndexedFile], channels: Sequence[str], static: Sequence[str] = ()
) -> xr.Dataset:
    """Open fields of remote files as a checked analysis; of each channel one message is read at once, to know its grid.

    Args:
        location: URL of the store.
        files: In the order of time, at least one.
        channels: Channels to read.
        static: Channels without time, which are read from the first file.

    Raises:
        ConfigurationError: ecCodes is not installed.
        InvalidDataError: An index lacks a channel; names file and channel.
    """
    check_installed(location)
    store = RemoteFiles(location)
    wanted = [*((name, files) for name in channels), *((name, files[:1]) for name in static)]
    stored = [one for name, of_channel in wanted for one in _fields_of(store, of_channel, name)]
    parts = [in_blocks(part, location, block_bytes=_BLOCK_BYTES) for part in arrange(stored, location, forecast=False)]
    found = [canonicalise(part, _held(part, wanted), where=location) for part in parts]
    return check_analysis(xr.merge(found, join="exact", compat="override")[[*channels, *static]], where=location)


def _held(part: xr.Dataset, wanted: Sequence[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in wanted if set(names_in_grib(name)) & set(map(str, part.data_vars))]


def names_in_grib(name: str) -> list[str]:
    """Return the names that a GRIB field of a channel may have.

    Args:
        name: Name of the channel.
    """
    one = channel(name)
    level = "" if one.level_hpa is None else f"_{one.level_hpa}hPa"
    return [f"{spelled}{level}" for spelled in one.variable.names]


def _fields_of(store: RemoteFiles, files: Sequence[IndexedFile], name: str) -> list[StoredField]:
    places = [_place(store, file, name) for file in files]
    first = RemoteFile(store, files[0].path)
    with open_message(first.read(places[0].start, places[0].length), first.name) as message:
        known = GribField.of(message, first.name)
    return [
        StoredField(
            replace(known, init_time=file.init_time, valid_time=file.valid_time), place, RemoteFile(store, file.path)
        )
        for file, place in zip(files, places, strict=True)
    ]


def _place(store: RemoteFiles, file: IndexedFile, name: str) -> MessagePlace:
    for spelled in names_in_grib(name):
        if spelled in file.index:
            return MessagePlace(*file.index[spelled])
    found = ", ".join(sorted(file.index)) or "nothing"
    raise InvalidDataError(
        f"{store.location}/{file.path}: expected {name} at {iso(file.valid_time)} in its index, found {found}"
    )
