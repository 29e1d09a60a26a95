"""What an unfinished training needs to go on as if it had not been interrupted: one safetensors file, never pickle."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.storage.atomic_files import atomic_path
from forecast.checkpoints.files import DESCRIPTION, read_description
from forecast.parallel.sharding import overwrite
from forecast.training.averaged_weights import AveragedWeights
from forecast.training.optimiser import Optimiser

STATE = "training.safetensors"


@dataclass(frozen=True)
class TrainingPosition:
    """How far a training is: iterations done in a stage."""

    stage: int
    done: int

    def after_iteration(self) -> "TrainingPosition":
        """One iteration on."""
        return replace(self, done=self.done + 1)

    def next_stage(self) -> "TrainingPosition":
        """Begin of the stage that follows."""
        return TrainingPosition(self.stage + 1, 0)


def has_training_state(directory: Path) -> bool:
    """Whether a directory holds an unfinished training."""
    return (directory / STATE).exists()


def holds_finished(directory: Path) -> bool:
    """Whether a directory holds the checkpoint of a training that came to its end."""
    if has_training_state(directory) or not (directory / DESCRIPTION).exists():
        return False
    return bool(read_description(directory)["training"].get("finished", True))


def save_training_state(
    directory: Path, position: TrainingPosition, training_hash: str, tensors: Mapping[str, Tensor]
) -> None:
    """Write everything `training_tensors` named, whole, at a position, as one file."""
    metadata = {"stage": str(position.stage), "done": str(position.done), "training_hash": training_hash}
    with atomic_path(directory / STATE) as partial:
        save_file(dict(tensors), partial, metadata=metadata)


def load_training_state(directory: Path, training_hash: str, tensors: Mapping[str, Tensor]) -> TrainingPosition:
    """Put an unfinished training's numbers back, whatever the number of processes that left it.

    Args:
        directory: Where it was left.
        training_hash: Of what is trained now.
        tensors: As `training_tensors` names them; overwritten. This process may hold a part of each: then every process
            must call this.

    Returns:
        Where it was; at the very beginning where the directory holds no unfinished training.

    Raises:
        ConfigurationError: It is the training of another system.
        InvalidDataError: The file is damaged.
    """
    path = directory / STATE
    if not path.exists():
        return TrainingPosition(0, 0)
    try:
        with safe_open(path, framework="pt") as stored:
            record = stored.metadata()
            if record["training_hash"] != training_hash:
                raise ConfigurationError(f"{path}: expected the training of this system, found another's")
            for name, tensor in tensors.items():
                overwrite(tensor, stored.get_tensor(name))
    except SafetensorError as error:
        raise InvalidDataError(f"{path}: expected a training state, found {error}; train without --resume") from None
    return TrainingPosition(int(record.get("stage", 0)), int(record["done"]))


def remove_training_state(directory: Path) -> None:
    """Forget the unfinished training, because it is finished."""
    (directory / STATE).unlink(missing_ok=True)


def training_tensors(model: nn.Module, averaged: AveragedWeights, optimiser: Optimiser) -> dict[str, Tensor]:
    """Everything that moves in a training: weights, their averages and the optimiser's moments, by name."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"averaged.{name}": value for name, value in averaged.weights.items()}
    tensors |= {f"optimiser.{name}": value for name, value in optimiser.tensors()}
    return tensors
