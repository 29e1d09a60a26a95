"""The loop of a training: weights, their average and the optimiser on their way through the stages."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from data_catalog.errors import ConfigurationError, DivergedError
from forecast.checkpoints.files import load_checkpoint, save_checkpoint
from forecast.model.step_model import StepModel
from forecast.parallel.ranks import Ranks
from forecast.parallel.sharding import accumulating, distribute, full_tensor, full_tensors_on_cpu
from forecast.sphere.grid import Grid
from forecast.states.standardiser import Standardiser
from forecast.system.system import System
from forecast.training.averaged_weights import AveragedWeights
from forecast.training.objectives import Denoising, NoiseLevelErrors, Objective
from forecast.training.optimiser import Optimiser
from forecast.training.random_numbers import Draws
from forecast.training.sample_batch import SampleBatch
from forecast.training.samples import SampleSource, shuffled
from forecast.training.stages import Stage
from forecast.training.state import (
    TrainingPosition,
    load_training_state,
    remove_training_state,
    save_training_state,
    training_tensors,
)

VALIDATION_SEED = 20_010_101
NOISE_LEVELS = (0.02, 0.05, 0.12, 0.3, 0.8, 2.0, 6.0, 20.0, 80.0)
"""Where the error of the denoiser is watched, in units of the residual's standard deviation."""
NOISE_LEVEL_SAMPLES = 8
DRAWN_CHANCES = (0.01, 0.25, 0.5, 0.75, 0.99)
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
        noise_levels: What denoising has learned at which noise level, where a checkpoint was just written.
    """

    stage: str
    iteration: int
    iterations: int
    loss: float
    validation_loss: float | None
    seconds: float
    noise_levels: Mapping[str, Any] | None = None


class Losses(nn.Module):
    """A model with its loss as the forward pass, which is what several processes know how to share."""

    def __init__(self, model: StepModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, objective: Objective, windows: SampleBatch, weights: Tensor, draws: Draws) -> Tensor:
        """Loss of each sample."""
        return objective(self.model, windows, weights, draws)


class TrainingRun:
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
        ranks: Ranks,
    ) -> None:
        self.system, self.grid, self.standardiser, self.ranks = system, grid, standardiser, ranks
        self.directory, self.record, self.plan = directory, record, plan
        options = system.training
        self.model = model.to(ranks.device)
        self.model.training_dtype = torch.bfloat16 if options.precision == "bfloat16" else None
        self.losses = Losses(self.model)
        self.shared = distribute(
            self.losses,
            ranks,
            parallel=options.parallel,
            recompute=options.recompute_activations,
            compiled=options.compiled,
            idle_weights=any(True for _ in self.model.denoising_loss.parameters()),
        )
        self.averaged = AveragedWeights(self.model)
        self.position = TrainingPosition(stage=0, done=0)
        self.figures: dict[str, dict[str, Any]] = {}
        weights = torch.tensor([options.channel_weights.get(name, 1.0) for name in system.state.predictands])
        self.weights = ((weights / weights.mean())[:, None, None] * grid.area_weights()).to(ranks.device)
        self.optimiser = self._fresh_optimiser()

    @property
    def stage(self) -> Stage:
        """The stage under way."""
        return self.plan[self.position.stage]

    @property
    def _seed(self) -> int:
        return self.system.training.seed + 101 * self.position.stage

    @property
    def _identity(self) -> str:
        """What decides this training, but for its length."""
        initial = self.record.get("began_with")
        return self.system.training_hash() + (f" from {initial}" if initial else "")

    def _fresh_optimiser(self) -> Optimiser:
        options = self.system.training
        return Optimiser(
            self.model, options.optimiser, learning_rate=options.learning_rate, weight_decay=options.weight_decay
        )

    def iterate(self, samples: SampleSource, watched: SampleSource) -> Iterator[TrainingProgress]:
        """Go on to the end of the last stage.

        Args:
            samples: To learn from.
            watched: To validate on.
        """
        wanted = sum(stage.iterations for stage in self.plan)
        while self.position.stage < len(self.plan):
            earlier = sum(stage.iterations for stage in self.plan[: self.position.stage])
            for progress in self._iterate_stage(samples, watched):
                yield replace(progress, iteration=earlier + progress.iteration, iterations=wanted)
        if self.ranks.is_first:
            remove_training_state(self.directory)

    def _iterate_stage(self, samples: SampleSource, watched: SampleSource) -> Iterator[TrainingProgress]:
        stage, saved_at = self.stage, time.monotonic()
        patience = 60 * self.system.training.checkpoint_minutes
        every = self.system.training.checkpoint_iterations
        with closing(samples.stream(self._choices(len(samples)), stage.objective.lead_steps)) as windows:
            for done in range(self.position.done + 1, stage.iterations + 1):
                started = time.monotonic()
                due = started - saved_at > patience or (every is not None and done % every == 0)
                loss, due = self._step(windows, due=due)
                self.position, validation_loss, noise_levels = self.position.after_iteration(), None, None
                complete = done == stage.iterations
                if due or complete:
                    validation_loss = self._checked(self._validate(watched), "validation loss")
                    figures = {"loss": loss, "validation_loss": validation_loss, **self._watch_noise_levels(watched)}
                    noise_levels = figures.get("noise_levels")
                    self._finish_iteration(figures, complete=complete)
                    saved_at = time.monotonic()
                seconds = time.monotonic() - started
                yield TrainingProgress(stage.name, done, stage.iterations, loss, validation_loss, seconds, noise_levels)

    def _choices(self, count: int) -> Iterator[Tensor]:
        """Numbers of the samples that this process computes, together at a time, from here to the end of the stage."""
        stage, seed, all_places = self.stage, self._seed, self._places()
        for iteration in range(self.position.done, stage.iterations):
            batch = shuffled(count, stage.batch_size, iteration, seed)
            yield from (batch[places] for places in all_places)

    def _places(self) -> tuple[Tensor, ...]:
        """Places in a batch of the samples that this process computes, together at a time."""
        share = self.ranks.share(torch.arange(self.stage.batch_size))
        together = self.system.training.micro_batch_size or share.numel()
        places: tuple[Tensor, ...] = share.split(together)
        return places

    def _step(self, windows: Iterator[SampleBatch], *, due: bool) -> tuple[float, bool]:
        """One iteration.

        Returns:
            Mean loss of the batch over all processes, and whether a checkpoint is due by the first one's clock.

        Raises:
            DivergedError: Loss or gradient is not finite; weights and files stay as they were.
        """
        options, stage, position = self.system.training, self.stage, self.position
        torch.manual_seed((self._seed * 1_000_003 + position.done) * self.ranks.count + self.ranks.rank)  # of dropout
        self.optimiser.set_learning_rate(self._learning_rate())
        self.model.train()
        self.optimiser.zero_grad()
        all_places = self._places()
        share = stage.batch_size / self.ranks.count
        total = torch.zeros((), device=self.ranks.device)
        for number, places in enumerate(all_places, start=1):
            draws = self._draws(options.seed, position.done, places, stage.batch_size)
            with accumulating(self.shared, more=number < len(all_places)):
                samples = next(windows).to(self.ranks.device)
                if options.mirrored:
                    samples = replace(samples, mirrored=draws.coins())
                loss = self.shared(stage.objective, samples, self.weights, draws).sum() / share
                loss.backward()
            total += loss.detach()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), options.gradient_clip)
        told = self.ranks.gather(torch.stack([total, full_tensor(norm), total.new_tensor(float(due))])[None])
        loss, size, _ = told.mean(dim=0).tolist()
        self._checked(loss, "loss")
        self._checked(size, "gradient")
        self.optimiser.step()
        self.model.denoising_loss.update()
        self._average()
        return loss, bool(told[0, 2])

    def _checked(self, value: float, what: str) -> float:
        """The same, if it is a number; the checkpoint that was saved last stays."""
        if math.isfinite(value):
            return value
        raise DivergedError(
            f"training of {self.system.name}: expected a finite {what} near iteration {self.position.done + 1} of "
            f"'{self.stage.name}', found {value:g}; the last checkpoint stays as it is"
        )

    def _draws(self, seed: int, iteration: int, places: Tensor, batch_size: int) -> Draws:
        return Draws(seed, self.position.stage, iteration, places.tolist(), batch_size, device=self.ranks.device)

    def _learning_rate(self) -> float:
        """Linear warm-up, then half a cosine down to one hundredth."""
        done = self.position.done
        warmup = min(1.0, (done + 1) / max(1, self.system.training.warmup_iterations))
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, done / self.stage.iterations)))
        return self.stage.learning_rate * warmup * (0.01 + 0.99 * cosine)

    def _average(self) -> None:
        """Take the weights into their average, over a window that grows with the samples seen until it is full."""
        batch_size = self.stage.batch_size
        halflife = min(self.system.training.ema_halflife_samples, max(1.0, 0.1 * self.position.done * batch_size))
        self.averaged.update(keep=0.5 ** (batch_size / halflife))

    @torch.no_grad()
    def _validate(self, watched: SampleSource) -> float:
        """Loss of the averaged weights on samples that are always the same; every process computes all of it."""
        stage = self.stage
        count = min(self.system.training.validation_samples, len(watched))
        order = torch.linspace(0, len(watched) - 1, count).long()
        order = order[torch.randperm(count, generator=torch.Generator().manual_seed(VALIDATION_SEED))]
        together = self.system.training.micro_batch_size or stage.batch_size
        losses = []
        with self.averaged.swapped_in():
            self.model.eval()
            for places in torch.arange(count).split(together):
                windows = watched.windows(order[places], stage.objective.lead_steps).to(self.ranks.device)
                draws = self._draws(VALIDATION_SEED, 0, places, count)
                losses.append(self.losses(stage.objective, windows, self.weights, draws))
        return float(torch.cat(losses).mean())

    @torch.no_grad()
    def _watch_noise_levels(self, watched: SampleSource) -> dict[str, Any]:
        """While denoising: what the averaged weights have learned at which noise level, and which levels are drawn."""
        if not isinstance(self.stage.objective, Denoising):
            return {}
        count = min(NOISE_LEVEL_SAMPLES, self.system.training.micro_batch_size or self.stage.batch_size, len(watched))
        windows = watched.windows(torch.linspace(0, len(watched) - 1, count).long(), 1).to(self.ranks.device)
        draws = self._draws(VALIDATION_SEED, 1, torch.arange(count), count)
        with self.averaged.swapped_in():
            self.model.eval()
            errors = self.losses(NoiseLevelErrors(NOISE_LEVELS), windows, self.weights, draws).T.tolist()
        drawn = self.model.denoising_loss.quantiles(torch.tensor(DRAWN_CHANCES)).tolist()
        by_channel = dict(zip(self.system.state.predictands, errors, strict=True))
        return {"noise_levels": {"sigma": list(NOISE_LEVELS), "squared_error": by_channel, "drawn": drawn}}

    def _finish_iteration(self, figures: dict[str, Any], *, complete: bool) -> None:
        """Save, and after a stage's last iteration go on to the next one from the averaged weights."""
        self.figures[self.stage.name] = {"iterations": self.position.done, **figures}
        if complete:
            followed = self.position.stage + 1 < len(self.plan)
            if followed and isinstance(self.stage.objective, Denoising):
                self._save_checkpoint(self.directory / DENOISER, finished=True)
            self.averaged.adopt()
            self.optimiser = self._fresh_optimiser()
            self.position = self.position.next_stage()
        self._save_checkpoint(self.directory, finished=self.position.stage == len(self.plan))
        tensors = full_tensors_on_cpu(self._moving(), self.ranks)
        if self.ranks.is_first:
            save_training_state(self.directory, self.position, self._identity, tensors)

    def _moving(self) -> dict[str, Tensor]:
        return training_tensors(self.model, self.averaged, self.optimiser)

    def _save_checkpoint(self, directory: Path, *, finished: bool) -> None:
        weights = full_tensors_on_cpu(self.averaged.state(), self.ranks)
        if self.ranks.is_first:
            save_checkpoint(
                directory,
                system=self.system,
                grid=self.grid,
                standardiser=self.standardiser,
                weights=[weights],
                training={**self.record, "stages": self.figures, **({} if finished else {"finished": False})},
            )

    def resume(self) -> None:
        """Go back to where an earlier training in the directory was."""
        self.position = load_training_state(self.directory, self._identity, self._moving())
        if self.position.stage < len(self.plan) and self.position.done >= self.stage.iterations:
            raise ConfigurationError(
                f"training in {self.directory}: expected more than the {self.position.done} iterations of "
                f"'{self.stage.name}' that are done, found {self.stage.iterations}"
            )
        if self.position != TrainingPosition(0, 0):
            self.figures = dict(load_checkpoint(self.directory).training["stages"])
