"""Objectives of training: the loss of each sample, given a model, samples and random numbers.

All objectives share one loop. Denoising learns the whole distribution, the CRPS of a few members over a rollout (in
`rollout_crps`) trains the sampler as it will be used, and distillation replaces many evaluations by one.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from forecast.diffusion.consistency import consistency_loss
from forecast.diffusion.losses import error_by_noise_level
from forecast.diffusion.schedules import rho_schedule
from forecast.diffusion.time_distributions import stratified_chances
from forecast.model.step_model import StepModel
from forecast.system.diffusion import Sampler
from forecast.training.random_numbers import RandomNumbers
from forecast.training.sample_batch import SampleBatch

Weights = Float[Tensor, "channel latitude #longitude"]
"""Area and channel weights, mean 1."""


class Objective(Protocol):
    """A function that returns the loss of each sample."""

    @property
    def lead_steps(self) -> int:
        """Number of states after the past ones that a sample needs."""

    def __call__(
        self, model: StepModel, batch: SampleBatch, weights: Weights, random_numbers: RandomNumbers
    ) -> Float[Tensor, " batch"]:
        """Return the loss of each sample; all random numbers come from `random_numbers`."""


class Losses(nn.Module):
    """A module whose forward pass is the loss of a model, as PyTorch needs it for training on several processes.

    Args:
        model: The model to train.
    """

    def __init__(self, model: StepModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, objective: Objective, batch: SampleBatch, weights: Weights, random_numbers: RandomNumbers
    ) -> Float[Tensor, " batch"]:
        """Return the loss of each sample.

        Args:
            objective: The objective.
            batch: The samples, on the model's device.
            weights: Area and channel weights, mean 1.
            random_numbers: Random numbers of these samples.
        """
        return objective(self.model, batch, weights, random_numbers)


@dataclass(frozen=True)
class Denoising:
    """Squared error of the denoised residual; the model defines the distribution and the weights of noise levels."""

    lead_steps: int = 1

    def __call__(
        self, model: StepModel, batch: SampleBatch, weights: Weights, random_numbers: RandomNumbers
    ) -> Float[Tensor, " batch"]:
        """Return the loss of each sample."""
        past, scalars = batch.past, batch.scalars[:, 0]
        anchor = model.anchor(past, scalars, batch.years)
        clean = model.normalised_residual(batch.following[:, 0], anchor, scalars)
        levels = model.denoising_loss.levels(random_numbers.of_batch(stratified_chances))
        noise = model.noise(random_numbers.normal(*clean.shape[1:]))
        denoiser = model.residual_denoiser(past, anchor, scalars, batch.mirrored)
        loss: Tensor = model.denoising_loss(denoiser, clean, noise, levels, weights)
        return loss


@dataclass(frozen=True)
class NoiseLevelErrors:
    """Squared error of the denoised residual at given noise levels.

    Attributes:
        sigmas: Standard deviations of the noise, in units of the residual's.
    """

    sigmas: tuple[float, ...]
    lead_steps: int = 1

    def __call__(
        self, model: StepModel, batch: SampleBatch, weights: Weights, random_numbers: RandomNumbers
    ) -> Float[Tensor, "level channel"]:
        """Return the mean error over samples and area, in units of the residual's variance."""
        past, scalars = batch.past, batch.scalars[:, 0]
        anchor = model.anchor(past, scalars, batch.years)
        clean = model.normalised_residual(batch.following[:, 0], anchor, scalars)
        area = weights / weights.mean(dim=(1, 2), keepdim=True)
        denoiser = model.residual_denoiser(past, anchor, scalars)
        noise = model.noise(random_numbers.normal(*clean.shape[1:]))
        return error_by_noise_level(denoiser, clean, noise, area, clean.new_tensor(self.sigmas))


@dataclass(frozen=True)
class MeanError:
    """Squared error of the predicted mean of the next state given the past alone, which trains a `MeanAnchor`."""

    lead_steps: int = 1

    def __call__(
        self, model: StepModel, batch: SampleBatch, weights: Weights, random_numbers: RandomNumbers
    ) -> Float[Tensor, " batch"]:
        """Return the loss of each sample."""
        del random_numbers
        past, scalars = batch.past, batch.scalars[:, 0]
        anchor = model.anchor(past, scalars, batch.years)
        missed = model.normalised_residual(batch.following[:, 0], anchor, scalars)
        error = model.expected_residual(past, scalars, batch.mirrored) - missed
        return (error.square() * weights).mean(dim=(1, 2, 3))


@dataclass(frozen=True)
class ConsistencyDistillation:
    """Consistency of the model, as a one-evaluation sampler, along the probability flow of a teacher.

    Attributes:
        teacher: A trained denoiser in evaluation mode, with the anchor and the normalisation of the model.
        sampler: The sampler section, which gives the range of noise levels; the model will sample from the largest.
        levels: Number of noise levels above zero that divide the flow, evenly spaced in sigma^(1/rho).
    """

    teacher: StepModel
    sampler: Sampler
    levels: int
    lead_steps: int = 1

    def __call__(
        self, model: StepModel, batch: SampleBatch, weights: Weights, random_numbers: RandomNumbers
    ) -> Float[Tensor, " batch"]:
        """Return the loss of each sample."""
        past, scalars = batch.past, batch.scalars[:, 0]
        teacher = self.teacher.to(past.device)
        teacher.training_dtype = model.training_dtype
        anchor = model.anchor(past, scalars, batch.years)
        clean = model.normalised_residual(batch.following[:, 0], anchor, scalars)
        noise = model.noise(random_numbers.normal(*clean.shape[1:]))
        return consistency_loss(
            model.residual_denoiser(past, anchor, scalars, batch.mirrored),
            teacher.residual_denoiser(past, anchor, scalars),
            clean,
            noise,
            self._neighbours(random_numbers.of_batch(stratified_chances)),
            weights,
        )

    def _neighbours(self, chances: Float[Tensor, " batch"]) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
        """Return a noise level for each sample, all equally likely, and the next lower one."""
        options = self.sampler
        grid = rho_schedule(self.levels, sigma_min=options.sigma_min, sigma_max=options.sigma_max, rho=options.rho)
        grid = grid.to(chances.device, torch.float32)
        place = (chances * self.levels).long()
        return grid[place], grid[place + 1]
