"""Locations of data: a local path, or the URL of a Zarr group."""

from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote

Location: TypeAlias = Path | str
"""A path, or a URL as text, because `Path` would turn the two slashes of `s3://bucket` into one."""


def parse_location(text: Path | str) -> Location:
    """Return a local path, also for a `file://` URL, and other URLs as text.

    Args:
        text: Path or URL given by the user.
    """
    scheme, separator, rest = str(text).partition("://")
    if not separator:
        return Path(text)
    if scheme.lower() != "file":
        return str(text)
    path = Path(rest.removeprefix("localhost"))
    return path if path.exists() else Path(unquote(str(path)))
