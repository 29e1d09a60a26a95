"""From an analysis to a checkpoint, in one stage or several.

First the network learns to denoise; then, where the system asks for it, the sampler is tuned as it will be used. Every
random choice is a function of (seed, stage, iteration), so a training that was killed goes on as if it had not been.
"""

import copy
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from data_catalog.errors import ConfigurationError
from forecast.anchors import LinearAnchor
from forecast.batches import Standardiser, grid_of, static_tensor
from forecast.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from forecast.grid import Grid
from forecast.model import StepModel
from forecast.objectives import Denoising, Objective, RolloutCrps
from forecast.samples import Samples, in_period, make_samples, shuffled
from forecast.system import System
from forecast.training_state import (
    TrainingPosition,
    fill_moments,
    has_training_state,
    load_training_state,
    remove_training_state,
    save_training_state,
)

VALIDATION_SEED = 20_010_101
DENOISER = "denoiser"
"""Folder beside a fine-tuned checkpoint that keeps the denoiser it was made from."""


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is.

    Attributes:
        stage: Which stage this iteration belongs to.
        iteration: Iterations done, over all stages.
        iterations: Iterations wanted, over all stages.
        loss: Loss of this iteration's batch; those of different stages do not compare.
        validation_loss: Of the averaged weights, where a checkpoint was just written.
        seconds: Time of this iteration.
    """

    stage: str
    iteration: int
    iterations: int
    loss: float
    validation_loss: float | None
    seconds: float


@dataclass(frozen=True)
class Stage:
    """A part of a training that minimises one objective."""

    name: str
    objective: Objective
    iterations: int
    batch_size: int
    learning_rate: float


def stages(system: System, *, iterations: int | None = None, continues: bool = False) -> tuple[Stage, ...]:
    """What a training consists of, in order.

    Args:
        system: What to train.
        iterations: Of the denoising stage, in place of the system's number; the other stages get at most as many.
        continues: It starts from a checkpoint: without the denoising stage, where others follow.
    """
    options = system.training
    result = []
    if not (continues and system.finetuning):
        objective = Denoising(system.diffusion)
        length = iterations or options.iterations
        result.append(Stage("denoising", objective, length, options.batch_size, options.learning_rate))
    for tuning in system.finetuning:
        crps = RolloutCrps(system.sampler, tuning.lead_steps, tuning.members, tuning.fairness)
        length = min(tuning.iterations, iterations or tuning.iterations)
        name = f"fine-tuning over {tuning.lead_steps} lead step{'s' if tuning.lead_steps > 1 else ''}"
        result.append(Stage(name, crps, length, tuning.batch_size, tuning.learning_rate))
    return tuple(result)


def prepare_model(system: System, analysis: xr.Dataset, standardiser: Standardiser, samples: Samples) -> StepModel:
    """A fresh model with its anchor and residual scales fitted to the training samples."""
    torch.manual_seed(system.training.seed)
    grid = grid_of(analysis)
    model = StepModel(system, grid, static_tensor(analysis, system.state.static))
    area = grid.area_weights()
    if isinstance(model.anchor, LinearAnchor):
        model.anchor.fit(samples.states, samples.starts[:, : samples.past_states + 1], area)
    total = torch.zeros(len(system.state.predictands))
    for chosen in torch.arange(len(samples)).split(256):
        windows = samples.windows(chosen)
        total += ((windows.following[:, 0] - model.anchor(windows.past)).square() * area).mean(dim=(2, 3)).sum(dim=0)
    model.get_buffer("residual_std").copy_((total / len(samples)).sqrt()[:, None, None])
    return model


def continued_model(system: System, analysis: xr.Dataset, begin_with: Checkpoint) -> StepModel:
    """A model that starts from a checkpoint's weights; blocks that the checkpoint lacks change nothing at first.

    Raises:
        ConfigurationError: The networks differ in more than their number of blocks.
    """
    torch.manual_seed(system.training.seed)
    model = StepModel(system, grid_of(analysis), static_tensor(analysis, system.state.static))
    try:
        found = model.load_state_dict(begin_with.model.state_dict(), strict=False)
    except RuntimeError as error:
        raise ConfigurationError(f"training from a checkpoint: {str(error).replace(chr(10), ' ')}") from None
    if found.unexpected_keys:
        raise ConfigurationError(
            f"training from a checkpoint: expected a network no larger than the system's, "
            f"found weights {found.unexpected_keys[0]} that it has no place for"
        )
    return model


def train(
    system: System,
    analysis: xr.Dataset,
    directory: Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    iterations: int | None = None,
    begin_with: Checkpoint | None = None,
) -> Iterator[TrainingProgress]:
    """Train a system's model; a usable checkpoint is in `directory` from the first save on.

    Args:
        system: What to train.
        analysis: Canonical analysis over the training and validation periods; kept in memory, float32.
        directory: Where the checkpoint goes.
        resume: Go on from the training state in `directory`, if there is one.
        device: Where to compute.
        iterations: See `stages`.
        begin_with: Start from its weights, anchor and standardisation; see `stages`.

    Yields:
        Progress after each iteration.

    Raises:
        MissingDataError: The analysis does not cover the periods.
        InvalidDataError: A value is missing.
        ConfigurationError: There is a checkpoint already and `resume` is not set, or it is of another system.
    """
    analysis = analysis[list(system.state.predictands + system.state.static)]
    training = in_period(analysis, system.periods.training).load()
    validation = in_period(analysis, system.periods.validation).load()
    plan = stages(system, iterations=iterations, continues=begin_with is not None)
    lead_steps = max(stage.objective.lead_steps for stage in plan)
    if begin_with is None:
        standardiser = Standardiser.fit(training, system.state.predictands)
    else:
        standardiser = begin_with.standardiser
    samples = make_samples(training, standardiser, system, lead_steps=lead_steps)
    watched = make_samples(validation, standardiser, system, lead_steps=lead_steps)
    if begin_with is None:
        model = prepare_model(system, training, standardiser, samples)
    else:
        model = continued_model(system, training, begin_with)
    record = _record(system, training, begin_with)
    run = _Run(system, grid_of(analysis), standardiser, model.to(device), directory, record, plan)
    if resume:
        run.resume()
    elif has_training_state(directory):
        raise ConfigurationError(
            f"training: expected no unfinished training in {directory}, found one; resume it with --resume"
        )
    yield from run.iterate(samples, watched)


class _Run:
    """Weights, averaged weights and optimiser on their way through the stages."""

    def __init__(
        self,
        system: System,
        grid: Grid,
        standardiser: Standardiser,
        model: StepModel,
        directory: Path,
        record: Mapping[str, Any],
        plan: tuple[Stage, ...],
    ) -> None:
        self.system, self.grid, self.standardiser = system, grid, standardiser
        self.model, self.directory, self.record, self.plan = model, directory, record, plan
        model.training_dtype = torch.bfloat16 if system.training.precision == "bfloat16" else None
        self.averaged = copy.deepcopy(model).requires_grad_(False).eval()
        options = system.training
        self.position = TrainingPosition(stage=0, done=0)
        self.figures: dict[str, dict[str, float]] = {}
        weights = torch.tensor([options.channel_weights.get(name, 1.0) for name in system.state.predictands])
        self.device = next(model.parameters()).device
        self.weights = ((weights / weights.mean())[:, None, None] * grid.area_weights()).to(self.device)
        self.optimiser = self._fresh_optimiser()

    @property
    def stage(self) -> Stage:
        return self.plan[self.position.stage]

    def _fresh_optimiser(self) -> torch.optim.Optimizer:
        options = self.system.training
        optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=options.learning_rate, betas=(0.9, 0.99), weight_decay=options.weight_decay
        )
        fill_moments(self.model, optimiser)
        return optimiser

    def iterate(self, samples: Samples, watched: Samples) -> Iterator[TrainingProgress]:
        saved_at = time.monotonic()
        wanted = sum(stage.iterations for stage in self.plan)
        while self.position.stage < len(self.plan):
            started = time.monotonic()
            stage, earlier = self.stage, sum(stage.iterations for stage in self.plan[: self.position.stage])
            loss = self._step(samples)
            self.position = self.position.after_iteration()
            validation_loss = None
            complete = self.position.done >= stage.iterations
            if complete or time.monotonic() - saved_at > 60 * self.system.training.checkpoint_minutes:
                validation_loss = self._validate(watched)
                self._finish_iteration(loss, validation_loss, complete=complete)
                saved_at = time.monotonic()
            done = earlier + (stage.iterations if complete else self.position.done)
            yield TrainingProgress(stage.name, done, wanted, loss, validation_loss, time.monotonic() - started)
        remove_training_state(self.directory)

    def _finish_iteration(self, loss: float, validation_loss: float, *, complete: bool) -> None:
        """Save, and after a stage's last iteration go on to the next one from the averaged weights."""
        done = self.position.done
        self.figures[self.stage.name] = {"iterations": done, "loss": loss, "validation_loss": validation_loss}
        if complete:
            followed = self.position.stage + 1 < len(self.plan)
            if followed and isinstance(self.stage.objective, Denoising):
                self._save_checkpoint(self.directory / DENOISER)
            self.model.load_state_dict(self.averaged.state_dict())
            self.optimiser = self._fresh_optimiser()
            self.position = self.position.next_stage()
        self._save_checkpoint(self.directory)
        training_hash = self.system.training_hash()
        save_training_state(self.directory, self.position, training_hash, self.model, self.averaged, self.optimiser)

    def _step(self, samples: Samples) -> float:
        options, done = self.system.training, self.position.done
        seed = options.seed + 101 * self.position.stage
        generator = torch.Generator().manual_seed(seed * 1_000_003 + done)
        chosen = shuffled(len(samples), self.stage.batch_size, done, seed)
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self.model.train()
        loss = self._loss(self.model, samples, chosen, generator).mean()
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), options.gradient_clip)
        self.optimiser.step()
        self._average()
        return float(loss.detach())

    def _loss(self, model: StepModel, samples: Samples, chosen: Tensor, generator: torch.Generator) -> Tensor:
        windows = samples.windows(chosen).to(self.device)
        return self.stage.objective(model, windows, self.weights, generator)

    def _learning_rate(self) -> float:
        """Linear warm-up, then half a cosine down to one hundredth."""
        done = self.position.done
        warmup = min(1.0, (done + 1) / max(1, self.system.training.warmup_iterations))
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, done / self.stage.iterations)))
        return self.stage.learning_rate * warmup * (0.01 + 0.99 * cosine)

    @torch.no_grad()
    def _average(self) -> None:
        """Exponential average of the weights, over a window that grows with the samples seen until it is full."""
        batch_size = self.stage.batch_size
        halflife = min(self.system.training.ema_halflife_samples, max(1.0, 0.1 * self.position.done * batch_size))
        keep = 0.5 ** (batch_size / halflife)
        for averaged, current in zip(self.averaged.parameters(), self.model.parameters(), strict=True):
            averaged.lerp_(current, 1 - keep)

    @torch.no_grad()
    def _validate(self, watched: Samples) -> float:
        count = min(self.system.training.validation_samples, len(watched))
        chosen = torch.linspace(0, len(watched) - 1, count).long()
        generator = torch.Generator().manual_seed(VALIDATION_SEED)
        order = chosen[torch.randperm(count, generator=generator)]
        losses = [self._loss(self.averaged, watched, part, generator) for part in order.split(self.stage.batch_size)]
        return float(torch.cat(losses).mean())

    def _save_checkpoint(self, directory: Path) -> None:
        save_checkpoint(
            directory,
            system=self.system,
            grid=self.grid,
            standardiser=self.standardiser,
            weights=self.averaged.state_dict(),
            training={**self.record, "stages": self.figures},
        )

    def resume(self) -> None:
        self.position = load_training_state(
            self.directory, self.system.training_hash(), self.model, self.averaged, self.optimiser
        )
        if self.position != TrainingPosition(0, 0):
            self.figures = dict(load_checkpoint(self.directory).training["stages"])


def _record(system: System, training: xr.Dataset, begin_with: Checkpoint | None) -> dict[str, Any]:
    times = training["time"].values
    first, last = (str(np.datetime_as_string(time, unit="m")) for time in (times[0], times[-1]))
    return {
        "dataset": system.dataset,
        "first_analysis": first,
        "last_analysis": last,
        "analyses": int(times.size),
        "validation_held_out": system.periods.validation.start > system.periods.training.end,
        "began_with": None if begin_with is None else begin_with.model_id,
        "torch": torch.__version__,
    }
