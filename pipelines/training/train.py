"""Archive to checkpoint, with the baselines that it will be measured against."""

import logging
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import ConfigurationError
from data_catalog.storage.atomic_files import write_durably
from data_catalog.storage.locks import LOCK, lock
from forecast.system.periods import Period
from forecast.system.system import System
from pipelines.terminal.progress import progress
from pipelines.training.baselines import fit_system_baselines
from pipelines.training.noise_levels import show_noise_levels
from pipelines.workspace.checkpoints import BASELINES_FILE, warn_of_unfinished

if TYPE_CHECKING:
    from forecast.checkpoints.checkpoint import Checkpoint
    from forecast.parallel.ranks import Ranks

logger = logging.getLogger("plumecast")


def train_system(
    system: System,
    analysis: xr.Dataset,
    directory: Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    iterations: int | None = None,
    initial_checkpoint: Path | None = None,
    globe: xr.Dataset | None = None,
) -> Path:
    """Train a system's model and fit its baselines, both on the training period only.

    Processes that torchrun or `--processes` started share the training; the first of them writes. Where the system has
    several networks, each is trained in a folder of its own; the checkpoint of all is there when the last is finished.

    Args:
        system: What to train.
        analysis: Analysis over the training and validation periods.
        directory: Where checkpoint and baselines go.
        resume: Go on with an unfinished training.
        device: Where to compute.
        iterations: Of the denoising stage, in place of the system's number; the other stages get at most as many.
        initial_checkpoint: Checkpoint to start from.
        globe: Analysis of the dataset that the system's pretraining names; see `open_globe`.

    Returns:
        The directory.

    Raises:
        ConfigurationError: There is a finished or an unfinished training and `resume` is not set.
        MissingDataError: The analysis holds nothing of a period, or another training is at work in the directory.
    """
    from forecast.checkpoints.combine import combine, network_places
    from forecast.checkpoints.files import load_checkpoint
    from forecast.parallel.ranks import process_group
    from forecast.training.checks import check_trained
    from forecast.training.train import is_finished, unfinished

    _refuse_overwriting(directory, resume)
    for period in (system.periods.training, system.periods.validation):
        _warn_of_absent_days(period, analysis["time"].values)
    networks = system.training.networks
    initial = None if initial_checkpoint is None else load_checkpoint(initial_checkpoint, calibrated=False)
    if initial is not None and initial_checkpoint is not None:
        warn_of_unfinished(initial, initial_checkpoint)
    if initial is not None and len(initial.models) not in (1, networks):
        numbers = f"one network or of {networks}" if networks > 1 else "one network"
        raise ConfigurationError(
            f"--from {initial_checkpoint}: expected a checkpoint of {numbers}, found one of {len(initial.models)}"
        )
    train_one = partial(_train_network, analysis=analysis, resume=resume, iterations=iterations, globe=globe)
    with process_group(device) as ranks, ExitStack() as hold:
        if networks == 1:
            train_one(system, directory=directory, initial_checkpoint=initial, ranks=ranks)
            return directory
        if ranks.broadcast(resume and is_finished(directory)):
            check_trained(system, directory)
            logger.info("%s: finished, nothing is left to train", directory)
            return directory
        hold.enter_context(_alone_in(directory, ranks))
        if left := ranks.broadcast(unfinished(directory)):
            raise ConfigurationError(f"training of {networks} networks: expected none unfinished in {left}, found one")
        places = network_places(system, directory)
        for place in places:
            _refuse_overwriting(place, resume)
            with _alone_in(place, ranks):
                pass  # that somebody else trains it is told now, not hours later
        for number, place in enumerate(places):
            logger.info("Network %d of %d", number + 1, networks)
            part = None if initial is None else initial.of_member(number)
            train_one(system.of_network(number), directory=place, initial_checkpoint=part, ranks=ranks)
        if ranks.is_first:
            write_durably(directory / BASELINES_FILE, (places[0] / BASELINES_FILE).read_bytes())
            combine(system, [load_checkpoint(place, calibrated=False) for place in places], directory)
        ranks.wait()
    return directory


def single_network(system: System, directory: Path, number: int) -> tuple[System, Path]:
    """What trains one of a system's networks alone, and where `train_system` looks for it.

    Raises:
        ConfigurationError: The system has no such network.
    """
    from forecast.checkpoints.combine import network_places

    alone = system.of_network(number)
    return alone, directory if alone == system else network_places(system, directory)[number]


def _train_network(
    system: System,
    *,
    analysis: xr.Dataset,
    directory: Path,
    resume: bool,
    ranks: "Ranks",
    iterations: int | None,
    initial_checkpoint: "Checkpoint | None",
    globe: xr.Dataset | None,
) -> None:
    """Train one network, with its baselines beside it."""
    from forecast.training.stages import total_iterations
    from forecast.training.train import is_finished, train

    finished = ranks.broadcast(resume and is_finished(directory))
    if finished:
        logger.info("%s: finished, nothing is left to train", directory)
    wanted = total_iterations(system, iterations=iterations, continues=initial_checkpoint is not None)
    alone = nullcontext() if finished else _alone_in(directory, ranks)
    with alone, progress(f"Train {system.name}", wanted, "iterations") as advance:
        if ranks.is_first and not (finished and (directory / BASELINES_FILE).exists()):
            fit_system_baselines(system, analysis, directory)
        validation = ""
        states = train(
            system,
            analysis,
            directory,
            resume=resume,
            ranks=ranks,
            iterations=iterations,
            initial_checkpoint=initial_checkpoint,
            globe=globe,
        )
        for state in states:
            if state.validation_loss is not None:
                validation = f", validation {state.validation_loss:.4f}"
            advance(state.iteration, f"{state.stage}, loss {state.loss:.4f}{validation}")
            if state.noise_levels is not None and ranks.is_first:
                show_noise_levels(state.noise_levels, system, directory)


def _alone_in(directory: Path, ranks: "Ranks") -> AbstractContextManager[None]:
    """No other training writes to the directory while the block runs; the first process sees to it."""
    return lock(directory / LOCK, f"training in {directory}") if ranks.is_first else nullcontext()


def _warn_of_absent_days(period: Period, times: NDArray[np.datetime64]) -> None:
    """Log a warning where the analysis lacks days of a period, as training takes what is there."""
    days = times.astype("datetime64[D]")
    there = np.unique(days[(days >= np.datetime64(period.start)) & (days <= np.datetime64(period.end))])
    expected = (period.end - period.start).days + 1
    if 0 < there.size < expected:
        found = f"{there.size}, from {there[0]} to {there[-1]}"
        logger.warning("Of %d days from %s to %s the analysis has %s", expected, period.start, period.end, found)


def _refuse_overwriting(directory: Path, resume: bool) -> None:
    if (directory / "model.json").exists() and not resume:
        raise ConfigurationError(
            f"checkpoint {directory}: expected an empty directory, found a checkpoint; "
            "go on with --resume, or write elsewhere with --out"
        )
