"""Validation of averaged weights, on the same samples each time."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from forecast.checkpoints.training_record import NoiseLevels
from forecast.system.system import System
from forecast.training.averaged_weights import AveragedWeights
from forecast.training.objectives import Denoising, Losses, NoiseLevelErrors, Weights
from forecast.training.random_numbers import RandomNumbers
from forecast.training.samples import SampleSource
from forecast.training.stages import Stage

SEED = 20_010_101
SIGMAS = (0.02, 0.05, 0.12, 0.3, 0.8, 2.0, 6.0, 20.0, 80.0)
"""Noise levels at which the error of the denoiser is measured, in units of the residual's standard deviation."""
MOST_SAMPLES = 8
"""Largest number of samples for the error at each noise level."""


@dataclass(frozen=True)
class Validation:
    """Validates averaged weights; every process computes all samples.

    Attributes:
        system: The system in training.
        losses: The model in training, as a loss module.
        averaged: Averages of its weights.
        weights: Area and channel weights of the loss, mean 1.
        samples: Samples of the validation period.
        device: Device of the model.
    """

    system: System
    losses: Losses
    averaged: AveragedWeights
    weights: Weights
    samples: SampleSource
    device: str

    @torch.no_grad()
    def loss(self, stage: Stage, number: int) -> float:
        """Return the mean loss on samples spread evenly over the period.

        Args:
            stage: The stage, which defines the loss.
            number: Number of the stage, counted from 0; each stage has its own random numbers.
        """
        count = min(self.system.training.validation_samples, len(self.samples))
        order = self._spread(count)
        order = order[torch.randperm(count, generator=torch.Generator().manual_seed(SEED))]
        together = self.system.training.micro_batch_size or stage.batch_size
        random_numbers = partial(RandomNumbers, SEED, number, 0, batch_size=count, device=self.device)
        found = []
        with self.averaged.swapped_in():
            self.losses.model.eval()
            for places in torch.arange(count).split(together):
                batch = self.samples.batch(order[places], stage.objective.lead_steps).to(self.device)
                found.append(self.losses(stage.objective, batch, self.weights, random_numbers(places.tolist())))
        return float(torch.cat(found).mean())

    @torch.no_grad()
    def noise_levels(self, stage: Stage, number: int) -> NoiseLevels | None:
        """Measure the denoiser's error at each noise level; None in a stage that does not denoise.

        Args:
            stage: The current stage.
            number: Number of the stage, counted from 0.
        """
        if not isinstance(stage.objective, Denoising):
            return None
        together = self.system.training.micro_batch_size or stage.batch_size
        count = min(MOST_SAMPLES, together, len(self.samples))
        batch = self.samples.batch(self._spread(count), 1).to(self.device)
        random_numbers = RandomNumbers(SEED, number, 1, range(count), count, device=self.device)
        model = self.losses.model
        with self.averaged.swapped_in():
            model.eval()
            errors = self.losses(NoiseLevelErrors(SIGMAS), batch, self.weights, random_numbers).T.tolist()
        return NoiseLevels(
            sigma=SIGMAS,
            squared_error=dict(zip(self.system.state.predictands, errors, strict=True)),
            drawn=tuple(model.denoising_loss.quantiles(torch.tensor(NoiseLevels.CHANCES)).tolist()),
        )

    def _spread(self, count: int) -> Tensor:
        """Return the numbers of `count` samples spread evenly over the period."""
        return torch.linspace(0, len(self.samples) - 1, count).long()
