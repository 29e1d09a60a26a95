"""Refuses NetCDF files that declare far more values than their bytes can hold, before memory is asked for them."""

from pathlib import Path

import netCDF4
import numpy as np

from data_catalog.errors import InvalidDataError

MOST_PACKED = 1100
"""Deflate packs at most 1032 bytes into one."""
ALWAYS_BYTES = 64 << 20
"""What may be declared whatever the size of the file."""


def check_declared_sizes(stored: netCDF4.Dataset, path: Path, *, whole: bool = False) -> None:
    """Refuse a file whose coordinates, or whose variables, cannot be in it.

    Args:
        stored: The open file.
        path: Its path.
        whole: Whether all variables are to be read whole; if not, only those of one dimension are, which are the axes.

    Raises:
        InvalidDataError: A variable is too large.
    """
    limit = MOST_PACKED * path.stat().st_size + ALWAYS_BYTES
    for name, variable in stored.variables.items():
        if not whole and len(variable.dimensions) != 1:
            continue
        count, width = int(np.prod(variable.shape, dtype=object)), getattr(variable.dtype, "itemsize", 1)
        if count * width > limit:
            raise InvalidDataError(
                f"{path}, {name}: expected at most {limit} bytes in a file of {path.stat().st_size}, found "
                f"{count * width} declared, shape {variable.shape}"
            )
