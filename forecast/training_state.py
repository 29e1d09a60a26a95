"""What an unfinished training needs to go on as if it had not been interrupted: one safetensors file, never pickle."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from data_catalog.atomic import atomic_path
from data_catalog.errors import ConfigurationError, InvalidDataError

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


def save_training_state(
    directory: Path,
    position: TrainingPosition,
    training_hash: str,
    model: nn.Module,
    averaged: nn.Module,
    optimiser: torch.optim.Optimizer,
) -> None:
    """Write weights, averaged weights and optimiser moments at a position, as one file."""
    tensors = {name: value.detach().contiguous().cpu() for name, value in _tensors(model, averaged, optimiser).items()}
    metadata = {"stage": str(position.stage), "done": str(position.done), "training_hash": training_hash}
    with atomic_path(directory / STATE) as partial:
        save_file(tensors, partial, metadata=metadata)


def load_training_state(
    directory: Path, training_hash: str, model: nn.Module, averaged: nn.Module, optimiser: torch.optim.Optimizer
) -> TrainingPosition:
    """Put an unfinished training's numbers back.

    Returns:
        Where it was; at the very beginning where the directory holds no unfinished training.

    Raises:
        ConfigurationError: It is the training of another system.
        InvalidDataError: The file is damaged.
    """
    path = directory / STATE
    if not path.exists():
        return TrainingPosition(0, 0)
    fill_moments(model, optimiser)
    try:
        with safe_open(path, framework="pt") as stored, torch.no_grad():
            record = stored.metadata()
            if record["training_hash"] != training_hash:
                raise ConfigurationError(f"{path}: expected the training of this system, found another's")
            for name, value in _tensors(model, averaged, optimiser).items():
                value.copy_(stored.get_tensor(name))
    except SafetensorError as error:
        raise InvalidDataError(f"{path}: expected a training state, found {error}; train without --resume") from None
    return TrainingPosition(int(record.get("stage", 0)), int(record["done"]))


def remove_training_state(directory: Path) -> None:
    """Forget the unfinished training, because it is finished."""
    (directory / STATE).unlink(missing_ok=True)


def _tensors(model: nn.Module, averaged: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"averaged.{name}": value for name, value in averaged.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimiser.state[parameter].items():
            tensors[f"optimiser.{key}.{name}"] = value
    return tensors


def fill_moments(model: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Make a fresh optimiser allocate its moments, without moving a weight."""
    for parameter in model.parameters():
        optimiser.state[parameter] = {
            "step": torch.zeros(()),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
