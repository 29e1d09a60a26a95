"""TODO: forecast/training/checks.py."""

from collections.abc import Sequence
from pathlib import Path

from data_catalog.errors import ConfigurationError
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.files import load_checkpoint
from forecast.parallel.ranks import Ranks
from forecast.sphere.grid import Grid
from forecast.system.system import System
from forecast.training.stages import Stage


def check_trained(system: System, directory: Path) -> None:
    """Refuse a finished checkpoint of another training."""
    if load_checkpoint(directory).system.training_hash() != system.training_hash():
        raise ConfigurationError(f"{directory}: expected the training of this system, found another's")


def check_origin(system: System, grid: Grid, initial_checkpoint: Checkpoint) -> None:
    """Whether a checkpoint's numbers mean what the system's mean."""
    wanted, found = system.state, initial_checkpoint.system.state
    for name in ("predictands", "static", "past_states"):
        if getattr(wanted, name) != getattr(found, name):
            raise ConfigurationError(
                f"training from a checkpoint: expected one with {name} {getattr(wanted, name)}, "
                f"found {getattr(found, name)}"
            )
    for what, expected, has in (
        ("steps", _hours(system), _hours(initial_checkpoint.system)),
        ("anchor", system.anchor.form(), initial_checkpoint.system.anchor.form()),
    ):
        if expected != has:
            raise ConfigurationError(f"training from a checkpoint: expected one with {what} {expected}, found {has}")
    if not grid.is_close_to(initial_checkpoint.grid):
        raise ConfigurationError(
            f"training from a checkpoint: expected one on the analysis' grid {grid.shape}, "
            f"found {initial_checkpoint.grid.shape} or other points"
        )


def _hours(system: System) -> str:
    return f"of {' and '.join(map(str, system.learned_step_hours))} h"


def check_shares(plan: Sequence[Stage], ranks: Ranks) -> None:
    for stage in plan:
        if stage.batch_size % ranks.count:
            raise ConfigurationError(
                f"batch_size of {stage.name}: expected a multiple of the {ranks.count} processes, "
                f"found {stage.batch_size}"
            )
