"""Reads the system that made a run from its forecast file."""

import netCDF4
from pydantic_core import from_json

from data_catalog.errors import InvalidDataError
from forecast.products.files.forecast_reading import CONFIGURATION
from forecast.products.files.retired import require_kept
from forecast.products.files.runs import RunDirectory
from forecast.system.reading import parse_system
from forecast.system.system import System


def run_system(run: RunDirectory) -> System:
    """Read the system that made a run from its forecast file.

    Args:
        run: A published or staged run.

    Raises:
        InvalidDataError: The file is damaged, or does not hold its system.
        ConfigurationError: The members of the run were retired.
    """
    require_kept(run, run.forecast, "members")
    try:
        with netCDF4.Dataset(run.forecast) as stored:
            text = stored.getncattr(CONFIGURATION) if CONFIGURATION in stored.ncattrs() else None
        content = None if text is None else from_json(text)
    except (OSError, ValueError, TypeError) as error:
        raise InvalidDataError(
            f"{run.forecast}: expected a forecast file that names its system, found {error}"
        ) from None
    if not isinstance(content, dict):
        raise InvalidDataError(f"{run.forecast}: expected the attribute {CONFIGURATION}, found {content or 'none'}")
    return parse_system(content, origin=f"{run.forecast}, {CONFIGURATION}")
