"""Trains a checkpoint from an archive, and fits the baselines that it will be compared with."""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import ConfigurationError
from data_catalog.sources.locations import Location
from data_catalog.storage.atomic_files import write_durably
from data_catalog.storage.locks import LOCK, lock
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.combine import combine, network_places
from forecast.checkpoints.files import load_checkpoint
from forecast.parallel.ranks import Ranks, process_group
from forecast.system.periods import Period
from forecast.system.system import System
from forecast.training.checks import check_trained
from forecast.training.directory import is_finished, unfinished
from forecast.training.stages import plan_training
from forecast.training.train import train
from pipelines.terminal.progress import progress
from pipelines.training.baselines import fit_system_baselines
from pipelines.training.noise_levels import show_noise_levels
from pipelines.workspace.analyses import open_globe, open_system_analysis
from pipelines.workspace.checkpoints import BASELINES_FILE
from pipelines.workspace.open_checkpoint import warn_of_unfinished

logger = logging.getLogger("plumecast")


@dataclass(frozen=True)
class TrainingRequest:
    """A request to train a system.

    Attributes:
        system: The system. If it has several networks, each is trained in a directory of its own, and the combined
            checkpoint is written when the last one is finished.
        analysis: Archive or file that covers the training and validation periods.
        directory: Directory of the checkpoint and the baselines.
        resume: Whether to continue an unfinished training.
        iterations: Number of iterations of the denoising stage instead of the system's; the other stages get at most as
            many.
        initial_checkpoint: Directory of a checkpoint to start from instead of random weights.
        globe: Archive of the dataset that the system's pretraining section names; None without pretraining.
        device: Device to compute on.
        bands: Number of processes that compute a sample together, each a band of latitudes.
    """

    system: System
    analysis: Location
    directory: Path
    resume: bool = False
    iterations: int | None = None
    initial_checkpoint: Path | None = None
    globe: Path | None = None
    device: str = "cpu"
    bands: int = 1

    def of_network(self, number: int) -> "TrainingRequest":
        """Return the request to train one of the system's networks, in the directory where a full training expects it.

        Args:
            number: Number of the network, counted from 0.

        Raises:
            ConfigurationError: The system has no such network.
        """
        alone = self.system.of_network(number)
        if alone == self.system:
            return self
        return replace(self, system=alone, directory=network_places(self.system, self.directory)[number])


@dataclass(frozen=True)
class _Inputs:
    """The opened inputs of a request."""

    analysis: xr.Dataset
    globe: xr.Dataset | None
    initial: Checkpoint | None

    def of_network(self, number: int) -> "_Inputs":
        return self if self.initial is None else replace(self, initial=self.initial.of_member(number))


def train_system(request: TrainingRequest) -> Path:
    """Train a system's model and fit its baselines, both on the training period only.

    Processes started by torchrun or `--processes` train together; the first of them writes.

    Args:
        request: System, analysis, directory and options of the training.

    Returns:
        The directory of the checkpoint.

    Raises:
        ConfigurationError: The directory holds a finished or an unfinished training and `resume` is not set, or the
            initial checkpoint does not fit.
        MissingDataError: The analysis has no time in one of the periods, or another training uses the directory.
    """
    _refuse_overwriting(request.directory, request.resume)
    inputs = _open_inputs(request)
    for period in (request.system.periods.training, request.system.periods.validation):
        _warn_of_absent_days(period, inputs.analysis["time"].values)
    train = _train_network if request.system.training.networks == 1 else _train_networks
    with process_group(request.device, bands=request.bands) as ranks:
        train(request, inputs, ranks)
    return request.directory


def _open_inputs(request: TrainingRequest) -> _Inputs:
    initial, networks = None, request.system.training.networks
    if request.initial_checkpoint is not None:
        initial = load_checkpoint(request.initial_checkpoint, calibrated=False)
        warn_of_unfinished(initial, request.initial_checkpoint)
        if len(initial.models) not in (1, networks):
            wanted = "one network" if networks == 1 else f"one network or of {networks}"
            raise ConfigurationError(
                f"--initial-checkpoint {request.initial_checkpoint}: expected a checkpoint of {wanted}, "
                f"found one of {len(initial.models)}"
            )
    globe = None if request.globe is None else open_globe(request.globe, request.system)
    return _Inputs(open_system_analysis(request.analysis, request.system), globe, initial)


def _train_networks(request: TrainingRequest, inputs: _Inputs, ranks: Ranks) -> None:
    """Train a system's networks one after the other, and combine them into one checkpoint."""
    system, directory = request.system, request.directory
    if ranks.broadcast(request.resume and is_finished(directory)):
        check_trained(system, directory)
        logger.info("%s: the training is finished already", directory)
        return
    parts = [request.of_network(number) for number in range(system.training.networks)]
    with _directory_lock(directory, ranks):
        _check_directories(directory, parts, ranks)
        for number, part in enumerate(parts):
            logger.info("Network %d of %d", number + 1, len(parts))
            _train_network(part, inputs.of_network(number), ranks)
        if ranks.is_first:
            write_durably(directory / BASELINES_FILE, (parts[0].directory / BASELINES_FILE).read_bytes())
            combine(system, [load_checkpoint(part.directory, calibrated=False) for part in parts], directory)
        ranks.wait()


def _check_directories(directory: Path, parts: Sequence[TrainingRequest], ranks: Ranks) -> None:
    """Raise an error if the directory holds the training of a single network, or if a network is in use."""
    if left := ranks.broadcast(unfinished(directory)):
        raise ConfigurationError(
            f"training of {len(parts)} networks: expected no unfinished training in {left}, found one; "
            "write elsewhere with --out"
        )
    for part in parts:
        _refuse_overwriting(part.directory, part.resume)
        with _directory_lock(part.directory, ranks):
            pass


def _train_network(request: TrainingRequest, inputs: _Inputs, ranks: Ranks) -> None:
    """Train one network, and fit the baselines beside it."""
    system, directory = request.system, request.directory
    finished = ranks.broadcast(request.resume and is_finished(directory))
    if finished:
        logger.info("%s: the training is finished already", directory)
    wanted = plan_training(system, iterations=request.iterations, initial_checkpoint=inputs.initial).iterations
    with (
        nullcontext() if finished else _directory_lock(directory, ranks),
        progress(f"Train {system.name}", wanted, "iterations") as advance,
    ):
        if ranks.is_first and not (finished and (directory / BASELINES_FILE).exists()):
            fit_system_baselines(system, inputs.analysis, directory)
        states = train(
            system,
            inputs.analysis,
            directory,
            resume=request.resume,
            ranks=ranks,
            iterations=request.iterations,
            initial_checkpoint=inputs.initial,
            globe=inputs.globe,
        )
        validation = ""
        for state in states:
            if state.validation_loss is not None:
                validation = f", validation {state.validation_loss:.4f}"
            advance(state.iteration, f"{state.stage}, loss {state.loss:.4f}{validation}")
            if state.noise_levels is not None and ranks.is_first:
                show_noise_levels(state.noise_levels.model_dump(mode="json"), system, directory)


def _directory_lock(directory: Path, ranks: Ranks) -> AbstractContextManager[None]:
    """Lock a directory against other trainings while the block runs; the first process holds the lock."""
    return lock(directory / LOCK, f"training in {directory}") if ranks.is_first else nullcontext()


def _warn_of_absent_days(period: Period, times: NDArray[np.datetime64]) -> None:
    """Log a warning if the analysis lacks days of a period; the training uses the others."""
    days = times.astype("datetime64[D]")
    there = np.unique(days[(days >= np.datetime64(period.start)) & (days <= np.datetime64(period.end))])
    expected = (period.end - period.start).days + 1
    if 0 < there.size < expected:
        found = f"{there.size}, from {there[0]} to {there[-1]}"
        logger.warning(
            "Analysis from %s to %s: expected %d days, found %s; these are used",
            period.start,
            period.end,
            expected,
            found,
        )


def _refuse_overwriting(directory: Path, resume: bool) -> None:
    """Raise an error if a new training would overwrite a checkpoint or an interrupted training."""
    if resume:
        return
    left = unfinished(directory)
    if left or (directory / "model.json").exists():
        found = f"an unfinished training in {left}" if left else "a checkpoint"
        raise ConfigurationError(
            f"checkpoint {directory}: expected an empty directory, found {found}; "
            "continue it with --resume, or write elsewhere with --out"
        )
