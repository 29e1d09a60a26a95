"""Where data lies: a path on this machine's disks, or the URL of a Zarr group."""

from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote

Location: TypeAlias = Path | str
"""A path, or a URL as text: `Path` would make one slash of the two of `s3://bucket`."""


def parse_location(text: Path | str) -> Location:
    """Return the path of what lies on this machine, also where it is named by a `file://` URL, and other URLs as text.

    Args:
        text: Path or URL, as the user names it.
    """
    scheme, separator, rest = str(text).partition("://")
    if not separator:
        return Path(text)
    if scheme.lower() != "file":
        return str(text)
    path = Path(rest.removeprefix("localhost"))
    return path if path.exists() else Path(unquote(str(path)))
