"""What is derived from the members of a run: products, pictures and the page."""

from pathlib import Path

from forecast.products.derived import write_products
from forecast.products.runs import RunDirectory
from forecast.system import System


def write_run_products(run: RunDirectory, system: System) -> Path:
    """Write mean, spread, quantiles and probabilities of a run."""
    products = system.products
    write_products(run.forecast, run.products, products.quantiles, products.probabilities)
    return run.products
