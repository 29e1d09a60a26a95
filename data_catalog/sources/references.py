"""Zarr stores by reference: a file of kerchunk says where in other files each chunk lies.

References are JSON (`.json`) or a directory of Parquet (`.parq`, `.parquet`). Their chunks lie at URLs, or in files
whose paths start from the references' own folder. Source: kerchunk, "References specification"
"""

import asyncio
import base64
import importlib.util
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from fsspec.implementations.reference import LazyReferenceMapper, ReferenceFileSystem
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
from data_catalog.sources.remote_files import RemoteFile, RemoteFiles
from data_catalog.storage.patience import ask, patience_for

_PARQUET = (".parq", ".parquet")
_INLINE = b"base64:"
Reference: TypeAlias = bytes | tuple[str, int, int | None]
"""A chunk itself, or the file that it lies in, its first byte, and its number of bytes; None for all of them."""


def are_references(location: Location) -> bool:
    """Return whether a path or URL is that of a file of references, by its name.

    Args:
        location: Path or URL.
    """
    return str(location).rstrip("/").lower().endswith((".json", *_PARQUET))


def reference_store(location: Location) -> "ReferenceStore":
    """Open references as the Zarr store that they describe.

    Args:
        location: Path or URL of a JSON file, or of a directory of Parquet files.

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
        return ReferenceStore(LazyReferenceMapper("", fs=folder, engine="pyarrow"), location)
    return ReferenceStore(_in_json(_content(location), str(location)), location)


def _content(location: Location) -> bytes:
    if isinstance(location, Path):
        return location.read_bytes()
    file = RemoteFile.at(location)
    return ask(lambda: file.read(0, file.version().size), patience_for(location), location)


def _in_json(content: bytes, where: str) -> Mapping[str, Any]:
    try:
        found = json.loads(content)
        refused = bool(found.get("gen"))
        mapping: Mapping[str, Any] = ReferenceFileSystem(found, fs={}, skip_instance_cache=True).references
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise InvalidDataError(f"{where}: expected references of kerchunk as JSON, found {content[:40]!r}") from error
    if refused or not any(key.endswith((".zarray", ".zgroup", "zarr.json", ".zmetadata")) for key in mapping):
        raise InvalidDataError(
            f"{where}: expected references with the metadata of a Zarr store and each chunk by name, found others"
        )
    return mapping


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

    def __init__(self, references: Mapping[str, Any], location: Location) -> None:
        """Read chunks by reference.

        Args:
            references: By the name of the chunk: its content, or where it lies.
            location: Path or URL of the references.
        """
        super().__init__(read_only=True)
        self._references = references
        self._location = location

    def __eq__(self, other: object) -> bool:
        """Return whether another store is of the same references."""
        return isinstance(other, ReferenceStore) and other._location == self._location

    def __hash__(self) -> int:
        """Return a hash of the place of the references."""
        return hash(str(self._location))

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
            inline = found.encode() if isinstance(found, str) else found
            is_coded = inline is not None and inline.startswith(_INLINE)
            return base64.b64decode(inline[len(_INLINE) :]) if inline is not None and is_coded else inline
        url, *place = found
        return (str(url), int(place[0]), int(place[1])) if place else (str(url), 0, None)

    def _content(self, key: str) -> bytes | None:
        reference = self._reference(key)
        if reference is None or isinstance(reference, bytes):
            return reference
        url, start, length = reference
        if "://" in url and not url.startswith("file://"):
            return _remote_part(RemoteFile.at(url), start, length)
        if not isinstance(self._location, Path):
            raise InvalidDataError(f"{self._location}: {key}: expected a reference to a URL, found a path")
        path = self._location.parent / url.removeprefix("file://")
        with path.open("rb") as file:
            file.seek(start)
            return _whole(file.read(-1 if length is None else length), length, f"{path}: {key}")


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
