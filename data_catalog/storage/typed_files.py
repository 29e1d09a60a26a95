"""Reads TOML files into typed models, and reports every fault of a file or record in one line, named by its key."""

import itertools
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.storage.small_files import read_small

_LONGEST_VALUE = 80


def read_toml(path: Path, *, origin: str) -> dict[str, Any]:
    """Read the tables of a TOML file.

    Args:
        path: The file.
        origin: What the file is, such as `system file x.toml`; errors start with it.

    Raises:
        ConfigurationError: The file is absent or not TOML.
    """
    try:
        return tomllib.loads(read_small(path).decode("utf-8"))
    except (OSError, InvalidDataError) as error:
        found = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"{origin}: expected a readable file, found {found}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{origin}: expected TOML, found {error}") from None


def faults_of_validation(error: ValidationError, *, whole: str = "content") -> list[str]:
    """Return the errors that pydantic found, each as `key: what is wrong, found value`.

    Args:
        error: The error raised by the validation of a model.
        whole: Word to use instead of a key for errors that concern no single key.
    """
    return [_fault(details, whole) for details in error.errors(include_url=False)]


def _fault(details: ErrorDetails, whole: str) -> str:
    # For a network, pydantic puts the kind into the location, although it is not a key.
    parts = [part for before, part in itertools.pairwise((None, *details["loc"])) if before != "network"]
    key = ".".join(map(str, parts)) or whole
    if details["type"] == "extra_forbidden":
        return f"unknown key '{key}'"
    if details["type"] == "missing":
        return f"{key}: expected a value, found none"
    message = f"{key}: {details['msg'].removeprefix('Value error, ')}"
    return message if isinstance(details["input"], dict) else f"{message}, found {_shortened(details['input'])}"


def _shortened(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
