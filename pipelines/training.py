"""Archive to checkpoint, with the baselines that it will be measured against."""

import logging
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from data_catalog.atomic import atomic_path
from data_catalog.catalog import dataset
from data_catalog.errors import ConfigurationError
from forecast.system import System
from pipelines.progress import progress
from pipelines.systems import BASELINES_FILE

logger = logging.getLogger("plumecast")

NOISE_LEVELS_PICTURE = "noise_levels.png"


def train_system(
    system: System,
    analysis: xr.Dataset,
    directory: Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    iterations: int | None = None,
    begin_with: Path | None = None,
    globe: xr.Dataset | None = None,
    network: int | None = None,
) -> Path:
    """Train a system's model and fit its baselines, both on the training period only.

    Processes that torchrun or `--processes` started share the training; the first of them writes.

    Args:
        system: What to train.
        analysis: Analysis over the training and validation periods.
        directory: Where checkpoint and baselines go.
        resume: Go on with an unfinished training.
        device: Where to compute.
        iterations: Of the denoising stage, in place of the system's number; the other stages get at most as many.
        begin_with: Checkpoint to start from.
        globe: Analysis of the dataset that the system's pretraining names; see `open_globe`.
        network: Train this one of the system's networks alone, counted from 0.

    Returns:
        The directory; that of the network alone while others are still to be trained.

    Raises:
        ConfigurationError: There is a finished or an unfinished training and `resume` is not set, or no such network.
        MissingDataError: The analysis does not cover the periods.
    """
    from forecast.checkpoints import load_checkpoint
    from forecast.distributed import joined
    from forecast.network_training import is_finished
    from forecast.stages import total_iterations
    from forecast.training import train

    if resume and is_finished(directory):
        logger.info("%s: finished, nothing is left to train", directory)
    _refuse_overwriting(directory, resume)
    origin = None if begin_with is None else load_checkpoint(begin_with)
    trained = system if network is None else system.of_network(network)
    wanted = total_iterations(trained, iterations=iterations, continues=origin is not None)
    with joined(device) as ranks, progress(f"Train {system.name}", wanted, "iterations") as advance:
        if ranks.is_first:
            fit_system_baselines(system, analysis, directory)
        validation = ""
        states = train(
            system,
            analysis,
            directory,
            resume=resume,
            ranks=ranks,
            iterations=iterations,
            begin_with=origin,
            globe=globe,
            network=network,
        )
        for state in states:
            if state.validation_loss is not None:
                validation = f", validation {state.validation_loss:.4f}"
            advance(state.iteration, f"{state.stage}, loss {state.loss:.4f}{validation}")
            if state.noise_levels is not None and ranks.is_first:
                show_noise_levels(state.noise_levels, system, directory)
    if system.training.networks == 1:
        return directory
    return _with_baselines(system, directory, network)


def _with_baselines(system: System, directory: Path, network: int | None) -> Path:
    """Put the baselines beside each network, so that it can be scored alone; say which networks are missing."""
    from forecast.network_training import is_finished
    from forecast.training import network_places

    places = network_places(system, directory)
    missing = [str(number) for number, place in enumerate(places) if not is_finished(place)]
    for place in filter(is_finished, places):
        with atomic_path(place / BASELINES_FILE) as partial:
            shutil.copyfile(directory / BASELINES_FILE, partial)
    if not missing or network is None:
        return directory
    logger.info("Still to be trained: network %s", ", ".join(missing))
    return places[network]


def show_noise_levels(record: Mapping[str, Any], system: System, directory: Path) -> Path:
    """Log and draw what a denoiser has learned at which noise level.

    Args:
        record: `noise_levels` of a stage in the training record.
        system: What is trained.
        directory: Of the checkpoint.

    Returns:
        The picture.
    """
    from forecast.products.noise_levels import plot_noise_levels, relative_errors

    means = np.mean(list(relative_errors(record).values()), axis=0)
    levels = ", ".join(f"{sigma:g}: {mean:.3f}" for sigma, mean in zip(record["sigma"], means, strict=True))
    logger.info("Relative squared error by noise level: %s", levels)
    simulated = dataset(system.dataset).simulated
    return plot_noise_levels(record, directory / NOISE_LEVELS_PICTURE, origin=system.title, simulated=simulated)


def fit_system_baselines(system: System, analysis: xr.Dataset, directory: Path) -> Path:
    """Fit climatology, persistence and linear baselines on the training period.

    Returns:
        The file, beside the checkpoint.
    """
    from forecast.verification.baselines import fit_baselines

    period = system.periods.training
    logger.info("Fit the baselines of %s on %s to %s", system.name, period.start, period.end)
    baselines = fit_baselines(
        analysis[list(system.state.predictands)],
        (np.datetime64(period.start, "ns"), np.datetime64(period.end, "ns")),
        step_hours=system.state.step_hours,
        every_hours=math.gcd(*system.learned_step_hours),
        eofs=system.verification.baseline_eofs,
    )
    directory.mkdir(parents=True, exist_ok=True)
    return baselines.save(directory / BASELINES_FILE)


def _refuse_overwriting(directory: Path, resume: bool) -> None:
    if (directory / "model.json").exists() and not resume:
        raise ConfigurationError(
            f"checkpoint {directory}: expected an empty directory, found a checkpoint; "
            "go on with --resume, or write elsewhere with --out"
        )
