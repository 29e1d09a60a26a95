"""Opens a checkpoint for a forecast and checks that it fits the system."""

import logging
from pathlib import Path

from forecast.calibration.card import CARD
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.compatibility import check_same_state
from forecast.checkpoints.files import load_checkpoint, stored_system
from forecast.system.system import System

logger = logging.getLogger("plumecast")


def open_checkpoint(directory: Path, system: System) -> Checkpoint:
    """Open the checkpoint to forecast a system, with the system's step length.

    Args:
        directory: Directory of the checkpoint.
        system: The system to be forecast.

    Raises:
        ConfigurationError: It was trained for another system, or has not learned this step length.
        InvalidDataError: A file is damaged.
    """
    trained, step_hours = stored_system(directory), system.state.step_hours
    if step_hours != trained.state.step_hours and step_hours in trained.learned_step_hours:
        if (directory / CARD).exists():
            logger.info("The calibration card was fitted to steps of %d h and is not used", trained.state.step_hours)
        checkpoint = load_checkpoint(directory, step_hours=step_hours)
    else:
        checkpoint = load_checkpoint(directory)
    check_same_state(system, checkpoint.system, where=f"checkpoint {directory}")
    warn_of_unfinished(checkpoint, directory)
    return checkpoint


def open_uncalibrated(directory: Path, system: System) -> Checkpoint:
    """Open the checkpoint of a system without its calibration card, to fit a sampler or a new card to it.

    Args:
        directory: Directory of the checkpoint.
        system: The system.

    Raises:
        ConfigurationError: It was trained for another system.
        InvalidDataError: A file is damaged.
    """
    checkpoint = load_checkpoint(directory, calibrated=False)
    check_same_state(system, checkpoint.system, where=f"checkpoint {directory}")
    warn_of_unfinished(checkpoint, directory)
    return checkpoint


def warn_of_unfinished(checkpoint: Checkpoint, directory: Path) -> None:
    """Log a warning if a checkpoint is a snapshot of a training that has not finished.

    Args:
        checkpoint: The checkpoint.
        directory: Directory of the checkpoint, for the message.
    """
    if not checkpoint.training.finished:
        logger.warning("%s: its training has not finished; 'plumecast train --resume' continues it", directory)
