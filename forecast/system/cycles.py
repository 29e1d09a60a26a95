"""Names of cycles: the names of run directories, made from their init times."""

import re

import numpy as np

from data_catalog.errors import InvalidDataError
from data_catalog.layout.times import iso

CYCLE_NAME = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})Z")
"""A cycle's name: year, month, day, hour, minute, UTC."""


def cycle_name(init_time: np.datetime64) -> str:
    """Return the name of a cycle's directory, such as `20080115T0000Z`.

    Args:
        init_time: Init time of the cycle, UTC.
    """
    return iso(init_time).replace("-", "").replace(":", "")


def parse_cycle_name(name: str) -> np.datetime64:
    """Return the init time of a cycle from the name of its directory.

    Args:
        name: Name of the directory, without its parents.

    Raises:
        InvalidDataError: The name is not of the form YYYYMMDDTHHMMZ.
    """
    match = CYCLE_NAME.fullmatch(name)
    if match is None:
        raise InvalidDataError(f"run directory {name!r}: expected a name like 20080115T0000Z")
    year, month, day, hour, minute = match.groups()
    try:
        return np.datetime64(f"{year}-{month}-{day}T{hour}:{minute}", "ns")
    except ValueError as error:
        raise InvalidDataError(f"run directory {name!r}: not a time ({error})") from error
