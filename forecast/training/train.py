"""From an analysis to a checkpoint, in one stage or several, by one process or several.

First the network learns to denoise; then, where the system asks for it, the sampler is tuned as it will be used. Every
random choice is a function of (seed, stage, iteration), so a training that was killed can be resumed bit for bit.
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
    """Train a system's network; a usable checkpoint is in `directory` from the first save on.

    Several processes that call this together make the checkpoint that one would, to rounding; the first writes it.

    Args:
        system: What to train. Where it has several networks, pass each as `System.of_network` gives it.
        analysis: Canonical analysis over the training and validation periods; kept in memory, float32, unless the
            system's loader is `archive`.
        directory: Where the checkpoint goes.
        resume: Go on with the interrupted training in `directory`, if there is one, left by any number of processes;
            what is finished stays as it is.
        ranks: The processes.
        iterations: Of the denoising stage, in place of the system's number; other stages get at most as many.
        initial_checkpoint: Start from its weights, anchor and standardisation; where there is fine-tuning, without
            denoising again.
        globe: Canonical analysis of the dataset that the system's pretraining names, where it has one.

    Yields:
        Progress after each iteration.

    Raises:
        MissingDataError: The analysis holds nothing of a period.
        InvalidDataError: A value is missing.
        ConfigurationError: There is an unfinished training and `resume` is not set, or a finished one of another
            system; a setting does not fit the grid; batches do not divide into the processes; or the initial checkpoint
            does not fit the system.
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
    """Go through all stages of a plan: pretraining, mean networks, and the system's own network."""
    pretrained = None
    if plan.pretraining:
        pretrained = yield from pretrain(globe, plan.pretraining, data, job)
    means = yield from train_means(plan.means, data, job)
    model = initial_model(data, job.ranks, means, initial_checkpoint)
    if pretrained is not None:
        adopt_network(model, pretrained)
    own = sum(stage.iterations for stage in plan.stages)
    yield from train_stages(model, plan.stages, data, replace(job, earlier=plan.iterations - own))
