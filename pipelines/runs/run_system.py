"""Reads the system that made a run from its forecast file."""

import json

import netCDF4

from data_catalog.errors import InvalidDataError
from forecast.products.files.forecast_reading import CONFIGURATION
from forecast.products.files.runs import RunDirectory
from forecast.system.reading import parse_system
from forecast.system.system import System


def run_system(run: RunDirectory) -> System:
    """Read the system that made a run from its forecast file.

    Args:
        run: A published or staged run.

    Raises:
        InvalidDataError: The file does not hold its system.
    """
    with netCDF4.Dataset(run.forecast) as stored:
        if CONFIGURATION not in stored.ncattrs():
            raise InvalidDataError(f"{run.forecast}: expected the attribute {CONFIGURATION}, found none")
        content = json.loads(stored.getncattr(CONFIGURATION))
    return parse_system(content, origin=f"{run.forecast}, {CONFIGURATION}")
