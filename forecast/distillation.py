"""Distillation as an objective of training: one evaluation that ends where the many of a trained denoiser do."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.consistency import consistency_loss
from forecast.diffusion.schedules import rho_schedule
from forecast.diffusion.settings import Sampler
from forecast.diffusion.time_distributions import stratified_chances
from forecast.draws import Draws
from forecast.model import StepModel
from forecast.objectives import Weights
from forecast.samples import Windows


@dataclass(frozen=True)
class ConsistencyDistillation:
    """Consistency of the model, as a sampler of one evaluation, along the probability flow of a teacher.

    Attributes:
        teacher: A trained denoiser in evaluation mode, with the anchor and the normalisation of the model; None only
            where a training is counted and not made.
        sampler: The range of noise levels; the model will be used from its largest.
        levels: Noise levels above zero that the flow is cut into, evenly spaced in sigma^(1/rho).
    """

    teacher: StepModel | None
    sampler: Sampler
    levels: int
    lead_steps: int = 1

    def __call__(self, model: StepModel, windows: Windows, weights: Weights, draws: Draws) -> Float[Tensor, " batch"]:
        """Loss of each sample."""
        past, scalars = windows.past, windows.scalars[:, 0]
        assert self.teacher is not None
        teacher = self.teacher.to(past.device)
        teacher.training_dtype = model.training_dtype
        anchor = model.anchor(past, scalars, windows.years)
        clean = model.normalised_residual(windows.following[:, 0], anchor, scalars)
        noise = model.noise(draws.normal(*clean.shape[1:]))
        return consistency_loss(
            model.residual_denoiser(past, anchor, scalars, windows.mirrored),
            teacher.residual_denoiser(past, anchor, scalars),
            clean,
            noise,
            self._neighbours(draws.of_batch(stratified_chances)),
            weights,
        )

    def _neighbours(self, chances: Float[Tensor, " batch"]) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
        """A noise level for each sample, all equally likely, and the next lower one."""
        options = self.sampler
        grid = rho_schedule(self.levels, sigma_min=options.sigma_min, sigma_max=options.sigma_max, rho=options.rho)
        grid = grid.to(chances.device, torch.float32)
        place = (chances * self.levels).long()
        return grid[place], grid[place + 1]
