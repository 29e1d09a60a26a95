"""TODO: pipelines/training/baselines.py."""

import logging
import math
from pathlib import Path

import numpy as np
import xarray as xr

from forecast.system.system import System
from pipelines.workspace.checkpoints import BASELINES_FILE

logger = logging.getLogger("plumecast")


def fit_system_baselines(system: System, analysis: xr.Dataset, directory: Path) -> Path:
    """Fit climatology, persistence and linear baselines on the training period.

    Returns:
        The file, beside the checkpoint.
    """
    from forecast.verification.baselines.baselines import fit_baselines

    period = system.periods.training
    logger.info("Fit the baselines of %s on %s to %s", system.name, period.start, period.end)
    baselines = fit_baselines(
        analysis[list(system.state.predictands)],
        (np.datetime64(period.start, "ns"), np.datetime64(period.end, "ns")),
        step_hours=system.state.step_hours,
        every_hours=math.gcd(*system.learned_step_hours),
        eofs=system.verification.baseline_eofs,
    )
    directory.mkdir(parents=True, exist_ok=True)
    return baselines.save(directory / BASELINES_FILE)
