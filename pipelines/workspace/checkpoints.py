"""TODO: pipelines/workspace/checkpoints.py."""

import logging
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from data_catalog.errors import ConfigurationError
from forecast.system.system import System
from forecast.verification.baselines.baselines import Baselines, load_baselines
from pipelines.workspace.home import Home

if TYPE_CHECKING:
    from forecast.checkpoints.checkpoint import Checkpoint


def find_baselines(checkpoint: Path) -> Baselines:
    """The baselines beside a checkpoint.

    Raises:
        ConfigurationError: There are none.
    """
    path = checkpoint / BASELINES_FILE
    if not path.exists():
        raise ConfigurationError(f"baselines of checkpoint {checkpoint}: expected {BASELINES_FILE}, found none")
    return load_baselines(path)


logger = logging.getLogger("plumecast")
BASELINES_FILE = "baselines.nc"
"""Beside the model of a checkpoint."""


def find_checkpoint(home: Home, system: System, given: Path | None = None) -> Path:
    """Directory of the checkpoint to use: as given, else trained in this home, else shipped.

    Raises:
        ConfigurationError: There is none.
    """
    candidates = [given] if given is not None else [home.checkpoint(system.name), shipped_checkpoint(system.name)]
    for directory in candidates:
        if (directory / "model.json").is_file():
            return directory
    looked = " or ".join(str(directory) for directory in candidates)
    raise ConfigurationError(
        f"checkpoint of '{system.name}': expected model.json in {looked}, found none; "
        f"train one with 'plumecast train {system.name}'"
    )


def shipped_checkpoint(system_name: str) -> Path:
    """Where the package would hold the checkpoint of a system."""
    return Path(str(resources.files("forecast"))) / "pretrained" / system_name


def open_checkpoint(directory: Path, system: System) -> "Checkpoint":
    """The checkpoint that forecasts a system, in steps of its length.

    Raises:
        ConfigurationError: It was trained for another system, or has not learned such steps.
        InvalidDataError: A file is damaged.
    """
    from forecast.checkpoints.files import load_checkpoint

    checkpoint, step_hours = load_checkpoint(directory), system.state.step_hours
    if step_hours in checkpoint.system.learned_step_hours and step_hours != checkpoint.system.state.step_hours:
        if checkpoint.calibration is not None:
            logger.info("The calibration card is of steps of %d h: not used", checkpoint.system.state.step_hours)
        checkpoint = load_checkpoint(directory, step_hours=step_hours)
    check_same_state(system, checkpoint.system, directory)
    warn_of_unfinished(checkpoint, directory)
    return checkpoint


def warn_of_unfinished(checkpoint: "Checkpoint", directory: Path) -> None:
    """Log a warning where a checkpoint is what a training has made so far."""
    if not checkpoint.training.get("finished", True):
        logger.warning(
            "%s: its training has not come to its end; 'plumecast train --resume' goes on with it", directory
        )


def check_same_state(system: System, trained: System, checkpoint: Path) -> None:
    """Refuse a checkpoint that was trained for another system.

    Args:
        system: What is to be forecast.
        trained: What the checkpoint was trained for.
        checkpoint: Its directory, for the message.

    Raises:
        ConfigurationError: Dataset or state differ.
    """
    for what, expected, found in (
        ("dataset", system.dataset, trained.dataset),
        ("predictands", system.state.predictands, trained.state.predictands),
        ("static channels", system.state.static, trained.state.static),
        ("step_hours", system.state.step_hours, trained.state.step_hours),
        ("past_states", system.state.past_states, trained.state.past_states),
    ):
        if expected != found:
            raise ConfigurationError(
                f"checkpoint {checkpoint} was trained for system '{trained.name}': "
                f"expected {what} {_plain(expected)} of '{system.name}', found {_plain(found)}"
            )


def _plain(value: object) -> str:
    return ", ".join(str(part) for part in value) or "none" if isinstance(value, tuple) else str(value)
