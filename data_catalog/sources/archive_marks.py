"""How the directory of a Plumecast archive is told from any other Zarr group.

An archive is believed only through its ledger. Without it, swapped or older chunks would look like any others.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_core import from_json

LEDGER_NAME = "ledger.jsonl"
"""File in an archive that lists what has been committed."""
LEDGER_ATTRIBUTE = "plumecast_ledger"
"""Attribute of an archive's Zarr group: the hash of the last ledger line that was published."""
_OLDER_ATTRIBUTES = {"dataset", "simulated", "license", "references", "source"}
_ADVICE = re.compile(r"; mend it with 'plumecast archive heal [^']*'")


def is_archive_group(attributes: Mapping[str, Any]) -> bool:
    """Return whether the attributes of a Zarr group are those of an archive.

    Args:
        attributes: Attributes of the group.
    """
    return LEDGER_ATTRIBUTE in attributes or attributes.keys() >= _OLDER_ATTRIBUTES


def heal_it(dataset: str) -> str:
    """Return what to do about an archive with a fault, to end an error with.

    Args:
        dataset: Name of the archive's dataset.
    """
    return f"; mend it with 'plumecast archive heal {dataset}'"


def without_advice(fault: str) -> str:
    """Return the line about a fault without what to do about it, for whoever does it.

    Args:
        fault: One line.
    """
    return _ADVICE.sub("", fault)


def no_ledger(archive: object) -> str:
    """Return the error message about an archive whose ledger is lost.

    Args:
        archive: Path or URL of the archive.
    """
    dataset = _dataset_of(archive) if isinstance(archive, Path) else "DATASET"
    return f"{archive}: expected the archive's {LEDGER_NAME}, found none{heal_it(dataset)}"


def _dataset_of(archive: Path) -> str:
    """Name of the dataset of a local archive, as its metadata say or else its own name."""
    try:
        return str(from_json((archive / "zarr.json").read_bytes())["attributes"]["dataset"])
    except (OSError, ValueError, LookupError, TypeError):
        return archive.stem
