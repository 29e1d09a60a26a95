"""The pictures of a run and its page."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr

from data_catalog.catalog import dataset
from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.storage.locks import lock
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import extend_manifest, verify_manifest
from forecast.products.files.runs import RunDirectory
from forecast.products.plots.pictures import plot_run
from forecast.products.report import write_report
from forecast.system.cycles import CYCLE_NAME
from forecast.system.reading import parse_system
from forecast.system.system import System
from forecast.verification.baselines.baselines import load_baselines
from forecast.verification.evaluation_report import read_evaluation
from pipelines.runs import staging
from pipelines.workspace.analyses import open_system_analysis, scalar
from pipelines.workspace.checkpoints import BASELINES_FILE, find_checkpoint
from pipelines.workspace.home import Home

DAYS_BEFORE = np.timedelta64(5, "D")
CLIMATOLOGY_MEMBERS = 50


@dataclass(frozen=True)
class Surroundings:
    """What a run is drawn against.

    Attributes:
        analysis: Archive or file, if there is one.
        baselines: File beside the checkpoint, if there is one.
    """

    analysis: Path | None = None
    baselines: Path | None = None


def draw_run(run: RunDirectory, system: System, around: Surroundings = Surroundings()) -> list[Path]:
    """Draw the pictures of a run, those of its scores too if it has any, and write its page.

    The analysis is shown up to the start, and beyond it once the run has been verified.

    Args:
        run: Published or staged; a manifest need not be there yet.
        system: What it is a run of.
        around: What it is drawn against.

    Returns:
        The pictures.
    """
    products, entry = system.products, dataset(system.dataset)
    with open_forecast(run.forecast) as stored:
        axes = stored[list(products.map_channels)]
        scores = _scores(run)
        plots = plot_run(
            run.path,
            channels=products.map_channels,
            lead_days=products.map_lead_days,
            points=products.points,
            title=system.title,
            simulated=entry.simulated,
            analysis=_analysis(system, axes, around, verified=scores is not None),
            climatology=_climatology(axes, around),
            scores=scores,
        )
    write_report(
        run.path,
        scores=scores,
        pictures=plots,
        title=system.title,
        simulated=entry.simulated,
        data_title=entry.title,
        data_licence=entry.licence,
        data_references=entry.references,
    )
    return plots


def _analysis(system: System, forecast: xr.Dataset, around: Surroundings, *, verified: bool) -> xr.Dataset | None:
    if around.analysis is None:
        return None
    start = scalar(forecast["init_time"])
    last = start + forecast["lead_time"].values.max() if verified else start
    analysis = open_system_analysis(around.analysis, system)[list(map(str, forecast.data_vars))]
    return analysis.sel(time=slice(start - DAYS_BEFORE, last)).load()


def _climatology(forecast: xr.Dataset, around: Surroundings) -> xr.Dataset | None:
    if around.baselines is None or not around.baselines.exists():
        return None
    baselines = load_baselines(around.baselines)
    start, leads = scalar(forecast["init_time"]), forecast["lead_time"].values
    if baselines.leads_of("climatology", start, leads).size < leads.size:
        return None  # it was fitted to other hours of the day
    ensemble = baselines.forecast("climatology", forecast, start, leads, members=CLIMATOLOGY_MEMBERS, seed=0)
    return ensemble[list(map(str, forecast.data_vars))]


def _scores(run: RunDirectory) -> dict[str, Any] | None:
    return read_evaluation(run.scores).scores if run.scores.exists() else None


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


def refresh_report(home: Home, path: Path) -> Path:
    """Draw the pictures of a published run again, write its page and publish both.

    Args:
        home: Where the archive and the checkpoint are looked for.
        path: A run directory.

    Returns:
        The page.

    Raises:
        ConfigurationError: It is no run directory.
        MissingDataError: The run is not finished.
        InvalidDataError: A file of it has changed since it was published.
    """
    if not path.is_dir() or CYCLE_NAME.fullmatch(path.resolve().name) is None:
        raise ConfigurationError(
            f"run {path}: expected a run directory such as runs/<system>/20080110T0000Z, found none"
        )
    run = RunDirectory.at(path)
    verify_manifest(run.path)
    system = run_system(run)
    with lock(staging.lock_path(run), f"run {run.path}"):
        stage = staging.begin_from(run, also=[run.scores])
        draw_run(stage, system, surroundings(home, system))
        extend_manifest(stage.path, staging.drawn(stage))
        staging.publish(run)
    return run.report


def surroundings(home: Home, system: System) -> Surroundings:
    """What a home has to draw a run against."""
    archive = home.archive(system.dataset)
    try:
        baselines = find_checkpoint(home, system) / BASELINES_FILE
    except ConfigurationError:
        baselines = None
    return Surroundings(archive if archive.exists() else None, baselines)
