"""Combines separately trained networks of one system in one checkpoint, whose members alternate between them.

Networks trained from different initial weights make different errors if data are scarce. Together they are more
skilful than any one of them, and their spread includes the uncertainty about the weights.

Source: Lakshminarayanan, Pritzel and Blundell (2017), arXiv:1612.01474
"""

from collections.abc import Sequence
from pathlib import Path

from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.compatibility import check_combines
from forecast.checkpoints.files import NETWORKS, save_checkpoint
from forecast.checkpoints.training_record import combined_record
from forecast.system.system import System


def network_places(system: System, directory: Path) -> list[Path]:
    """Return the directories in which the networks of a system are trained, in order.

    Args:
        system: The system, which defines the number of networks.
        directory: Directory of the combined checkpoint.
    """
    return [directory / NETWORKS / str(number) for number in range(system.training.networks)]


def combine(system: System, networks: Sequence[Checkpoint], directory: Path) -> str:
    """Write one checkpoint of several networks.

    Args:
        system: The system of the networks.
        networks: One checkpoint for each network, in order.
        directory: Directory of the combined checkpoint.

    Returns:
        The identity of the model, 64 hexadecimal digits.

    Raises:
        ConfigurationError: The networks were not trained in the same way.
    """
    check_combines(system, networks)
    first = networks[0]
    return save_checkpoint(
        directory,
        system=system,
        grid=first.grid,
        standardiser=first.standardiser,
        weights=[found.model.state_dict() for found in networks],
        training=combined_record(
            [found.training for found in networks],
            [found.model_id for found in networks],
            [found.system.training.seed for found in networks],
        ),
    )
