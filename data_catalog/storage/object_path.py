"""Addresses of objects that are read as files are, by code that reads both."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from data_catalog.storage.object_folder import ObjectFolder

SCHEMES = ("s3", "gs", "az")
"""Kinds of object storage that a credential opens."""


@dataclass(frozen=True)
class ObjectPath:
    """The address of an object, or of the objects below it; small enough to be sent to other processes.

    Attributes:
        root: URL of a folder in an object store.
        inside: Name within it; empty for the folder itself.
    """

    root: str
    inside: str = ""

    def __truediv__(self, name: str) -> "ObjectPath":
        """Return the address of what lies below this one."""
        return ObjectPath(self.root, f"{self.inside}/{name}" if self.inside else name)

    def __str__(self) -> str:
        """Return the URL."""
        return f"{self.root}/{self.inside}" if self.inside else self.root

    @property
    def stem(self) -> str:
        """Last part of the URL, without its suffix."""
        return str(self).rpartition("/")[2].rpartition(".")[0]

    def read_bytes(self) -> bytes:
        """Return the content of the object.

        Raises:
            FileNotFoundError: There is none.
            MissingDataError: The store does not answer.
            ConfigurationError: It refuses to.
        """
        content = _folder(self.root).read(self.inside)
        if content is None:
            raise FileNotFoundError(str(self))
        return content.body

    def size(self) -> int | None:
        """Return the size of the object in bytes; None if there is none."""
        return _folder(self.root).size(self.inside)

    def sizes(self) -> dict[str, int]:
        """Return the size in bytes of every object below this one, by its name within the folder."""
        return {stored.name: stored.size for stored in _folder(self.root).listing(self.inside)}

    def is_file(self) -> bool:
        """Return whether there is such an object."""
        return self.size() is not None


AnyPath: TypeAlias = Path | ObjectPath
"""What can be read: a file on disk, or an object."""


def object_path(place: Path | str) -> AnyPath:
    """Return the address of a place: a path as it is, and a URL of object storage as an object's.

    Args:
        place: A path, or a URL of s3, gs or az.
    """
    return place if isinstance(place, Path) else ObjectPath(place.rstrip("/"))


def in_object_storage(place: Path | str) -> bool:
    """Return whether a place is a URL of object storage.

    Args:
        place: A path or any URL.
    """
    return isinstance(place, str) and place.partition("://")[0].lower() in SCHEMES and "://" in place


@lru_cache(maxsize=16)
def _folder(root: str) -> ObjectFolder:
    return ObjectFolder(root)
