"""What lies in the directory of a training: its checkpoint, and folders for what is trained before it."""

from pathlib import Path

from forecast.checkpoints.description import DESCRIPTION, read_description
from forecast.training.state import has_training_state

DENOISER = "denoiser"
"""Folder that keeps the denoiser which a fine-tuned checkpoint was made from."""
MEANS = "mean"
"""Folder that keeps the mean networks of the anchor, for a training that is resumed."""
PRETRAINING = "pretraining"
"""Folder that keeps the network as it was before it saw the region."""


def has_checkpoint(directory: Path) -> bool:
    """Whether a directory holds a checkpoint, finished or not.

    Args:
        directory: Of a training.
    """
    return (directory / DESCRIPTION).exists()


def holds_finished(directory: Path) -> bool:
    """Whether a directory holds the checkpoint of a finished training, whatever its folders hold.

    Args:
        directory: Of a training.
    """
    if has_training_state(directory) or not has_checkpoint(directory):
        return False
    return read_description(directory).training.finished


def unfinished(directory: Path) -> Path | None:
    """Directory or folder in which a training was interrupted; None where none was.

    Args:
        directory: Of a training.
    """
    places = [directory, directory / PRETRAINING, *sorted((directory / MEANS).glob("*"))]
    return next(filter(has_training_state, places), None)


def is_finished(directory: Path) -> bool:
    """Whether a directory holds the checkpoint of a finished training, and nothing unfinished in its folders.

    Args:
        directory: Of a training.
    """
    return holds_finished(directory) and unfinished(directory) is None
