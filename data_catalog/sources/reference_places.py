"""Where the chunks of kerchunk references may lie: a file of references is anyone's, and must not reach everything.

References at a URL reach that host or bucket, and references on disk the files of their own folder and URLs. What lies
elsewhere is refused, unless a dataset file names it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from data_catalog.errors import InvalidDataError
from data_catalog.sources.locations import Location, parse_location

_ODD = re.compile(r"[\x00-\x20\x7f\\?#]")
"""Characters that readers of URLs take in different ways, or that begin a query."""
_REMOTE = frozenset({"http", "https", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"})


@dataclass(frozen=True)
class Reach:
    """What a file of references may refer to.

    Attributes:
        location: Path or URL of the references.
        chunks_below: Folders and URLs that they may refer to besides, told by whoever reads them.
    """

    location: Location
    chunks_below: Sequence[str] = ()

    def place_of(self, name: str, key: str) -> Location:
        """Return the path or URL of a file that a chunk lies in.

        Args:
            name: Path or URL as the references spell it; a relative path starts from their own folder.
            key: Name of the chunk; the error names it.

        Raises:
            InvalidDataError: They may not refer to this file.
        """
        scheme, separator, _ = name.partition("://")
        if separator and scheme.lower() != "file":
            return self._url(name, key)
        if isinstance(self.location, Path):
            return self._path(self.location.parent / parse_location(name), name, key)
        named = parse_location(name)
        if separator or Path(named).is_absolute():
            return self._path(Path(named), name, key)
        return self._url(f"{self.location.rstrip('/').rpartition('/')[0]}/{name}", key)

    def _url(self, url: str, key: str) -> str:
        parts = urlsplit(url)
        is_plain = not _ODD.search(url) and ".." not in PurePosixPath(unquote(unquote(parts.path))).parts
        if is_plain and parts.scheme.lower() in _REMOTE and (isinstance(self.location, Path) or self._is_near(url)):
            return url
        raise self._refusal(url, key)

    def _is_near(self, url: str) -> bool:
        """Whether a URL is at the host or bucket of the references, or below one that was told."""
        own = [] if isinstance(self.location, Path) else [_host(self.location)]
        told = [place for place in self.chunks_below if urlsplit(place).netloc]
        return any(f"{url}/".startswith(f"{place.rstrip('/')}/") for place in [*own, *told])

    def _path(self, path: Path, name: str, key: str) -> Path:
        """The file itself, once links are followed, if it lies in a folder that may be read."""
        own = [self.location.parent] if isinstance(self.location, Path) else []
        told = [place for place in map(parse_location, self.chunks_below) if isinstance(place, Path)]
        try:
            real = path.resolve()
            if any(real.is_relative_to(folder.resolve()) for folder in [*own, *told]):
                return real
        except (OSError, RuntimeError, ValueError):  # a loop of links, or no name that a file can have
            pass
        raise self._refusal(name, key)

    def _refusal(self, name: str, key: str) -> InvalidDataError:
        if isinstance(self.location, Path):
            own = f"a file in {self.location.absolute().parent}, or a plain URL"
        else:
            own = f"a plain URL below {_host(self.location)}"
        return InvalidDataError(
            f"{self.location}: {key}: expected a reference to {own}, found {name[:200]!r}; if it is to be trusted, "
            "name its folder as chunks_below in a dataset file"
        )


def _host(url: str) -> str:
    """Scheme and host, or bucket, of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
