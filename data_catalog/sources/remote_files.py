"""Parts of the objects of a remote store, such as messages of a GRIB file, and small objects such as its index."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any, TypeVar

import numpy as np
import obstore

from data_catalog.errors import MissingDataError, PlumecastError
from data_catalog.sources.patience import ask, explained, patience_for
from data_catalog.sources.remote_objects import DamagedChunkError
from data_catalog.sources.zarr_stores import object_store

MOST_AT_ONCE = 8
"""Requests at a time: public buckets answer more of them with 503."""
_AT_ONCE = BoundedSemaphore(MOST_AT_ONCE)
_SMALL_WAIT_S = 30.0
"""Seconds for which a small object is waited for, in case the address is wrong."""
T = TypeVar("T")


class MissingObjectError(MissingDataError):
    """An object that a store does not have."""


@dataclass(frozen=True)
class RemoteFiles:
    """Objects below a URL.

    Attributes:
        location: The URL.
    """

    location: str

    def read_range(self, path: str, start: int, length: int) -> bytes:
        """Return some bytes of an object, or fewer where it ends; a share of the ranges is read twice and compared.

        Args:
            path: Path of the object below the URL.
            start: First byte.
            length: Number of bytes.

        Raises:
            PlumecastError: It cannot be read.
        """

        def read(store: Any) -> bytes:
            return bytes(obstore.get_range(store, path, start=start, length=length))

        patience = patience_for(self.location)
        twice = patience is not None and patience.reads_twice(f"{path}@{start}")
        return self._asked(path, _twice(read) if twice else read)

    def read_small(self, path: str, parse: Callable[[bytes, str], T]) -> T | None:
        """Return what a small object says; None if there is none. It is read twice, and asked for again if it is odd.

        Args:
            path: Path of the object below the URL.
            parse: Reads the content, given it and its URL; raises InvalidDataError if it is not what it should be.

        Raises:
            PlumecastError: It cannot be read.
        """
        patience = patience_for(self.location)

        def read(store: Any) -> bytes:
            return bytes(obstore.get(store, path).bytes())

        whole = _twice(read) if patience is not None and patience.read_twice > 0 else read
        what = f"{self.location}/{path}"
        try:
            return self._asked(path, lambda store: parse(whole(store), what), _SMALL_WAIT_S)
        except MissingObjectError:
            return None

    def size(self, path: str) -> int:
        """Return the number of bytes of an object.

        Args:
            path: Path of the object below the URL.

        Raises:
            PlumecastError: There is none, or it cannot be asked for.
        """
        return self._asked(path, lambda store: int(obstore.head(store, path)["size"]), _SMALL_WAIT_S)

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


def _twice(read: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """Return a read that fails if a second reading differs, so that it is asked for again."""

    def compared(store: Any) -> bytes:
        first = read(store)
        if read(store) != first:
            raise DamagedChunkError("other bytes each time it is read")
        return first

    return compared


@dataclass(frozen=True)
class RemoteFile:
    """One file of a store.

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


def in_parallel(function: Callable[[Any], T], arguments: Sequence[Any]) -> list[T]:
    """Return the results of a function that waits for a store, in the order of the arguments.

    Args:
        function: Takes one argument.
        arguments: Its arguments.
    """
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        return list(pool.map(function, arguments))
