"""The baselines beside a checkpoint, and what they can forecast from each start."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from data_catalog.layout.times import iso
from forecast.products.files.manifest import file_hash
from forecast.states.starts import initial_state_hash
from forecast.system.system import System
from forecast.verification.baselines.files import load_baselines
from forecast.verification.baselines.fitted import Baselines, baseline_seed
from pipelines.scoring.forecasters import PlannedForecast, baseline_forecasters


@dataclass(frozen=True)
class FittedBaselines:
    """Baselines with the SHA-256 of the file that holds them."""

    baselines: Baselines
    file_hash: str


def read_baselines(path: Path) -> FittedBaselines:
    """Read the file of baselines beside a checkpoint."""
    return FittedBaselines(load_baselines(path), file_hash(path))


def baseline_forecasts(
    fitted: FittedBaselines,
    system: System,
    analysis: xr.Dataset,
    init_time: np.datetime64,
    lead_times: NDArray[np.timedelta64],
    members: int,
) -> Iterator[PlannedForecast]:
    """What the baselines of a system can forecast from one start.

    A baseline that was fitted to other hours of the day is left out, or has fewer lead times.

    Args:
        fitted: The baselines.
        system: Says which of them it is measured against.
        analysis: Holds the state at the start.
        init_time: The start.
        lead_times: Those wanted.
        members: Size of each ensemble.

    Raises:
        InvalidDataError: The analysis lacks the start.
    """
    if init_time not in analysis["time"].values:
        raise InvalidDataError(f"baselines from {iso(init_time)}: expected an analysis at the start, found none")
    start = initial_state_hash(analysis.sel(time=[init_time]), system.state.predictands)
    seed = baseline_seed(init_time)
    for forecaster in baseline_forecasters(system, fitted.file_hash, members, data_hash=start):
        leads = fitted.baselines.leads_of(forecaster.name, init_time, lead_times)
        if leads.size:
            made = partial(fitted.baselines.forecast, forecaster.name, analysis, init_time, leads, members, seed)
            yield PlannedForecast(forecaster, leads, made)
