"""From an analysis to a checkpoint, in one stage or several, by one process or several.

First the network learns to denoise; then, where the system asks for it, the sampler is tuned as it will be used. Every
random choice is a function of (seed, stage, iteration), so a training that was killed goes on as if it had not been.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from data_catalog.errors import ConfigurationError
from data_catalog.layout.times import minute
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.parallel.ranks import ALONE, Ranks
from forecast.states.standardiser import Standardiser, grid_of, is_amount
from forecast.system.derived import pretraining_system
from forecast.system.system import System
from forecast.training.checks import check_origin, check_shares, check_trained
from forecast.training.initial_model import continued_model, cross_fit, fresh_model, prepare_model
from forecast.training.loop import TrainingProgress, TrainingRun
from forecast.training.mean_networks import MEANS, train_means
from forecast.training.pretraining import PRETRAINING, adopt_network, pretrain
from forecast.training.samples import TrainingData, in_period, learned_samples, make_samples
from forecast.training.stages import mean_stages, stages, total_iterations
from forecast.training.state import has_training_state, holds_finished


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
        system: What to train; where it has several networks, one of them: see `System.of_network`.
        analysis: Canonical analysis over the training and validation periods; kept in memory, float32, unless the
            system's loader is `archive`.
        directory: Where the checkpoint goes.
        resume: Go on with the training state in `directory`, if there is one, left by any number of processes; what
            is finished stays as it is.
        ranks: The processes.
        iterations: See `stages`.
        initial_checkpoint: Start from its weights, anchor and standardisation; see `stages`.
        globe: Canonical analysis of the dataset that the system's pretraining names, where it has one.

    Yields:
        Progress after each iteration.

    Raises:
        MissingDataError: The analysis holds nothing of a period.
        InvalidDataError: A value is missing.
        ConfigurationError: There is a checkpoint already and `resume` is not set, it is of another system, or batches
            do not divide into the processes.
    """
    assert system.training.networks == 1, "networks are trained one by one"
    if resume and ranks.broadcast(is_finished(directory)):
        check_trained(system, directory)
        return
    teacher = None if initial_checkpoint is None else initial_checkpoint.model
    plan = stages(system, iterations=iterations, continues=initial_checkpoint is not None, teacher=teacher)
    before = mean_stages(system, iterations=iterations, continues=initial_checkpoint is not None)
    first = None
    if system.pretraining is not None and initial_checkpoint is None:
        first = pretraining_system(system, iterations=iterations)
    check_shares([*before.values(), *(stages(first) if first else ()), *plan], ranks)
    if not resume and (left := unfinished(directory)):
        raise ConfigurationError(
            f"training: expected no unfinished training in {left}, found one; resume it with --resume"
        )
    analysis = analysis[list(system.state.predictands + system.state.static)]
    tunings = (*system.finetuning, *(first.finetuning if first else ()))
    for key in ("spectral_weight", "amounts_weight"):
        if any(getattr(tuning, key) for tuning in tunings) and not grid_of(analysis).topology().is_globe:
            raise ConfigurationError(
                f"system {system.name}: finetuning.{key}: expected 0 on a region, which has no harmonics, found more"
            )
    if any(tuning.amounts_weight for tuning in tunings) and not any(map(is_amount, system.state.predictands)):
        raise ConfigurationError(
            f"system {system.name}: finetuning.amounts_weight: expected 0, as no predictand is an amount, found more"
        )
    if system.training.mirrored and not grid_of(analysis).is_symmetric_globe():
        raise ConfigurationError(
            f"system {system.name}: training.mirrored: expected a globe with each latitude on both sides, found another"
        )
    if initial_checkpoint is not None:
        check_origin(system, grid_of(analysis), initial_checkpoint)
    training = in_period(analysis, system.periods.training)
    validation = in_period(analysis, system.periods.validation)
    if system.training.loader == "memory":
        training, validation = training.load(), validation.load()
    if initial_checkpoint is None:
        fitted = Standardiser.fit(training, system.state.predictands) if ranks.is_first else None
        standardiser = ranks.broadcast(fitted)
    else:
        standardiser = initial_checkpoint.standardiser
    sampling = partial(
        make_samples,
        standardiser=standardiser,
        system=system,
        lead_steps=max(stage.objective.lead_steps for stage in (*plan, *(stages(first) if first else ()))),
        loader=system.training.loader,
        pin=ranks.device != "cpu",
    )
    samples, watched = (learned_samples(sampling(days), system) for days in (training, validation))
    record = _record(system, training, initial_checkpoint)
    material = TrainingData(system, training, standardiser, samples, watched, record)
    wanted = total_iterations(system, iterations=iterations, continues=initial_checkpoint is not None)
    earlier = wanted - sum(stage.iterations for stage in plan)
    pretrained = None
    if first is not None:
        pretrained = yield from pretrain(globe, first, material, directory, ranks, resume=resume, wanted=wanted)
    means = yield from train_means(before, material, directory, ranks, resume=resume, wanted=wanted)
    if initial_checkpoint is not None:
        model = continued_model(system, training, initial_checkpoint, samples, means)
    elif ranks.is_first:
        model = prepare_model(system, training, samples, means)
    else:
        model = fresh_model(system, training)  # it takes everything from the first process, but for what is left out
        cross_fit(model, system, training, samples, means)
    if pretrained is not None:
        adopt_network(model, pretrained)
    run = TrainingRun(system, grid_of(analysis), standardiser, model, directory, record, plan, ranks)
    if resume:
        run.resume()
    for progress in run.iterate(samples, watched):
        yield replace(progress, iteration=earlier + progress.iteration, iterations=wanted)


def unfinished(directory: Path) -> Path | None:
    """Where the training of a checkpoint, or one that goes before it, was left, if it was."""
    places = [directory, directory / PRETRAINING, *sorted((directory / MEANS).glob("*"))]
    return next(filter(has_training_state, places), None)


def is_finished(directory: Path) -> bool:
    """Whether a directory holds the checkpoint of a training that came to its end, with all that goes before it."""
    return holds_finished(directory) and unfinished(directory) is None


def _record(system: System, training: xr.Dataset, initial_checkpoint: Checkpoint | None) -> dict[str, Any]:
    times = training["time"].values
    first, last = minute(times[0]), minute(times[-1])
    held_out = system.periods.validation.start > system.periods.training.end
    if initial_checkpoint is not None:  # what it had seen, its weights still know
        held_out = held_out and bool(initial_checkpoint.training.get("validation_held_out"))
    pretraining = system.pretraining if initial_checkpoint is None else None
    return {
        "dataset": system.dataset,
        "first_analysis": first,
        "last_analysis": last,
        "analyses": int(times.size),
        "validation_held_out": held_out,
        "began_with": None if initial_checkpoint is None else initial_checkpoint.model_id,
        "pretraining": None if pretraining is None else pretraining.model_dump(mode="json"),
        "torch": torch.__version__,
    }
