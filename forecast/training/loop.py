"""The training loop, which takes weights, their average and the optimiser through the stages."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from data_catalog.errors import ConfigurationError, DivergedError
from forecast.checkpoints.training_record import NoiseLevels, StageRecord
from forecast.model.step_model import StepModel
from forecast.networks.division import divide_networks
from forecast.parallel.ranks import ALONE, Ranks
from forecast.parallel.sharding import accumulating, distribute, full_tensor, full_tensors_on_cpu
from forecast.training.averaged_weights import AveragedWeights, kept_share
from forecast.training.objectives import Denoising, Losses
from forecast.training.optimiser import Optimiser, scheduled_learning_rate
from forecast.training.output import TrainingOutput
from forecast.training.precision import fast_precision
from forecast.training.random_numbers import RandomNumbers
from forecast.training.sample_batch import SampleBatch
from forecast.training.samples import shuffled
from forecast.training.stages import Stage
from forecast.training.state import (
    START,
    load_training_state,
    remove_training_state,
    save_training_state,
    training_tensors,
)
from forecast.training.training_data import TrainingData
from forecast.training.validation import Validation


@dataclass(frozen=True)
class TrainingJob:
    """The directory, the length and the processes of a training or of a part of it.

    Attributes:
        directory: Directory of the checkpoint.
        iterations: Number of iterations of the whole training.
        earlier: Number of iterations of the parts before this one.
        resume: Whether to continue an unfinished training and to keep finished parts.
        ranks: The processes of the training.
    """

    directory: Path
    iterations: int
    earlier: int = 0
    resume: bool = False
    ranks: Ranks = ALONE


@dataclass(frozen=True)
class TrainingProgress:
    """The progress of a training after an iteration.

    Attributes:
        stage: Name of the stage of this iteration.
        iteration: Number of iterations done in the whole training.
        iterations: Number of iterations of the whole training.
        loss: Loss of this iteration's batch; losses of different stages cannot be compared.
        validation_loss: Validation loss of the averaged weights; None unless a checkpoint was just written.
        seconds: Duration of this iteration.
        noise_levels: Denoising errors by noise level; None unless a denoising checkpoint was just written.
    """

    stage: str
    iteration: int
    iterations: int
    loss: float
    validation_loss: float | None
    seconds: float
    noise_levels: NoiseLevels | None = None


def train_stages(
    model: StepModel, plan: Sequence[Stage], data: TrainingData, job: TrainingJob
) -> Iterator[TrainingProgress]:
    """Train a model through some stages; from the first save on there is a usable checkpoint.

    Args:
        model: The initial model.
        plan: The stages.
        data: Training data, and the record of the training.
        job: Directory, length and processes of the training.

    Yields:
        Progress after each iteration.

    Raises:
        ConfigurationError: The interrupted training is another one, or has done more iterations than requested.
        DivergedError: A loss or gradient is not finite; the last checkpoint stays.
    """
    run = TrainingRun(model, plan, data, job)
    if job.resume:
        run.resume()
    yield from run.iterate()


class TrainingRun:
    """A running training: weights, averaged weights, optimiser and position.

    Args:
        model: The initial model.
        plan: The stages.
        data: Training data, and the record of the training.
        job: Directory, length and processes of the training.
    """

    def __init__(self, model: StepModel, plan: Sequence[Stage], data: TrainingData, job: TrainingJob) -> None:
        self.plan, self.samples, self.system, self.job = tuple(plan), data.samples, data.system, job
        self.ranks = job.ranks
        options, device = self.system.training, self.ranks.device
        self.output = TrainingOutput(job.directory, data.system, model.grid, data.standardiser, data.record)
        self.model = model.to(device)
        divide_networks(self.model, self.ranks.bands)
        self.model.training_dtype = _lower_precision(options.precision, torch.device(device))
        losses = Losses(self.model)
        self.shared = distribute(
            losses,
            self.ranks,
            parallel=options.parallel,
            recompute=options.recompute_activations,
            compiled=options.compiled,
            idle_weights=any(True for _ in self.model.denoising_loss.parameters()),
        )
        self.averaged = AveragedWeights(self.model)
        self.position = START
        self.records: dict[str, StageRecord] = {}
        weights = torch.tensor([options.channel_weights.get(name, 1.0) for name in self.system.state.predictands])
        self.weights = ((weights / weights.mean())[:, None, None] * model.grid.area_weights()).to(device)
        self.validation = Validation(self.system, losses, self.averaged, self.weights, data.validation, device)
        self.optimiser = self._fresh_optimiser()

    @property
    def stage(self) -> Stage:
        """The current stage."""
        return self.plan[self.position.stage]

    @property
    def _seed(self) -> int:
        return self.system.training.seed + 101 * self.position.stage

    def resume(self) -> None:
        """Restore the state of an interrupted training from the directory.

        Raises:
            ConfigurationError: It is another training, or has done more iterations of a stage than requested.
            InvalidDataError: The stored state is damaged.
        """
        self.position = load_training_state(self.output.directory, self.output.identity, self._state_tensors())
        if self.position.stage < len(self.plan) and self.position.done >= self.stage.iterations:
            raise ConfigurationError(
                f"training in {self.output.directory}: expected more than the {self.position.done} iterations of "
                f"'{self.stage.name}' that are done, found {self.stage.iterations}"
            )
        if self.position != START:
            self.records = self.output.saved_stages()

    def iterate(self) -> Iterator[TrainingProgress]:
        """Train to the end of the last stage.

        Yields:
            Progress after each iteration.

        Raises:
            DivergedError: A loss or gradient is not finite; the last checkpoint stays.
        """
        while self.position.stage < len(self.plan):
            yield from self._iterate_stage()
        if self.ranks.is_first:
            remove_training_state(self.output.directory)

    def _iterate_stage(self) -> Iterator[TrainingProgress]:
        stage, options, saved_at = self.stage, self.system.training, time.monotonic()
        earlier = self.job.earlier + sum(each.iterations for each in self.plan[: self.position.stage])
        with closing(self.samples.stream(self._choices(), stage.objective.lead_steps)) as batches:
            for done in range(self.position.done + 1, stage.iterations + 1):
                started = time.monotonic()
                every = options.checkpoint_iterations
                due = started - saved_at > 60 * options.checkpoint_minutes or (every is not None and done % every == 0)
                loss, due = self._step(batches, due=due)
                self.position, record = self.position.after_iteration(), None
                if due or done == stage.iterations:
                    record = self._finish_iteration(loss, complete=done == stage.iterations)
                    saved_at = time.monotonic()
                yield TrainingProgress(
                    stage.name,
                    earlier + done,
                    self.job.iterations,
                    loss,
                    validation_loss=None if record is None else record.validation_loss,
                    seconds=time.monotonic() - started,
                    noise_levels=None if record is None else record.noise_levels,
                )

    def _choices(self) -> Iterator[Tensor]:
        """Yield the sample numbers of this process's micro-batches, from here to the end of the stage."""
        stage, seed, all_places = self.stage, self._seed, self._places()
        for iteration in range(self.position.done, stage.iterations):
            chosen = shuffled(len(self.samples), stage.batch_size, iteration, seed)
            yield from (chosen[places] for places in all_places)

    def _places(self) -> tuple[Tensor, ...]:
        """Return the places in a batch of the samples in each of this process's micro-batches."""
        share = self.ranks.share(torch.arange(self.stage.batch_size))
        together = self.system.training.micro_batch_size or share.numel()
        places: tuple[Tensor, ...] = share.split(together)
        return places

    def _step(self, batches: Iterator[SampleBatch], *, due: bool) -> tuple[float, bool]:
        """Run one iteration.

        Returns:
            Mean loss of the batch over all processes, and whether a checkpoint is due by the first process's clock.

        Raises:
            DivergedError: The loss or the gradient is not finite; weights and files stay as they were.
        """
        options, stage, done = self.system.training, self.stage, self.position.done
        torch.manual_seed((self._seed * 1_000_003 + done) * self.ranks.count + self.ranks.rank)  # for dropout
        rate = scheduled_learning_rate(stage.learning_rate, done, stage.iterations, options.warmup_iterations)
        self.optimiser.set_learning_rate(rate)
        self.model.train()
        self.optimiser.zero_grad()
        total = self._backward(batches)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), options.gradient_clip)
        gathered = self.ranks.gather(torch.stack([total, full_tensor(norm), total.new_tensor(float(due))])[None])
        loss, size, _ = gathered.mean(dim=0).tolist()
        self._require_finite(loss, "loss")
        self._require_finite(size, "gradient")
        self.optimiser.step()
        self.model.denoising_loss.update()
        self.averaged.update(kept_share(done, stage.batch_size, options.ema_halflife_samples))
        return loss, bool(gathered[0, 2])

    def _backward(self, batches: Iterator[SampleBatch]) -> Tensor:
        """Accumulate the gradients of this process's samples; return their mean loss."""
        options, stage, position, all_places = self.system.training, self.stage, self.position, self._places()
        share = stage.batch_size / self.ranks.teams
        total = torch.zeros((), device=self.ranks.device)
        for number, places in enumerate(all_places, start=1):
            among = (places.tolist(), stage.batch_size)
            random_numbers = RandomNumbers(
                options.seed, position.stage, position.done, *among, device=self.ranks.device
            )
            with accumulating(self.shared, more=number < len(all_places)):
                batch = next(batches).to(self.ranks.device)
                if options.mirrored:
                    batch = replace(batch, mirrored=random_numbers.coins())
                loss = self.shared(stage.objective, batch, self.weights, random_numbers).sum() / share
                loss.backward()
            total += loss.detach()
        return total

    def _require_finite(self, value: float, what: str) -> float:
        if math.isfinite(value):
            return value
        raise DivergedError(
            f"training of {self.system.name}: expected a finite {what} near iteration {self.position.done + 1} of "
            f"'{self.stage.name}', found {value:g}; the last checkpoint stays as it is"
        )

    def _finish_iteration(self, loss: float, *, complete: bool) -> StageRecord:
        """Validate and save; after the last iteration of a stage, start the next stage from the averaged weights."""
        stage, number = self.stage, self.position.stage
        validation_loss = self._require_finite(self.validation.loss(stage, number), "validation loss")
        record = StageRecord(
            iterations=self.position.done,
            loss=loss,
            validation_loss=validation_loss,
            noise_levels=self.validation.noise_levels(stage, number),
        )
        self.records[stage.name] = record
        weights = full_tensors_on_cpu(self.averaged.state(), self.ranks)
        if complete:
            followed = number + 1 < len(self.plan)
            if followed and isinstance(stage.objective, Denoising) and self.ranks.is_first:
                self.output.save_denoiser(weights, self.records)
            self.averaged.adopt()
            self.optimiser = self._fresh_optimiser()
            self.position = self.position.next_stage()
        tensors = full_tensors_on_cpu(self._state_tensors(), self.ranks)
        if self.ranks.is_first:
            self.output.save(weights, self.records, finished=self.position.stage == len(self.plan))
            save_training_state(self.output.directory, self.position, self.output.identity, tensors)
        return record

    def _state_tensors(self) -> dict[str, Tensor]:
        return training_tensors(self.model, self.averaged, self.optimiser)

    def _fresh_optimiser(self) -> Optimiser:
        options = self.system.training
        return Optimiser(
            self.model, options.optimiser, learning_rate=options.learning_rate, weight_decay=options.weight_decay
        )


def _lower_precision(asked: str, device: torch.device) -> torch.dtype | None:
    """Return the type of the network's products; None for float32, also where bfloat16 would only be imitated."""
    fast = fast_precision(device)
    return fast if asked == "bfloat16" and fast != torch.float32 else None
