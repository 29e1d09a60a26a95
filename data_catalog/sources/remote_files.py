"""Parts of the objects of a remote store, such as messages of a GRIB file, and small objects such as its index."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
import obstore

from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError, PlumecastError
from data_catalog.sources.remote_objects import DamagedChunkError
from data_catalog.storage.object_stores import object_store
from data_catalog.storage.patience import ask, explained, patience_for

MOST_AT_ONCE = 8
"""Requests at a time: public buckets answer more of them with 503."""
_AT_ONCE = BoundedSemaphore(MOST_AT_ONCE)
_SMALL_WAIT_S = 30.0
"""Seconds for which a small object is waited for, in case the address is wrong."""
_SMALL_BYTES = 4 * 1024
"""Reads up to this size are made by way of blocks of this size: a file's metadata are many small pieces."""
_BLOCKS_KEPT = 4096
_PIECE_BYTES = 8 * 1024**2
"""Bytes of a whole file that are fetched at a time."""
T = TypeVar("T")


class MissingObjectError(MissingDataError):
    """An object that a store does not have."""


class Version(NamedTuple):
    """What tells an object from another one that takes its place.

    Attributes:
        size: Number of bytes.
        mark: What the store says of its content: an ETag, or else the time of the last change.
    """

    size: int
    mark: str


@dataclass(frozen=True)
class RemoteFiles:
    """Objects below a URL.

    Attributes:
        location: The URL.
    """

    location: str

    def read_range(self, path: str, start: int, length: int, *, is_metadata: bool = False) -> bytes:
        """Return some bytes of an object, or fewer where it ends; a share of the ranges is read twice and compared.

        Args:
            path: Path of the object below the URL.
            start: First byte.
            length: Number of bytes.
            is_metadata: Whether they say how others are to be read: such ranges are all read twice.

        Raises:
            PlumecastError: It cannot be read.
        """

        def read(store: Any) -> bytes:
            return bytes(obstore.get_range(store, path, start=start, length=length))

        patience = patience_for(self.location)
        twice = patience is not None and (
            patience.reads_twice(f"{path}@{start}") or (is_metadata and patience.read_twice > 0)
        )
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

    def matching(self, pattern: str) -> list[str]:
        """Return the paths right below the URL that match a pattern, sorted.

        Args:
            pattern: With `*` and `?`, as in a shell.

        Raises:
            InvalidDataError: The store cannot be listed, as over HTTP.
        """

        def listed(store: Any) -> list[str]:
            return [found["path"] for found in obstore.list_with_delimiter(store)["objects"]]

        return sorted(filter(lambda path: fnmatchcase(path, pattern), self._asked(pattern, listed, _SMALL_WAIT_S)))

    def version(self, path: str) -> Version:
        """Return the size of an object, and what tells it from a later one.

        Args:
            path: Path of the object below the URL.

        Raises:
            PlumecastError: There is none, or it cannot be asked for.
        """

        def asked(store: Any) -> Version:
            found = obstore.head(store, path)
            return Version(int(found["size"]), str(found["e_tag"] or found["last_modified"]))

        return self._asked(path, asked, _SMALL_WAIT_S)

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

    @classmethod
    def at(cls, url: str) -> Self:
        """Return the file at a URL.

        Args:
            url: The URL, without a query.

        Raises:
            ConfigurationError: It has a query, which may be a key that lies nowhere else.
        """
        if "?" in url:
            raise ConfigurationError(f"{url}: expected a URL without a query, found one; download the file first")
        folder, _, name = url.rstrip("/").rpartition("/")
        return cls(RemoteFiles(folder), name)

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

    def version(self) -> Version:
        """Return its size, and what tells it from a later one."""
        return self.files.version(self.path)


class RangedFile(io.RawIOBase):
    """A remote file of which only what is read is fetched: small pieces in blocks that are kept, others as asked."""

    def __init__(self, file: RemoteFile, version: Version) -> None:
        """Read a file.

        Args:
            file: The file.
            version: Its version; blocks of another one are not taken for its own.
        """
        self._file = file
        self._version = version
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte, and return its number."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._version.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """Return the number of the next byte."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes into a buffer, and return how many there were."""
        start, length = self._position, max(0, min(len(buffer), self._version.size - self._position))
        if 0 < length <= _SMALL_BYTES:
            number = start // _SMALL_BYTES
            both = b"".join(
                _block(self._file, one, self._version) for one in sorted({number, (start + length - 1) // _SMALL_BYTES})
            )
            found = both[start - number * _SMALL_BYTES :][:length]
        else:
            found = self._file.read(start, length) if length else b""
        if len(found) != length:
            raise InvalidDataError(f"{self._file.name}: expected {length} bytes from {start}, found {len(found)}")
        buffer[:length] = found
        self._position += length
        return length


@lru_cache(_BLOCKS_KEPT)
def _block(file: RemoteFile, number: int, version: Version) -> bytes:
    """One of the blocks that a file is cut into, which hold what says where its values lie."""
    start = number * _SMALL_BYTES
    return file.files.read_range(file.path, start, min(_SMALL_BYTES, version.size - start), is_metadata=True)


def fetch(file: RemoteFile, size: int, path: Path) -> None:
    """Fetch a whole file, piece by piece.

    Args:
        file: The file.
        size: How many bytes it has.
        path: Where to write it.

    Raises:
        InvalidDataError: It has fewer bytes.
        MissingDataError: It cannot be reached.
    """
    with path.open("wb") as out:
        for start in range(0, size, _PIECE_BYTES):
            length = min(_PIECE_BYTES, size - start)
            piece = file.read(start, length)
            if len(piece) != length:
                raise InvalidDataError(f"{file.name}: expected {length} bytes from {start}, found {len(piece)}")
            out.write(piece)


def in_parallel(function: Callable[[Any], T], arguments: Sequence[Any]) -> list[T]:
    """Return the results of a function that waits for a store, in the order of the arguments.

    Args:
        function: Takes one argument.
        arguments: Its arguments.
    """
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        return list(pool.map(function, arguments))
