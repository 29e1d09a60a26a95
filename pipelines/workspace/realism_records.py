"""Finds the record of a model's physics gates, which lies beside its checkpoint."""

from collections.abc import Iterator
from pathlib import Path

from forecast.verification.realism.report import REALISM_FILE, RealismReport, read_realism
from pipelines.workspace.checkpoints import shipped_checkpoint
from pipelines.workspace.home import Home
from pipelines.workspace.model_registry import ModelRegistry


def find_realism(home: Home, system_name: str, model_id: str) -> RealismReport | None:
    """Return the gates of a model: from the registry, the checkpoint of this home, or the shipped one.

    Args:
        home: Home directory.
        system_name: Name of the system.
        model_id: Identity of the model.

    Returns:
        The record; None if there is none of this very model.

    Raises:
        InvalidDataError: A record is damaged.
    """
    for directory in _places(home, system_name):
        try:
            report = read_realism(directory / REALISM_FILE)
        except FileNotFoundError:
            continue
        if report.model_id == model_id:
            return report
    return None


def _places(home: Home, system_name: str) -> Iterator[Path]:
    registry = ModelRegistry.read(home.models(system_name))
    yield from (registry.directory(model) for model in registry.models)
    yield home.checkpoint(system_name)
    yield shipped_checkpoint(system_name)
