"""The directory of a training: its checkpoint, and folders for the networks that are trained before it."""

from pathlib import Path

from forecast.checkpoints.description import DESCRIPTION, read_description
from forecast.training.state import has_training_state

DENOISER = "denoiser"
"""Folder of the denoiser that a fine-tuned checkpoint started from."""
MEANS = "mean"
"""Folder of the anchor's mean networks, needed to resume a training."""
PRETRAINING = "pretraining"
"""Folder of the pretrained network, before training in the region."""


def has_checkpoint(directory: Path) -> bool:
    """Return whether a directory holds a checkpoint, finished or not.

    Args:
        directory: Directory of a training.
    """
    return (directory / DESCRIPTION).exists()


def holds_finished(directory: Path) -> bool:
    """Return whether a directory holds the checkpoint of a finished training, whatever its folders hold.

    Args:
        directory: Directory of a training.
    """
    if has_training_state(directory) or not has_checkpoint(directory):
        return False
    return read_description(directory).training.finished


def unfinished(directory: Path) -> Path | None:
    """Return the directory or folder that holds an interrupted training; None if there is none.

    Args:
        directory: Directory of a training.
    """
    places = [directory, directory / PRETRAINING, *sorted((directory / MEANS).glob("*"))]
    return next(filter(has_training_state, places), None)


def is_finished(directory: Path) -> bool:
    """Return whether a directory holds the checkpoint of a finished training, and nothing unfinished in its folders.

    Args:
        directory: Directory of a training.
    """
    return holds_finished(directory) and unfinished(directory) is None
