"""The state from which an interrupted training resumes bit for bit: one safetensors file, never pickle."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from data_catalog.errors import InvalidDataError
from data_catalog.storage.atomic_files import atomic_path
from forecast.checkpoints.compatibility import check_same_training
from forecast.parallel.sharding import overwrite
from forecast.training.averaged_weights import AveragedWeights
from forecast.training.optimiser import Optimiser

STATE = "training.safetensors"


@dataclass(frozen=True)
class TrainingPosition:
    """The position of a training.

    Attributes:
        stage: Number of the stage, counted from 0.
        done: Number of iterations done in the stage.
    """

    stage: int
    done: int

    def after_iteration(self) -> "TrainingPosition":
        """Return the position one iteration on."""
        return replace(self, done=self.done + 1)

    def next_stage(self) -> "TrainingPosition":
        """Return the start of the next stage."""
        return TrainingPosition(self.stage + 1, 0)


START = TrainingPosition(stage=0, done=0)


def has_training_state(directory: Path) -> bool:
    """Return whether a directory holds an interrupted training.

    Args:
        directory: Directory of a training.
    """
    return (directory / STATE).exists()


def save_training_state(
    directory: Path, position: TrainingPosition, training_hash: str, tensors: Mapping[str, Tensor]
) -> None:
    """Write the state of a training as one file.

    Args:
        directory: Directory of the training; created if absent.
        position: Position of the training.
        training_hash: Hash of the training and of the checkpoint that it started from.
        tensors: Whole tensors on the CPU, by name as in `training_tensors`.
    """
    metadata = {"stage": str(position.stage), "done": str(position.done), "training_hash": training_hash}
    with atomic_path(directory / STATE) as partial:
        save_file(dict(tensors), partial, metadata=metadata)


def load_training_state(directory: Path, training_hash: str, tensors: Mapping[str, Tensor]) -> TrainingPosition:
    """Restore the tensors of an interrupted training, which may have run on another number of processes.

    Args:
        directory: Directory of the training.
        training_hash: Hash of the present training.
        tensors: Tensors by name, from `training_tensors`; overwritten. If they are sharded, every process must call
            this.

    Returns:
        Position of the interrupted training; the start if there is none.

    Raises:
        ConfigurationError: The stored state belongs to another training.
        InvalidDataError: The file is damaged.
    """
    path = directory / STATE
    if not path.exists():
        return START
    try:
        with safe_open(path, framework="pt") as stored:
            record = stored.metadata()
            check_same_training(training_hash, record["training_hash"], where=str(path))
            for name, tensor in tensors.items():
                overwrite(tensor, stored.get_tensor(name))
    except SafetensorError as error:
        raise InvalidDataError(
            f"{path}: expected a training state, found {error}; remove the file to train from the beginning"
        ) from None
    return TrainingPosition(int(record.get("stage", 0)), int(record["done"]))


def remove_training_state(directory: Path) -> None:
    """Remove the state of a finished training.

    Args:
        directory: Directory of the training.
    """
    (directory / STATE).unlink(missing_ok=True)


def training_tensors(model: nn.Module, averaged: AveragedWeights, optimiser: Optimiser) -> dict[str, Tensor]:
    """Return every tensor that changes in a training, by name: weights, their averages and the optimiser's moments.

    Args:
        model: The model in training.
        averaged: The averages of its weights.
        optimiser: The optimiser of the weights.
    """
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"averaged.{name}": value for name, value in averaged.weights.items()}
    tensors |= {f"optimiser.{name}": value for name, value in optimiser.tensors()}
    return tensors
