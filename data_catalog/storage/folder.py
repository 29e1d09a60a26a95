"""What a folder of files or objects can do, on disk and in an object store alike.

Every write is whole: a reader finds the old content, the new content or nothing, and a process may be killed at any
moment. Two writes are conditional, which is what several writers need: one that only creates, and one that replaces
only what is still as it was read.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

_BLOCK_BYTES = 1 << 20
Version: TypeAlias = Mapping[str, str]
"""What tells a content of a file from all others, in the terms of its store."""


@dataclass(frozen=True)
class Content:
    """The bytes of a file, and their version."""

    body: bytes
    version: Version


@dataclass(frozen=True)
class Stored:
    """A file as a listing shows it.

    Attributes:
        name: Its name, relative to the folder, with slashes.
        size: Bytes.
        changed: When it was last written.
        etag: What its store calls its content; None on disk.
    """

    name: str
    size: int
    changed: datetime
    etag: str | None = None


@dataclass(frozen=True)
class Fingerprint:
    """Size and checksums of a content that is known here.

    Attributes:
        size: Bytes.
        sha256: 64 hexadecimal digits.
        md5: 32 hexadecimal digits, which many stores state of what they hold.
    """

    size: int
    sha256: str
    md5: str

    @classmethod
    def of(cls, content: bytes | Path) -> "Fingerprint":
        """Read a content once and return its fingerprint.

        Args:
            content: The bytes, or a file that has them.
        """
        size, sha256, md5 = 0, hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        for block in [content] if isinstance(content, bytes) else _blocks(content):
            size += len(block)
            sha256.update(block)
            md5.update(block)
        return cls(size, sha256.hexdigest(), md5.hexdigest())


class Folder(ABC):
    """Files or objects below one place.

    Attributes:
        place: Path or URL of the folder; errors start with it.
    """

    place: str

    @abstractmethod
    def read(self, name: str) -> Content | None:
        """Return the content of a file; None if there is none.

        Args:
            name: Its name, relative to the folder.
        """

    @abstractmethod
    def fetch(self, name: str, target: Path | None = None) -> str | None:
        """Read a file of any size block by block; return its SHA-256, None if there is no such file.

        Args:
            name: Its name.
            target: File to write the content to; None to keep nothing.
        """

    @abstractmethod
    def listing(self, below: str = "") -> list[Stored]:
        """Return the files of the folder, also those in folders within it; hidden ones are left out.

        Args:
            below: Name of a folder within it to list alone; empty for all.
        """

    @abstractmethod
    def holds(self, name: str, expected: Fingerprint) -> bool:
        """Return whether a file is stored with a known content, by the store's own checksum or by reading it.

        Args:
            name: Its name.
            expected: Size and checksums of the content.
        """

    @abstractmethod
    def write(self, name: str, content: bytes | Path) -> None:
        """Write a whole file, whether it exists or not.

        Args:
            name: Its name.
            content: The bytes, or a file that has them.
        """

    @abstractmethod
    def create(self, name: str, content: bytes) -> bool:
        """Write a file that must not exist yet; of several that try at once, one succeeds.

        Args:
            name: Its name.
            content: The bytes.

        Returns:
            Whether the file has this content now: False if another was there, which is left as it is.
        """

    @abstractmethod
    def replace(self, name: str, content: bytes, version: Version) -> bool:
        """Replace a file that is still as it was read; of several that try at once, one succeeds.

        Args:
            name: Its name.
            content: The new bytes.
            version: Version of the content that was read.

        Returns:
            Whether the file has the new content now: False if it has changed meanwhile, and is left as it is.
        """

    @abstractmethod
    def copy(self, source: str, target: str) -> None:
        """Write a file with the content of another one of the folder, without reading it here.

        Args:
            source: Name of the existing file.
            target: Name of the file to write.
        """

    @abstractmethod
    def delete(self, names: Iterable[str]) -> None:
        """Delete files; those that do not exist are passed over.

        Args:
            names: Their names.
        """

    def put(self, name: str, content: bytes, before: Content | None) -> bool:
        """Create a file, or replace it if it is still as it was read.

        Args:
            name: Its name.
            content: The bytes.
            before: What was read; None if there was no such file.

        Returns:
            Whether the file has the new content now.
        """
        return self.create(name, content) if before is None else self.replace(name, content, before.version)


def _blocks(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block
