"""Finds checkpoints and their baselines; this needs no PyTorch, while opening a checkpoint does."""

from importlib import resources
from pathlib import Path

from data_catalog.errors import ConfigurationError
from forecast.system.system import System
from pipelines.workspace.home import Home
from pipelines.workspace.model_registry import ModelRegistry

BASELINES_FILE = "baselines.nc"
"""Name of the file of baselines in the directory of a checkpoint."""


def find_checkpoint(home: Home, system: System, given: Path | None = None) -> Path:
    """Return the directory of the checkpoint to use: the given one, else that of the registry's live model.

    Without a registry it is the one that is trained in this home, else the shipped one.

    Args:
        home: Home directory, which holds trained checkpoints.
        system: The system.
        given: Directory given by the user; None to search.

    Raises:
        ConfigurationError: There is no checkpoint.
    """
    candidates = (given,) if given is not None else _usual_places(home, system.name)
    for directory in candidates:
        if _holds_model(directory):
            return directory
    looked = " or ".join(str(directory) for directory in candidates)
    raise ConfigurationError(
        f"checkpoint of '{system.name}': expected model.json in {looked}, found none; "
        f"train one with 'plumecast train {system.name}'"
    )


def find_own_checkpoint(home: Home, system: System, given: Path | None = None) -> Path:
    """Return the directory of a checkpoint that may get a calibration card: any but the shipped one, which users share.

    Args:
        home: Home directory, which holds trained checkpoints.
        system: The system.
        given: Directory given by the user; None to search.

    Raises:
        ConfigurationError: There is no checkpoint, or only the shipped one.
    """
    found = find_checkpoint(home, system, given)
    if found.resolve() == shipped_checkpoint(system.name).resolve():
        raise ConfigurationError(
            f"checkpoint of '{system.name}': expected one in {home.checkpoint(system.name)} to put a card beside, "
            f"found only the shipped one; copy it there from {found}, train one, or name one with --checkpoint"
        )
    return found


def has_checkpoint(home: Home, system_name: str) -> bool:
    """Return whether a checkpoint of a system was trained in this home or is shipped."""
    return any(map(_holds_model, _usual_places(home, system_name)))


def shipped_checkpoint(system_name: str) -> Path:
    """Return the directory in the package for the shipped checkpoint of a system; it exists for few systems."""
    return Path(str(resources.files("forecast"))) / "pretrained" / system_name


def find_baselines(checkpoint: Path) -> Path:
    """Return the path of the baselines of a checkpoint.

    Args:
        checkpoint: Directory of the checkpoint.

    Raises:
        ConfigurationError: There are no baselines.
    """
    path = checkpoint / BASELINES_FILE
    if not path.exists():
        raise ConfigurationError(f"baselines of checkpoint {checkpoint}: expected {BASELINES_FILE}, found none")
    return path


def _usual_places(home: Home, system_name: str) -> tuple[Path, ...]:
    registry = ModelRegistry.read(home.models(system_name))
    if (live := registry.live) is not None:
        return (registry.directory(live),)
    return home.checkpoint(system_name), shipped_checkpoint(system_name)


def _holds_model(directory: Path) -> bool:
    return (directory / "model.json").is_file()
