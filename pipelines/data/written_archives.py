"""Archives that a command writes to: in a directory, or in object storage through a working copy."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data_catalog.archive.working_copy import working_copy
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import ConfigurationError, PlumecastError
from data_catalog.sources.locations import parse_location
from data_catalog.storage.object_path import in_object_storage
from forecast.system.publish import check_destination
from pipelines.workspace.home import Home


@dataclass(frozen=True)
class WrittenArchive:
    """An archive that is written to.

    Attributes:
        path: Directory in which it is written to.
        place: Where it lies, as the user names it.
    """

    path: Path
    place: str

    def named(self, text: str) -> str:
        """Return a text with the archive's own place in it, not that of its working copy."""
        return text.replace(str(self.path), self.place)


@contextmanager
def written_archive(home: Home, entry: DatasetEntry, location: str | None) -> Iterator[WrittenArchive]:
    """Yield the archive that a command writes to; what was written reaches object storage when the block ends.

    Args:
        home: Home directory, which holds the archives on disk, and working copies of others.
        entry: Catalogue entry of the dataset.
        location: Path or URL given by the user; None for the archive of the home directory.

    Raises:
        ConfigurationError: It is a URL of another kind, or one with a credential in it.
        PlumecastError: The archive cannot be written.
    """
    place = home.archive(entry.name) if location is None else parse_location(location)
    if isinstance(place, Path):
        yield WrittenArchive(place, str(place))
        return
    if not in_object_storage(place):
        raise ConfigurationError(f"--archive {place}: expected a directory or a URL of s3, gs or az, found another one")
    try:
        url = check_destination(place)
    except ValueError as error:
        raise ConfigurationError(f"--archive: {error}, found another one") from None
    try:
        with working_copy(url, home.root / "working-copies") as path:
            written = WrittenArchive(path, url)
            yield written
    except PlumecastError as error:
        error.args = tuple(written.named(part) if isinstance(part, str) else part for part in error.args)
        raise
