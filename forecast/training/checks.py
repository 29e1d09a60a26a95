"""Checks before a training starts: settings that contradict the grid or each other, and trainings already on disk."""

from collections.abc import Sequence
from pathlib import Path

from data_catalog.errors import ConfigurationError
from forecast.checkpoints.compatibility import check_same_training
from forecast.checkpoints.files import load_checkpoint
from forecast.parallel.ranks import Ranks
from forecast.sphere.grid import Grid
from forecast.states.standardiser import is_amount
from forecast.system.system import System
from forecast.training.directory import unfinished
from forecast.training.stages import Stage


def check_trained(system: System, directory: Path) -> None:
    """Check that the finished checkpoint in a directory comes from the requested training.

    Args:
        system: The requested system.
        directory: Directory of the checkpoint.

    Raises:
        ConfigurationError: The checkpoint comes from another training.
        InvalidDataError: A file of the checkpoint is damaged.
    """
    found = load_checkpoint(directory).system
    check_same_training(system.training_hash(), found.training_hash(), where=str(directory))


def refuse_unfinished(directory: Path) -> None:
    """Raise an error if a directory holds an interrupted training.

    Args:
        directory: Directory for a new training.

    Raises:
        ConfigurationError: The directory holds an interrupted training.
    """
    if left := unfinished(directory):
        raise ConfigurationError(
            f"training: expected no unfinished training in {left}, found one; resume it, or train elsewhere"
        )


def check_shares(plan: Sequence[Stage], ranks: Ranks) -> None:
    """Check that the batches of a training divide evenly among the processes, or among teams of them.

    Args:
        plan: All stages.
        ranks: The processes.

    Raises:
        ConfigurationError: The batch size of a stage is not divisible by the number of processes or teams.
    """
    for stage in plan:
        if stage.batch_size % ranks.teams:
            among = f"{ranks.teams} {'processes' if ranks.bands.count == 1 else 'teams of processes'}"
            raise ConfigurationError(
                f"batch_size of {stage.name}: expected a multiple of the {among}, found {stage.batch_size}"
            )


def check_settings(system: System, grid: Grid, *, starts_trained: bool) -> None:
    """Check that a system can be trained on a grid.

    Args:
        system: The system to be trained.
        grid: Grid of the analysis.
        starts_trained: Whether it starts from a checkpoint, whose anchor is fitted.

    Raises:
        ConfigurationError: A setting does not fit the grid, the channels or the loader.
    """
    where, pretraining = f"system {system.name}", None if starts_trained else system.pretraining
    tunings = (*system.finetuning, *(pretraining.finetuning if pretraining else ()))
    for key in ("spectral_weight", "amounts_weight"):
        if any(getattr(tuning, key) for tuning in tunings) and not grid.topology().is_globe:
            raise ConfigurationError(
                f"{where}: finetuning.{key}: expected 0 on a region, which has no harmonics, found more"
            )
    if any(tuning.amounts_weight for tuning in tunings) and not any(map(is_amount, system.state.predictands)):
        raise ConfigurationError(
            f"{where}: finetuning.amounts_weight: expected 0, as no predictand is an amount, found more"
        )
    if system.training.mirrored and not grid.is_symmetric_globe():
        raise ConfigurationError(
            f"{where}: training.mirrored: expected a globe that is symmetric about the equator, found another grid"
        )
    fits_anchor = system.anchor.kind == "linear" and (not starts_trained or system.anchor.cross_fitted)
    if system.training.loader == "archive" and fits_anchor:
        raise ConfigurationError(
            f"{where}: expected anchor.kind 'persistence' or 'mean' where training.loader is 'archive', "
            f"found '{system.anchor.kind}', which is fitted in memory"
        )
