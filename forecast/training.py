"""From an analysis to a checkpoint: the networks of a system one after another, then all in one checkpoint.

Networks that learned the same from other beginnings err differently where data are few. An ensemble whose members take
turns at them is more skilful than any of them, and knows better what it does not know.

Source: Lakshminarayanan, Pritzel and Blundell (2017), arXiv:1612.01474
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from data_catalog.errors import ConfigurationError
from forecast.checkpoints import DESCRIPTION, Checkpoint, load_checkpoint, save_checkpoint
from forecast.distributed import ALONE, Ranks
from forecast.network_training import check_trained, is_finished, train_network
from forecast.stages import total_iterations
from forecast.system import System
from forecast.training_run import TrainingProgress

NETWORKS = "networks"
"""Folder beside a checkpoint of several networks, with one of each."""


def train(
    system: System,
    analysis: xr.Dataset,
    directory: Path,
    *,
    resume: bool = False,
    ranks: Ranks = ALONE,
    iterations: int | None = None,
    begin_with: Checkpoint | None = None,
    globe: xr.Dataset | None = None,
    network: int | None = None,
) -> Iterator[TrainingProgress]:
    """Train a system's model.

    Several networks are each trained in a folder of `directory`; the checkpoint of all of them is there once the last
    is finished. Arguments and errors are those of `train_network`, and

    Args:
        system: What to train.
        analysis: Canonical analysis over the training and validation periods.
        directory: Where the checkpoint goes.
        resume: Go on with what is unfinished; what is finished stays as it is.
        ranks: The processes.
        iterations: See `stages`.
        begin_with: Start from its networks, in turn.
        globe: Canonical analysis of the dataset that the system's pretraining names.
        network: Train this one alone, counted from 0, as others are trained elsewhere.

    Yields:
        Progress after each iteration.

    Raises:
        ConfigurationError: The system has no such network, or one of them is there already and `resume` is not set.
    """
    count = system.training.networks
    chosen = range(count) if network is None else range(network, network + 1)
    alone = {number: system.of_network(number) for number in chosen}
    if count == 1:
        yield from train_network(
            system,
            analysis,
            directory,
            resume=resume,
            ranks=ranks,
            iterations=iterations,
            begin_with=begin_with,
            globe=globe,
        )
        return
    if resume and ranks.from_first(is_finished(directory)):
        check_trained(system, directory)
        return
    places = network_places(system, directory)
    for number in () if resume else chosen:
        if (places[number] / DESCRIPTION).exists():
            raise ConfigurationError(
                f"training: expected no network in {places[number]}, found one; go on with --resume"
            )
    each = total_iterations(alone[chosen[0]], iterations=iterations, continues=begin_with is not None)
    for before, number in enumerate(chosen):
        made = train_network(
            alone[number],
            analysis,
            places[number],
            resume=resume,
            ranks=ranks,
            iterations=iterations,
            begin_with=None if begin_with is None else begin_with.of_network(number),
            globe=globe,
        )
        for progress in made:
            yield replace(
                progress,
                stage=f"network {number + 1} of {count}, {progress.stage}",
                iteration=before * each + progress.iteration,
                iterations=len(chosen) * each,
            )
    if ranks.is_first and all(map(is_finished, places)):
        combine(system, [load_checkpoint(place, calibrated=False) for place in places], directory)
    ranks.wait()


def network_places(system: System, directory: Path) -> list[Path]:
    """Where the networks of a system of several are trained."""
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
        ConfigurationError: One is of another training, or learned from other data.
    """
    first = networks[0]
    for number, found in enumerate(networks):
        where = f"network {number} of system {system.name}"
        if found.system.training_hash() != system.of_network(number).training_hash():
            raise ConfigurationError(f"{where}: expected the training of this system, found another's")
        if not _same_data(found, first):
            raise ConfigurationError(
                f"{where}: expected the climatology that network 0 was trained with, found another"
            )
    return save_checkpoint(
        directory,
        system=system,
        grid=first.grid,
        standardiser=first.standardiser,
        weights=[found.model.state_dict() for found in networks],
        training=_record(networks),
    )


def _same_data(one: Checkpoint, other: Checkpoint) -> bool:
    """Whether two models mean the same by their numbers, to rounding."""
    pairs = [
        (one.standardiser.climatology[name].values, other.standardiser.climatology[name].values)
        for name in one.standardiser.channels
    ]
    return all(
        mine.shape == theirs.shape and np.allclose(mine, theirs, rtol=1e-5, atol=1e-4 * deviation)
        for (mine, theirs), deviation in zip(pairs, one.standardiser.std, strict=True)
    ) and np.allclose(one.standardiser.std, other.standardiser.std, rtol=1e-5)


def _record(networks: Sequence[Checkpoint]) -> Mapping[str, Any]:
    """What all trainings have in common, and under `networks` what each has of its own."""
    records = [found.training for found in networks]
    alike = {key: value for key, value in records[0].items() if all(other.get(key) == value for other in records[1:])}
    own = [
        {"model_id": found.model_id, "seed": found.system.training.seed}
        | {key: value for key, value in found.training.items() if key not in alike}
        for found in networks
    ]
    held_out = all(record.get("validation_held_out") for record in records)
    return alike | {"validation_held_out": held_out, NETWORKS: own}
