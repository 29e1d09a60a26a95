"""From an analysis to a checkpoint.

Every random choice is a function of (seed, iteration), so a training that was killed goes on as if it had not been.
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
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.anchors import LinearAnchor
from forecast.batches import Standardiser, grid_of, static_tensor
from forecast.checkpoints import save_checkpoint
from forecast.conditioning import step_scalars
from forecast.diffusion.losses import denoising_loss
from forecast.diffusion.schedules import log_normal_sigmas
from forecast.grid import Grid
from forecast.model import StepModel
from forecast.system import Period, System
from forecast.training_state import has_training_state, load_training_state, remove_training_state, save_training_state

VALIDATION_SEED = 20_010_101


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is.

    Attributes:
        iteration: Iterations done.
        iterations: Iterations wanted.
        loss: Loss of this iteration's batch.
        validation_loss: Of the averaged weights, where a checkpoint was just written.
        seconds: Time of this iteration.
    """

    iteration: int
    iterations: int
    loss: float
    validation_loss: float | None
    seconds: float


@dataclass(frozen=True)
class Samples:
    """Standardised states and the index of each training sample among them.

    Attributes:
        states: All analyses of a period, in memory.
        scalars: Scalar conditions of a step from each.
        starts: Past states, oldest first, and the next state of each sample, as indices into `states`.
    """

    states: Float[Tensor, "time channel latitude longitude"]
    scalars: Float[Tensor, "time scalar"]
    starts: Int[Tensor, "sample past_and_next"]

    def past_next_scalars(self, chosen: Int[Tensor, " batch"]) -> tuple[Tensor, Tensor, Tensor]:
        """Past states, next state and scalars of some samples."""
        indices = self.starts[chosen]
        return self.states[indices[:, :-1]], self.states[indices[:, -1]], self.scalars[indices[:, -2]]


def in_period(analysis: xr.Dataset, period: Period) -> xr.Dataset:
    """The analyses of a period.

    Raises:
        MissingDataError: There are none.
    """
    chosen = analysis.sel(time=slice(str(period.start), str(period.end)))
    if not chosen.sizes["time"]:
        raise MissingDataError(f"training: expected analyses from {period.start} to {period.end}, found none")
    return chosen


def make_samples(analysis: xr.Dataset, standardiser: Standardiser, system: System) -> Samples:
    """Find every run of states that are one step apart.

    Raises:
        MissingDataError: There is none.
    """
    times = analysis["time"].values
    starts = _consecutive(times, np.timedelta64(system.state.step_hours, "h"), system.state.past_states + 1)
    if not starts.size:
        wanted = f"{system.state.past_states + 1} analyses {system.state.step_hours} h apart"
        raise MissingDataError(f"training: expected {wanted}, found none among {times.size} times")
    scalars = step_scalars(times, system.state.step_hours)
    return Samples(standardiser.to_tensor(analysis), scalars, torch.from_numpy(starts))


def _consecutive(times: NDArray[np.datetime64], step: np.timedelta64, length: int) -> NDArray[np.int64]:
    wanted = times[:, None] + np.arange(length) * step
    indices = np.searchsorted(times, wanted).clip(max=times.size - 1)
    complete = (times[indices] == wanted).all(axis=1)
    result: NDArray[np.int64] = indices[complete].astype(np.int64)
    return result


def prepare_model(system: System, analysis: xr.Dataset, standardiser: Standardiser, samples: Samples) -> StepModel:
    """A fresh model with its anchor and residual scales fitted to the training samples."""
    torch.manual_seed(system.training.seed)
    grid = grid_of(analysis)
    model = StepModel(system, grid, static_tensor(analysis, system.state.static))
    area = grid.area_weights()
    if isinstance(model.anchor, LinearAnchor):
        model.anchor.fit(samples.states, samples.starts, area)
    total = torch.zeros(len(system.state.predictands))
    for chosen in torch.arange(samples.starts.shape[0]).split(256):
        past, following, _ = samples.past_next_scalars(chosen)
        total += ((following - model.anchor(past)).square() * area).mean(dim=(2, 3)).sum(dim=0)
    model.get_buffer("residual_std").copy_((total / samples.starts.shape[0]).sqrt()[:, None, None])
    return model


def train(
    system: System,
    analysis: xr.Dataset,
    directory: Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    iterations: int | None = None,
) -> Iterator[TrainingProgress]:
    """Train a system's model; a usable checkpoint is in `directory` from the first save on.

    Args:
        system: What to train.
        analysis: Canonical analysis over the training and validation periods; kept in memory, float32.
        directory: Where the checkpoint goes.
        resume: Go on from the training state in `directory`, if there is one.
        device: Where to compute.
        iterations: In place of the system's number.

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
    standardiser = Standardiser.fit(training, system.state.predictands)
    samples = make_samples(training, standardiser, system)
    watched = make_samples(validation, standardiser, system)
    model = prepare_model(system, training, standardiser, samples).to(device)
    run = _Run(system, grid_of(analysis), standardiser, model, directory, _record(system, training), iterations)
    if resume:
        run.resume()
    elif has_training_state(directory):
        raise ConfigurationError(
            f"training: expected no unfinished training in {directory}, found one; resume it with --resume"
        )
    yield from run.iterate(samples, watched)


class _Run:
    """Weights, averaged weights and optimiser on their way through the iterations."""

    def __init__(
        self,
        system: System,
        grid: Grid,
        standardiser: Standardiser,
        model: StepModel,
        directory: Path,
        record: Mapping[str, Any],
        iterations: int | None,
    ) -> None:
        self.system, self.grid, self.standardiser = system, grid, standardiser
        self.model, self.directory, self.record = model, directory, record
        self.averaged = copy.deepcopy(model).requires_grad_(False).eval()
        options = system.training
        self.iterations = iterations or options.iterations
        self.done = 0
        self.optimiser = torch.optim.AdamW(
            model.parameters(), lr=options.learning_rate, betas=(0.9, 0.99), weight_decay=options.weight_decay
        )
        weights = torch.tensor([options.channel_weights.get(name, 1.0) for name in system.state.predictands])
        self.weights = (weights / weights.mean())[:, None, None] * grid.area_weights()
        self.device = next(model.parameters()).device

    def iterate(self, samples: Samples, watched: Samples) -> Iterator[TrainingProgress]:
        saved_at = time.monotonic()
        while self.done < self.iterations:
            started = time.monotonic()
            loss = self._step(samples)
            self.done += 1
            validation_loss = None
            due = time.monotonic() - saved_at > 60 * self.system.training.checkpoint_minutes
            if due or self.done == self.iterations:
                validation_loss = self._validate(watched)
                self.save(loss, validation_loss)
                saved_at = time.monotonic()
            yield TrainingProgress(self.done, self.iterations, loss, validation_loss, time.monotonic() - started)
        remove_training_state(self.directory)

    def _step(self, samples: Samples) -> float:
        options = self.system.training
        generator = torch.Generator().manual_seed(options.seed * 1_000_003 + self.done)
        chosen = _chosen(samples.starts.shape[0], options.batch_size, self.done, options.seed)
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
        levels = self.system.diffusion
        past, following, scalars = (part.to(self.device) for part in samples.past_next_scalars(chosen))
        anchor = model.anchor(past)
        clean = model.normalised_residual(following, anchor)
        sigma = log_normal_sigmas(
            chosen.shape[0], mean=levels.log_sigma_mean, std=levels.log_sigma_std, generator=generator
        ).to(self.device)
        noise = torch.randn(clean.shape, generator=generator).to(self.device)
        denoiser = model.residual_denoiser(past, anchor, scalars)
        return denoising_loss(denoiser, clean, sigma, noise, self.weights.to(self.device))

    def _learning_rate(self) -> float:
        """Linear warm-up, then half a cosine down to one hundredth."""
        options = self.system.training
        warmup = min(1.0, (self.done + 1) / max(1, options.warmup_iterations))
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.done / self.iterations)))
        return options.learning_rate * warmup * (0.01 + 0.99 * cosine)

    @torch.no_grad()
    def _average(self) -> None:
        """Exponential average of the weights, over a window that grows with the samples seen until it is full."""
        options = self.system.training
        halflife = min(options.ema_halflife_samples, max(1.0, 0.1 * self.done * options.batch_size))
        keep = 0.5 ** (options.batch_size / halflife)
        for averaged, current in zip(self.averaged.parameters(), self.model.parameters(), strict=True):
            averaged.lerp_(current, 1 - keep)

    @torch.no_grad()
    def _validate(self, watched: Samples) -> float:
        count = min(self.system.training.validation_samples, watched.starts.shape[0])
        chosen = torch.linspace(0, watched.starts.shape[0] - 1, count).long()
        generator = torch.Generator().manual_seed(VALIDATION_SEED)
        shuffled = chosen[torch.randperm(count, generator=generator)]
        losses = [
            self._loss(self.averaged, watched, part, generator)
            for part in shuffled.split(self.system.training.batch_size)
        ]
        return float(torch.cat(losses).mean())

    def save(self, loss: float, validation_loss: float) -> None:
        figures = {"iterations": self.done, "loss": loss, "validation_loss": validation_loss}
        save_checkpoint(
            self.directory,
            system=self.system,
            grid=self.grid,
            standardiser=self.standardiser,
            weights=self.averaged.state_dict(),
            training={**self.record, **figures},
        )
        training_hash = self.system.training_hash()
        save_training_state(self.directory, self.done, training_hash, self.model, self.averaged, self.optimiser)

    def resume(self) -> None:
        self.done = load_training_state(
            self.directory, self.system.training_hash(), self.model, self.averaged, self.optimiser
        )


def _chosen(count: int, batch_size: int, iteration: int, seed: int) -> Int[Tensor, " batch"]:
    """Samples of one iteration: each epoch is a fresh shuffle of all."""
    positions = np.arange(iteration * batch_size, (iteration + 1) * batch_size)
    epochs = positions // count
    orders = {
        epoch: torch.randperm(count, generator=torch.Generator().manual_seed(seed * 7919 + int(epoch)))
        for epoch in np.unique(epochs)
    }
    picked = [orders[epoch][position % count] for epoch, position in zip(epochs, positions, strict=True)]
    return torch.stack(picked)


def _record(system: System, training: xr.Dataset) -> dict[str, Any]:
    times = training["time"].values
    first, last = (str(np.datetime_as_string(time, unit="m")) for time in (times[0], times[-1]))
    return {
        "dataset": system.dataset,
        "first_analysis": first,
        "last_analysis": last,
        "analyses": int(times.size),
        "validation_held_out": system.periods.validation.start > system.periods.training.end,
        "torch": torch.__version__,
    }
