"""Trains a system from an analysis to a checkpoint, in one or more stages, on one or more processes.

First the network learns to denoise; then, if the system asks for it, the sampler is fine-tuned as it will be used. Each
random choice is a function of (seed, stage, iteration), so a killed training can be resumed bit for bit.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import xarray as xr

from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.compatibility import check_starts_training
from forecast.parallel.ranks import ALONE, Ranks
from forecast.states.standardiser import grid_of
from forecast.system.system import System
from forecast.training.checks import check_settings, check_shares, check_trained, refuse_unfinished
from forecast.training.directory import is_finished
from forecast.training.initial_model import initial_model
from forecast.training.loop import TrainingJob, TrainingProgress, train_stages
from forecast.training.mean_networks import train_means
from forecast.training.pretraining import adopt_network, pretrain
from forecast.training.stages import TrainingPlan, plan_training
from forecast.training.training_data import TrainingData, prepare_training_data


def train(
    system: System,
    analysis: xr.Dataset,
    directory: Path,
    *,
    resume: bool = False,
    ranks: Ranks = ALONE,
    iterations: int | None = None,
    initial_checkpoint: Checkpoint | None = None,
    globe: xr.Dataset | None = None,
) -> Iterator[TrainingProgress]:
    """Train a system's network; from the first save on there is a usable checkpoint in `directory`.

    Several processes that call this together make the same checkpoint as one, up to rounding; the first writes it.

    Args:
        system: The system to train. If it has several networks, pass the result of `System.of_network` for each.
        analysis: Canonical analysis over the training and validation periods; held in memory as float32, unless the
            system's loader is `archive`.
        directory: Directory of the checkpoint.
        resume: Whether to continue an interrupted training in `directory`, which may have run on another number of
            processes; finished parts stay as they are.
        ranks: The processes.
        iterations: Number of iterations of the denoising stage instead of the system's; other stages get at most as
            many.
        initial_checkpoint: Checkpoint whose weights, anchor and standardisation to start from; if the system has
            fine-tuning stages, denoising is then left out.
        globe: Canonical analysis of the dataset that the system's pretraining section names, if it has one.

    Yields:
        Progress after each iteration.

    Raises:
        MissingDataError: The analysis has no time in one of the periods.
        InvalidDataError: A value is missing.
        ConfigurationError: There is an unfinished training and `resume` is not set, or a finished training of another
            system; a setting does not fit the grid; batches do not divide among the processes; or the initial
            checkpoint does not fit the system.
        DivergedError: A loss or gradient is not finite; the last checkpoint stays.
    """
    assert system.training.networks == 1, "networks are trained one by one"
    if resume and ranks.broadcast(is_finished(directory)):
        check_trained(system, directory)
        return
    plan = plan_training(system, iterations=iterations, initial_checkpoint=initial_checkpoint)
    check_shares(plan.all_stages, ranks)
    if not resume:
        refuse_unfinished(directory)
    analysis = analysis[list(system.state.predictands + system.state.static)]
    grid = grid_of(analysis)
    check_settings(system, grid, starts_trained=initial_checkpoint is not None)
    if initial_checkpoint is not None:
        check_starts_training(initial_checkpoint, system, grid)
    data = prepare_training_data(
        system, analysis, lead_steps=plan.lead_steps, ranks=ranks, initial_checkpoint=initial_checkpoint
    )
    job = TrainingJob(directory, plan.iterations, resume=resume, ranks=ranks)
    yield from _train(plan, data, job, initial_checkpoint, globe)


def _train(
    plan: TrainingPlan,
    data: TrainingData,
    job: TrainingJob,
    initial_checkpoint: Checkpoint | None,
    globe: xr.Dataset | None,
) -> Iterator[TrainingProgress]:
    """Run all stages of a plan: pretraining, mean networks, and the system's own network."""
    pretrained = None
    if plan.pretraining:
        pretrained = yield from pretrain(globe, plan.pretraining, data, job)
    means = yield from train_means(plan.means, data, job)
    model = initial_model(data, job.ranks, means, initial_checkpoint)
    if pretrained is not None:
        adopt_network(model, pretrained)
    own = sum(stage.iterations for stage in plan.stages)
    yield from train_stages(model, plan.stages, data, replace(job, earlier=plan.iterations - own))
