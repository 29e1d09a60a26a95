"""Fits the baselines of a system on its training period."""

import logging
import math
from pathlib import Path

import numpy as np
import xarray as xr

from forecast.system.system import System
from forecast.verification.baselines.files import save_baselines
from forecast.verification.baselines.fitting import fit_baselines
from pipelines.workspace.checkpoints import BASELINES_FILE

logger = logging.getLogger("plumecast")


def fit_system_baselines(system: System, analysis: xr.Dataset, directory: Path) -> Path:
    """Fit the baselines of a system on its training period, and write them beside its checkpoint.

    Args:
        system: The system, which defines period, lead step and number of EOFs.
        analysis: Analysis with the predictands over the training period.
        directory: Directory of the checkpoint; created if absent.

    Returns:
        Path of the file.
    """
    period = system.periods.training
    logger.info("Fitting the baselines of %s on %s to %s", system.name, period.start, period.end)
    baselines = fit_baselines(
        analysis[list(system.state.predictands)],
        (np.datetime64(period.start, "ns"), np.datetime64(period.end, "ns")),
        step_hours=system.state.step_hours,
        every_hours=math.gcd(*system.learned_step_hours),
        eofs=system.verification.baseline_eofs,
    )
    directory.mkdir(parents=True, exist_ok=True)
    return save_baselines(baselines, directory / BASELINES_FILE)
