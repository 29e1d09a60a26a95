"""Opens folders on disk and in object stores."""

from pathlib import Path

from data_catalog.storage.folder import Folder
from data_catalog.storage.local_folder import LocalFolder
from data_catalog.storage.object_folder import ObjectFolder


def folder_at(place: Path | str) -> Folder:
    """Return the folder at a path or a URL; nothing is read or written yet.

    Args:
        place: A path, or the URL of a prefix in an object store as text (`sources.locations` tells them apart).

    Raises:
        ConfigurationError: It is a URL of an unknown kind.
    """
    return LocalFolder(place) if isinstance(place, Path) else ObjectFolder(place)
