"""Networks of one system, trained one by one, in one checkpoint whose members take turns at them.

Networks that learned the same from other beginnings err differently where data are few. Together they are more skilful
than any of them, and know better what they do not know.

Source: Lakshminarayanan, Pritzel and Blundell (2017), arXiv:1612.01474
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_catalog.errors import ConfigurationError
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.files import NETWORKS, save_checkpoint
from forecast.states.standardiser import Standardiser
from forecast.system.system import System


def network_places(system: System, directory: Path) -> list[Path]:
    """Where the networks of a system are trained whose checkpoint goes to a directory."""
    return [directory / NETWORKS / str(number) for number in range(system.training.networks)]


def combine(system: System, networks: Sequence[Checkpoint], directory: Path) -> str:
    """Write one checkpoint of several networks.

    Args:
        system: Whose networks they are, in their order.
        networks: One checkpoint for each.
        directory: Where the checkpoint of all goes.

    Returns:
        The model's identity.

    Raises:
        ConfigurationError: They were not trained alike.
    """
    first = networks[0]
    for number, found in enumerate(networks):
        where = f"network {number} of system {system.name}"
        if found.system.training_hash() != system.of_network(number).training_hash():
            raise ConfigurationError(f"{where}: expected the training of this system, found another's")
        for what, expected in _course(first).items():
            if (has := _course(found)[what]) != expected:
                raise ConfigurationError(f"{where}: expected {what} {expected} as of network 0, found {has}")
        if not _same_data(found.standardiser, first.standardiser):
            raise ConfigurationError(f"{where}: expected the climatology of network 0, found another")
    return save_checkpoint(
        directory,
        system=system,
        grid=first.grid,
        standardiser=first.standardiser,
        weights=[found.model.state_dict() for found in networks],
        training=_record(networks),
    )


def _course(checkpoint: Checkpoint) -> dict[str, Any]:
    """What a training began with, learned from and how long it took, by what it is called."""
    record = checkpoint.training
    return {
        "iterations": [stage["iterations"] for stage in record["stages"].values()],
        "initial checkpoint": record["began_with"],
        "analyses": [record["first_analysis"], record["last_analysis"]],
    }


def _same_data(one: Standardiser, other: Standardiser) -> bool:
    """Whether two models mean the same by their numbers, to rounding."""
    means = zip(one.channels, one.std, strict=True)
    return np.allclose(one.std, other.std, rtol=1e-5) and all(
        mine.shape == theirs.shape and np.allclose(mine, theirs, rtol=1e-5, atol=1e-4 * deviation)
        for name, deviation in means
        for mine, theirs in [(one.climatology[name].values, other.climatology[name].values)]
    )


def _record(networks: Sequence[Checkpoint]) -> Mapping[str, Any]:
    """What all trainings have in common, and under `networks` what each has of its own."""
    records = [found.training for found in networks]
    alike = {key: value for key, value in records[0].items() if all(other.get(key) == value for other in records[1:])}
    own = [
        {"model_id": found.model_id, "seed": found.system.training.seed}
        | {key: value for key, value in found.training.items() if key not in alike}
        for found in networks
    ]
    return alike | {NETWORKS: own}
