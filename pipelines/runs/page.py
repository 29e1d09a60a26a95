"""Draws the figures of a run and writes its page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.runs import RunDirectory
from forecast.products.page.report import write_report
from forecast.products.plots.figures import KnownWeather
from forecast.products.plots.pictures import drawn_channels, plot_run
from forecast.system.system import System
from forecast.verification.baselines.fitted import Baselines
from forecast.verification.evaluation_report import read_evaluation
from pipelines.workspace.analyses import scalar

DAYS_BEFORE = np.timedelta64(5, "D")
CLIMATOLOGY_MEMBERS = 50


@dataclass(frozen=True)
class Background:
    """The data that a run is drawn against, as far as it is available.

    Attributes:
        analysis: Analysis with the channels of the system, lazy; None without one. Of an ensemble the first member is
            shown.
        baselines: Baselines of the checkpoint, for the climatology; None without them.
    """

    analysis: xr.Dataset | None = None
    baselines: Baselines | None = None


def draw_run(run: RunDirectory, system: System, background: Background = Background()) -> list[Path]:
    """Draw the figures of a run, also of its scores if it has any, and write its page.

    The analysis is shown up to the init time, and beyond it once the run has been verified. Figures that are there and
    would be the same stay.

    Args:
        run: A published or staged run; it need not have a manifest yet.
        system: The system that made the run.
        background: Analysis and climatology that the run is drawn against.

    Returns:
        Paths of the figures.
    """
    products, entry = system.products, system.entry
    with open_forecast(run.forecast) as stored:
        shown = stored[drawn_channels(stored, products.map_channels)]
        scores = _scores(run)
        plots = plot_run(
            run.path,
            channels=products.map_channels,
            lead_days=products.map_lead_days,
            points=products.points,
            title=system.title,
            simulated=entry.simulated,
            known=KnownWeather(
                _analysis(shown, background.analysis, verified=scores is not None),
                _climatology(shown, background.baselines),
            ),
            scores=scores,
        )
    write_report(run.path, title=system.title, data=entry, pictures=plots, scores=scores)
    return plots


def _analysis(forecast: xr.Dataset, analysis: xr.Dataset | None, *, verified: bool) -> xr.Dataset | None:
    if analysis is None:
        return None
    if "member" in analysis.dims:
        analysis = analysis.isel(member=0, drop=True)
    start = scalar(forecast["init_time"])
    last = start + forecast["lead_time"].values.max() if verified else start
    return analysis[list(map(str, forecast.data_vars))].sel(time=slice(start - DAYS_BEFORE, last)).load()


def _climatology(forecast: xr.Dataset, baselines: Baselines | None) -> xr.Dataset | None:
    if baselines is None:
        return None
    start, leads = scalar(forecast["init_time"]), forecast["lead_time"].values
    if baselines.leads_of("climatology", start, leads).size < leads.size:
        return None  # it was fitted to other hours of the day
    ensemble = baselines.forecast("climatology", forecast, start, leads, members=CLIMATOLOGY_MEMBERS, seed=0)
    return ensemble[list(map(str, forecast.data_vars))]


def _scores(run: RunDirectory) -> dict[str, Any] | None:
    return read_evaluation(run.scores).scores if run.scores.exists() else None
