"""Errors about values from the sections of system files, named by their key."""

from collections.abc import Iterator
from contextlib import contextmanager

from data_catalog.errors import ConfigurationError


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
