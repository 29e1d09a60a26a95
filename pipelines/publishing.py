"""What a run says about itself, and the products that are derived from its members."""

import json
from pathlib import Path

import netCDF4

from data_catalog.errors import InvalidDataError
from forecast.products.derived import write_products
from forecast.products.runs import RunDirectory
from forecast.system import System, parse_system

CONFIGURATION = "plumecast_configuration"
"""Global attribute of a forecast file that holds the system it was made by."""


def run_system(run: RunDirectory) -> System:
    """The system that a run was made by, as its forecast file tells.

    Raises:
        InvalidDataError: It does not tell.
    """
    with netCDF4.Dataset(run.forecast) as stored:
        if CONFIGURATION not in stored.ncattrs():
            raise InvalidDataError(f"{run.forecast}: expected the attribute {CONFIGURATION}, found none")
        content = json.loads(stored.getncattr(CONFIGURATION))
    return parse_system(content, origin=f"{run.forecast}, {CONFIGURATION}")


def write_run_products(run: RunDirectory, system: System) -> Path:
    """Write mean, spread, quantiles and probabilities of a run."""
    products = system.products
    return write_products(
        run.forecast,
        run.products,
        quantiles=products.quantiles,
        probabilities=[event.model_dump() for event in products.probabilities],
    )
