"""References of kerchunk as JSON: read as data, and nothing in them is run.

Source: kerchunk, "References specification", versions 0 and 1
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_catalog.errors import DefiniteFaultError, InvalidDataError
from data_catalog.sources.locations import Location
from data_catalog.sources.remote_files import RemoteFile
from data_catalog.storage.patience import ask, patience_for

_MOST_BYTES = 1024**3
_MOST_TEMPLATE = 4096
"""Characters of a template, which stands for a folder or a file."""
_TEMPLATE = re.compile(r"{{\s*(\w+)\s*}}")
_PARTS = (1, 3)
"""Numbers of entries of a reference to a whole file, and to a part of one."""
_MARKS = (".zarray", ".zgroup", "zarr.json", ".zmetadata")


def read_references(location: Location) -> Mapping[str, Any]:
    """Read references in JSON.

    Args:
        location: Path or URL of the file.

    Returns:
        By the name of the chunk: its content, or a list of URL or path, first byte and number of bytes.

    Raises:
        InvalidDataError: They are no references, or chunks have to be computed from them (`gen`, templates with code).
        MissingDataError: They cannot be reached.
    """
    content, where = _content(location), str(location)
    try:
        found = json.loads(content)
        refs, templates = (found["refs"], found.get("templates", {})) if "version" in found else (found, {})
        computed = bool(found.get("gen"))
        references = {str(key): _reference(value, _plain(templates)) for key, value in refs.items()}
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise InvalidDataError(f"{where}: expected references of kerchunk as JSON, found {content[:40]!r}") from error
    if computed or not any(key.endswith(_MARKS) for key in references):
        raise InvalidDataError(
            f"{where}: expected references with the metadata of a Zarr store and each chunk by name, found others"
        )
    return references


def _content(location: Location) -> bytes:
    if isinstance(location, Path):
        _check_size(location.stat().st_size, location)
        return location.read_bytes()
    file = RemoteFile.at(location)

    def read() -> bytes:
        size = file.version().size
        _check_size(size, location)
        return file.read(0, size)

    return ask(read, patience_for(location), location)


def _check_size(size: int, location: Location) -> None:
    if size > _MOST_BYTES:
        raise DefiniteFaultError(f"{location}: expected references of at most {_MOST_BYTES} bytes, found {size}")


def _plain(templates: Mapping[str, Any]) -> Mapping[str, str]:
    """Templates that are plain texts; those of kerchunk may also be programs of Jinja, which are refused."""
    for name, text in templates.items():
        if not isinstance(text, str) or "{{" in text or "{%" in text or len(text) > _MOST_TEMPLATE:
            raise ValueError(f"template {name}")
    return templates


def _reference(value: Any, templates: Mapping[str, str]) -> str | list[Any]:
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, str):
        return value
    url, *place = value
    if not isinstance(url, str) or len(value) not in _PARTS or not all(type(number) is int for number in place):
        raise ValueError("a reference")
    return [_TEMPLATE.sub(lambda found: templates[found[1]], url), *place]
