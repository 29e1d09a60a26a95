"""Logs and plots the error of a denoiser at each noise level."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from forecast.products.plots.noise_levels import plot_noise_levels, relative_errors
from forecast.system.system import System

logger = logging.getLogger("plumecast")

NOISE_LEVELS_PICTURE = "noise_levels.png"


def show_noise_levels(record: Mapping[str, Any], system: System, directory: Path) -> Path:
    """Log the mean relative error of a denoiser at each noise level, and draw it for each channel.

    Args:
        record: The `noise_levels` of a stage in the training record.
        system: The trained system.
        directory: Directory of the checkpoint, where the figure is written.

    Returns:
        Path of the figure.
    """
    means = np.mean(list(relative_errors(record).values()), axis=0)
    levels = ", ".join(f"{sigma:g}: {mean:.3f}" for sigma, mean in zip(record["sigma"], means, strict=True))
    logger.info("Relative squared error by noise level: %s", levels)
    simulated = system.entry.simulated
    return plot_noise_levels(record, directory / NOISE_LEVELS_PICTURE, origin=system.title, simulated=simulated)
