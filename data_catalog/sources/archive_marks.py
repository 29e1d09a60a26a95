"""How the directory of a Plumecast archive is told from any other Zarr group.

An archive is believed only through its ledger. Without it, swapped or older chunks would look like any others.
"""

from collections.abc import Mapping
from typing import Any

LEDGER_NAME = "ledger.jsonl"
"""File in an archive that lists what has been committed."""
LEDGER_ATTRIBUTE = "plumecast_ledger"
"""Attribute of an archive's Zarr group: the hash of the last ledger line that was published."""
_OLDER_ATTRIBUTES = {"dataset", "simulated", "license", "references", "source"}
_WAY_OUT = "mend it with 'plumecast archive heal DATASET'"


def is_archive_group(attributes: Mapping[str, Any]) -> bool:
    """Return whether the attributes of a Zarr group are those of an archive.

    Args:
        attributes: Attributes of the group.
    """
    return LEDGER_ATTRIBUTE in attributes or attributes.keys() >= _OLDER_ATTRIBUTES


def no_ledger(archive: object) -> str:
    """Return the error message about an archive whose ledger is lost.

    Args:
        archive: Path or URL of the archive.
    """
    return f"{archive}: expected the archive's {LEDGER_NAME}, found none; {_WAY_OUT}"
