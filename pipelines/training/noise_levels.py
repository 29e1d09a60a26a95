"""TODO: pipelines/training/noise_levels.py."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from data_catalog.catalog import dataset
from forecast.system.system import System

logger = logging.getLogger("plumecast")

NOISE_LEVELS_PICTURE = "noise_levels.png"


def show_noise_levels(record: Mapping[str, Any], system: System, directory: Path) -> Path:
    """Log and draw what a denoiser has learned at which noise level.

    Args:
        record: `noise_levels` of a stage in the training record.
        system: What is trained.
        directory: Of the checkpoint.

    Returns:
        The picture.
    """
    from forecast.products.plots.noise_levels import plot_noise_levels, relative_errors

    means = np.mean(list(relative_errors(record).values()), axis=0)
    levels = ", ".join(f"{sigma:g}: {mean:.3f}" for sigma, mean in zip(record["sigma"], means, strict=True))
    logger.info("Relative squared error by noise level: %s", levels)
    simulated = dataset(system.dataset).simulated
    return plot_noise_levels(record, directory / NOISE_LEVELS_PICTURE, origin=system.title, simulated=simulated)
