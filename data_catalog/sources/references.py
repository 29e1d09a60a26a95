"""Zarr stores by reference: a file of kerchunk says where in other files each chunk lies.

References are JSON (`.json`) or a directory of Parquet (`.parq`, `.parquet`). Their chunks lie at URLs, or in files
whose paths start from the references' own folder. Source: kerchunk, "References specification"
"""

import asyncio
import base64
import importlib.util
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from fsspec.implementations.reference import LazyReferenceMapper
from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.sources.locations import Location
from data_catalog.sources.reference_files import read_references
from data_catalog.sources.reference_places import Reach
from data_catalog.sources.remote_files import RemoteFile, RemoteFiles
from data_catalog.storage.patience import ask, patience_for

_PARQUET = (".parq", ".parquet")
_INLINE = b"base64:"
_MOST_INLINE_BYTES = 64 * 1024**2
_MOST_CHUNK_BYTES = 4 * 1024**3
Reference: TypeAlias = bytes | tuple[Location, int, int | None]
"""A chunk itself, or the file that it lies in, its first byte, and its number of bytes; None for all of them."""


def are_references(location: Location) -> bool:
    """Return whether a path or URL is that of a file of references, by its name.

    Args:
        location: Path or URL.
    """
    return str(location).rstrip("/").lower().endswith((".json", *_PARQUET))


def reference_store(location: Location, chunks_below: Sequence[str] = ()) -> "ReferenceStore":
    """Open references as the Zarr store that they describe.

    Args:
        location: Path or URL of a JSON file, or of a directory of Parquet files.
        chunks_below: Folders and URLs that they may refer to besides their own folder, host or bucket.

    Raises:
        ConfigurationError: Parquet cannot be read here, or nothing is there.
        InvalidDataError: They are no references, or such as chunks have to be computed from (`gen`).
        MissingDataError: They cannot be reached.
    """
    if str(location).rstrip("/").lower().endswith(_PARQUET):
        if importlib.util.find_spec("pyarrow") is None:
            raise ConfigurationError(
                f"{location}: expected pyarrow to read references in Parquet with, found none; install it with: "
                "pip install 'plumecast[parquet]'"
            )
        folder = _Folder(location)
        return ReferenceStore(LazyReferenceMapper("", fs=folder, engine="pyarrow"), Reach(location, chunks_below))
    return ReferenceStore(read_references(location), Reach(location, chunks_below))


class _Folder:
    """The files of references in Parquet, as fsspec's reader asks for them."""

    def __init__(self, location: Location) -> None:
        self._location = location

    def unstrip_protocol(self, path: str) -> str:
        """Return a path as it is."""
        return path

    def cat_file(self, path: str) -> bytes:
        """Return the content of a file; raises FileNotFoundError if there is none."""
        name = path.lstrip("/")
        if ".." in PurePosixPath(name).parts:
            raise InvalidDataError(f"{self._location}: expected references of arrays below it, found {name!r}")
        if isinstance(self._location, Path):
            return (self._location / name).read_bytes()
        content = RemoteFiles(self._location.rstrip("/")).read_small(name, lambda found, what: found)
        if content is None:
            raise FileNotFoundError(name)
        return content


class ReferenceStore(Store):
    """A Zarr store to read whose chunks are parts of other files."""

    supports_writes = False
    supports_deletes = False
    supports_listing = True

    def __init__(self, references: Mapping[str, Any], reach: Reach) -> None:
        """Read chunks by reference.

        Args:
            references: By the name of the chunk: its content, or where it lies.
            reach: What they may refer to.
        """
        super().__init__(read_only=True)
        self._references = references
        self._reach = reach

    def __eq__(self, other: object) -> bool:
        """Return whether another store is of the same references."""
        return isinstance(other, ReferenceStore) and other._reach == self._reach

    def __hash__(self) -> int:
        """Return a hash of the place of the references."""
        return hash(str(self._reach.location))

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Return the bytes of a key, or None if nothing refers to it."""
        content = await asyncio.to_thread(self._content, key)
        return None if content is None else prototype.buffer.from_bytes(_part(content, byte_range))

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Return parts of several keys."""
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

    async def exists(self, key: str) -> bool:
        """Return whether something refers to a key."""
        return self._reference(key) is not None

    async def set(self, key: str, value: Buffer) -> None:
        """Raise Zarr's error of a store that is read only."""
        self._check_writable()

    async def delete(self, key: str) -> None:
        """Raise Zarr's error of a store that is read only."""
        self._check_writable()

    async def list(self) -> AsyncIterator[str]:
        """Yield all keys."""
        for key in self._references:
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield all keys that begin with a prefix."""
        for key in self._references:
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names right below a prefix."""
        start = f"{prefix.rstrip('/')}/" if prefix else ""
        for name in dict.fromkeys(key[len(start) :].split("/")[0] for key in self._references if key.startswith(start)):
            yield name

    def _reference(self, key: str) -> Reference | None:
        found = self._references.get(key)
        if found is None or isinstance(found, (bytes, str)):
            return None if found is None else self._inline(found.encode() if isinstance(found, str) else found, key)
        url, *place = found
        start, length = map(int, place) if place else (0, None)
        if start < 0 or (length is not None and not 0 <= length <= _MOST_CHUNK_BYTES):
            raise InvalidDataError(
                f"{self._reach.location}: {key}: expected a part of a file of at most {_MOST_CHUNK_BYTES} bytes, "
                f"found {length} bytes from {start}"
            )
        return self._reach.place_of(str(url), key), start, length

    def _inline(self, content: bytes, key: str) -> bytes:
        if len(content) > _MOST_INLINE_BYTES:
            raise InvalidDataError(
                f"{self._reach.location}: {key}: expected at most {_MOST_INLINE_BYTES} bytes within references, found "
                f"{len(content)}"
            )
        return base64.b64decode(content[len(_INLINE) :]) if content.startswith(_INLINE) else content

    def _content(self, key: str) -> bytes | None:
        reference = self._reference(key)
        if reference is None or isinstance(reference, bytes):
            return reference
        place, start, length = reference
        if isinstance(place, str):
            return _remote_part(RemoteFile.at(place), start, length)
        if not place.is_file():
            raise InvalidDataError(f"{self._reach.location}: {key}: expected a file {place}, found none")
        with place.open("rb") as file:
            file.seek(start)
            found = file.read(_MOST_CHUNK_BYTES if length is None else length)
        return _whole(found, length, f"{place}: {key}")


def _remote_part(file: RemoteFile, start: int, length: int | None) -> bytes:
    def read() -> bytes:
        size = file.version().size if length is None else length
        return _whole(file.read(start, size), size, file.name)

    return ask(read, patience_for(file.name), file.name)


def _whole(content: bytes, length: int | None, what: str) -> bytes:
    if length is not None and len(content) != length:
        raise InvalidDataError(f"{what}: expected {length} bytes that a reference names, found {len(content)}")
    return content


def _part(content: bytes, byte_range: ByteRequest | None) -> bytes:
    match byte_range:
        case RangeByteRequest(start, end):
            return content[start:end]
        case OffsetByteRequest(offset):
            return content[offset:]
        case SuffixByteRequest(suffix):
            return content[-suffix:]
        case _:
            return content
