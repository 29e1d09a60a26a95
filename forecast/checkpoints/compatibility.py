"""Checks that a checkpoint fits: to forecast a system, to resume or start a training, or to join other networks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from data_catalog.errors import ConfigurationError
from forecast.calibration.card import CARD
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.sphere.grid import Grid
from forecast.states.standardiser import Standardiser
from forecast.system.system import System


def check_same_state(system: System, trained: System, *, where: str) -> None:
    """Check that two systems define the state in the same way.

    Args:
        system: The system to be forecast.
        trained: The system that the checkpoint was trained for.
        where: Name of the checkpoint in the error message.

    Raises:
        ConfigurationError: Dataset, channels, step or number of past states differ.
    """
    for what, expected, found in (
        ("dataset", system.dataset_identity, trained.dataset_identity),
        ("predictands", system.state.predictands, trained.state.predictands),
        ("static channels", system.state.static, trained.state.static),
        ("step_hours", system.state.step_hours, trained.state.step_hours),
        ("past_states", system.state.past_states, trained.state.past_states),
    ):
        if expected != found:
            raise ConfigurationError(
                f"{where} was trained for system '{trained.name}': "
                f"expected {what} {_plain(expected)} of '{system.name}', found {_plain(found)}"
            )


def check_forecasts(checkpoint: Checkpoint, system: System) -> None:
    """Check that a checkpoint, with its calibration card, can make the members of a system.

    Args:
        checkpoint: The model.
        system: The system to be forecast, with the step length that the checkpoint was opened with.

    Raises:
        ConfigurationError: The checkpoint belongs to another system, or its card was fitted to another sampler.
    """
    trained, fitted = checkpoint.system, checkpoint.calibration
    if trained.name != system.name:
        raise ConfigurationError(f"checkpoint: expected one of system '{system.name}', found one of '{trained.name}'")
    check_same_state(system, trained, where="checkpoint")
    if fitted is not None and fitted.fitted_to != system.sampler:
        raise ConfigurationError(
            f"{CARD}: expected a card fitted to the sampler of system '{system.name}', found one fitted to another; "
            "calibrate the checkpoint again, or remove the card"
        )


def check_same_training(wanted: str, found: str, *, where: str, what: str = "the training of this system") -> None:
    """Check that a training found on disk is the requested one.

    Args:
        wanted: `System.training_hash` of the requested training.
        found: `System.training_hash` of the training on disk.
        where: Directory, file or network, as named in the error message.
        what: The requested training, as named in the error message.

    Raises:
        ConfigurationError: It is another training.
    """
    if found != wanted:
        raise ConfigurationError(f"{where}: expected {what}, found another one")


def check_starts_training(initial: Checkpoint, system: System, grid: Grid) -> None:
    """Check that a training of a system can start from the weights, anchor and standardisation of a checkpoint.

    The networks themselves are compared when the weights are loaded.

    Args:
        initial: The checkpoint to start from.
        system: The system to be trained.
        grid: Grid of the analysis to train on.

    Raises:
        ConfigurationError: The checkpoint has another state, anchor or grid.
    """
    trained = initial.system
    for what, expected, found in (
        ("predictands", system.state.predictands, trained.state.predictands),
        ("static channels", system.state.static, trained.state.static),
        ("past_states", system.state.past_states, trained.state.past_states),
        ("steps", _steps(system), _steps(trained)),
        ("anchor", system.anchor.form(), trained.anchor.form()),
    ):
        if expected != found:
            raise ConfigurationError(f"training from a checkpoint: expected one with {what} {expected}, found {found}")
    if not grid.is_close_to(initial.grid):
        raise ConfigurationError(
            f"training from a checkpoint: expected one on the grid {grid.shape} of the analysis, "
            f"found {initial.grid.shape} or other points"
        )


def check_combines(system: System, networks: Sequence[Checkpoint]) -> None:
    """Check that checkpoints of single networks belong to one system and were trained in the same way.

    Args:
        system: The system of the networks.
        networks: One checkpoint for each network, in order.

    Raises:
        ConfigurationError: A network has another training, initial checkpoint, number of iterations or set of analyses.
    """
    first = networks[0]
    for number, found in enumerate(networks):
        where = f"network {number} of system {system.name}"
        check_same_training(system.of_network(number).training_hash(), found.system.training_hash(), where=where)
        for what, expected in _training_facts(first).items():
            if (has := _training_facts(found)[what]) != expected:
                raise ConfigurationError(f"{where}: expected {what} {expected} as of network 0, found {has}")
        if not _same_units(found.standardiser, first.standardiser):
            raise ConfigurationError(f"{where}: expected the climatology of network 0, found another")


def _steps(system: System) -> str:
    return f"of {' and '.join(map(str, system.learned_step_hours))} h"


def _training_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what a training started from, its analyses and its number of iterations, by name."""
    record = checkpoint.training
    return {
        "iterations": [stage.iterations for stage in record.stages.values()],
        "initial checkpoint": record.initial_checkpoint,
        "analyses": [record.first_analysis, record.last_analysis],
    }


def _same_units(one: Standardiser, other: Standardiser) -> bool:
    """Return whether two models have the same climatology and standard deviations, to rounding."""
    if not np.allclose(one.std, other.std, rtol=1e-5):
        return False
    return all(
        mine.shape == theirs.shape and np.allclose(mine, theirs, rtol=1e-5, atol=1e-4 * deviation)
        for name, deviation in zip(one.channels, one.std, strict=True)
        for mine, theirs in [(one.climatology[name].values, other.climatology[name].values)]
    )


def _plain(value: object) -> str:
    return ", ".join(str(part) for part in value) or "none" if isinstance(value, tuple) else str(value)
