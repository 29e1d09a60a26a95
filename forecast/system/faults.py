"""Errors about values from system files and records, named by their key."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from data_catalog.errors import ConfigurationError

_LONGEST_VALUE = 80


def faults_of_validation(error: ValidationError, *, whole: str = "content") -> list[str]:
    """Return the errors that pydantic found, each as `key: what is wrong, found value`.

    Args:
        error: The error raised by the validation of a model.
        whole: Word to use instead of a key for errors that concern no single key.
    """
    return [_fault(details, whole) for details in error.errors(include_url=False)]


@contextmanager
def faults_of_section(system_name: str, section: str) -> Iterator[None]:
    """Raise a ValueError about an argument as a ConfigurationError about the key that the argument comes from.

    Objects that are built from a section, such as a network or an anchor, do not know the system file: they raise
    `ValueError("window: expected ...")`. The user reads `system NAME: network.window: expected ...`.

    Args:
        system_name: Name of the system.
        section: The section whose values are used inside the block, such as `network`.

    Raises:
        ConfigurationError: The block raised a ValueError.
    """
    try:
        yield
    except ValueError as error:
        raise ConfigurationError(f"system {system_name}: {section}.{error}") from None


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
