"""What training minimises: a loss per sample, given a model, some samples and a source of randomness.

Two objectives share one loop: denoising, which learns the whole distribution, and the CRPS of a few members over a
rollout, which trains the sampler as it will be used, in few evaluations.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.consistency import consistency_loss
from forecast.diffusion.losses import almost_fair_crps, error_by_noise_level
from forecast.diffusion.schedules import rho_schedule
from forecast.diffusion.time_distributions import stratified_chances
from forecast.model.advance import advance, censored
from forecast.model.step_model import StepModel
from forecast.sphere.harmonics import harmonic_transform
from forecast.system.diffusion import Sampler
from forecast.training.random_numbers import Draws
from forecast.training.sample_batch import SampleBatch

Weights = Float[Tensor, "channel latitude #longitude"]
"""Area and channel weights, mean 1."""


class Objective(Protocol):
    """From a model and samples to a loss per sample."""

    @property
    def lead_steps(self) -> int:
        """States after the past ones that a sample needs."""

    def __call__(
        self, model: StepModel, windows: SampleBatch, weights: Weights, draws: Draws
    ) -> Float[Tensor, " batch"]:
        """Loss of each sample; every random number comes from `draws`."""


@dataclass(frozen=True)
class Denoising:
    """Squared error of the denoised residual; the model says at which noise levels, and how much each counts."""

    lead_steps: int = 1

    def __call__(
        self, model: StepModel, windows: SampleBatch, weights: Weights, draws: Draws
    ) -> Float[Tensor, " batch"]:
        """Loss of each sample."""
        past, scalars = windows.past, windows.scalars[:, 0]
        anchor = model.anchor(past, scalars, windows.years)
        clean = model.normalised_residual(windows.following[:, 0], anchor, scalars)
        levels = model.denoising_loss.levels(draws.of_batch(stratified_chances))
        noise = model.noise(draws.normal(*clean.shape[1:]))
        denoiser = model.residual_denoiser(past, anchor, scalars, windows.mirrored)
        loss: Tensor = model.denoising_loss(denoiser, clean, noise, levels, weights)
        return loss


@dataclass(frozen=True)
class NoiseLevelErrors:
    """Squared error of the denoised residual at each of some noise levels: what denoising has learned where.

    Attributes:
        sigmas: Noise standard deviations, in units of the residual's.
    """

    sigmas: tuple[float, ...]
    lead_steps: int = 1

    def __call__(
        self, model: StepModel, windows: SampleBatch, weights: Weights, draws: Draws
    ) -> Float[Tensor, "level channel"]:
        """Mean over samples and area, in units of the residual's variance."""
        past, scalars = windows.past, windows.scalars[:, 0]
        anchor = model.anchor(past, scalars, windows.years)
        clean = model.normalised_residual(windows.following[:, 0], anchor, scalars)
        area = weights / weights.mean(dim=(1, 2), keepdim=True)
        denoiser = model.residual_denoiser(past, anchor, scalars)
        noise = model.noise(draws.normal(*clean.shape[1:]))
        return error_by_noise_level(denoiser, clean, noise, area, clean.new_tensor(self.sigmas))


@dataclass(frozen=True)
class MeanError:
    """Squared error of the state that is expected before anything of it was seen: what a `MeanAnchor` is trained on."""

    lead_steps: int = 1

    def __call__(
        self, model: StepModel, windows: SampleBatch, weights: Weights, draws: Draws
    ) -> Float[Tensor, " batch"]:
        """Loss of each sample."""
        del draws
        past, scalars = windows.past, windows.scalars[:, 0]
        anchor = model.anchor(past, scalars, windows.years)
        missed = model.normalised_residual(windows.following[:, 0], anchor, scalars)
        error = model.expected_residual(past, scalars, windows.mirrored) - missed
        return (error.square() * weights).mean(dim=(1, 2, 3))


@dataclass(frozen=True)
class RolloutCrps:
    """Almost fair CRPS of a few members that the sampler makes, through a few lead steps.

    States are compared in units of the residual's standard deviation. Lead step k weighs 1/sqrt(k), about the inverse
    of how errors grow, so that each lead step has a like share in the loss. As in a forecast, states are censored at
    the physical minimum before they are scored and go on: where it stays dry, a member may lie anywhere below no rain.

    A score of points alone does not see how they vary together. The spectral term is the same score of the coefficients
    of spherical harmonics: their sum over the root of their number, which is as large as the score of points where all
    coefficients vary alike.

    Attributes:
        sampler: As it will be used; the loss is differentiated through it and through the lead steps.
        lead_steps: Length of the rollout.
        members: Members of each sample, at least 2.
        fairness: 1 for the fair CRPS, 0 for the plain one.
        spectral_weight: Weight of the spectral term beside that of points; needs a grid round the globe.
        amounts: Places of the channels that are roots of amounts, whose physical minimum is none.
        amounts_weight: Weight of the spectral term of amounts; needs a grid round the globe.

    Source: Lang et al. (2024), equation 4, arXiv:2412.15832; the spectral term after Bonev et al. (2025),
    arXiv:2507.12144
    """

    sampler: Sampler
    lead_steps: int
    members: int
    fairness: float
    spectral_weight: float = 0.0
    amounts: tuple[int, ...] = ()
    amounts_weight: float = 0.0

    def __call__(
        self, model: StepModel, windows: SampleBatch, weights: Weights, draws: Draws
    ) -> Float[Tensor, " batch"]:
        """Loss of each sample."""
        batch = windows.past.shape[0]
        scale = model.residual_scale(windows.scalars[:, 0])
        past = windows.past.repeat(self.members, 1, 1, 1, 1)
        years = windows.years.repeat(self.members)
        mirrored = None if windows.mirrored is None else windows.mirrored.repeat(self.members)
        shares = torch.arange(1, self.lead_steps + 1).pow(-0.5)
        shares = shares / shares.sum()
        loss = past.new_zeros(batch)
        for lead_index, share in enumerate(shares.tolist()):
            scalars = windows.scalars[:, lead_index].repeat(self.members, 1)
            noise = self._noise(draws, past[0, -1])
            state = advance(model, self.sampler, past, scalars, noise, years=years, mirrored=mirrored)
            if windows.lower_bounds is not None:
                state = censored(state, windows.lower_bounds[:, lead_index].repeat(self.members, 1, 1, 1))
            members = state.unflatten(0, (self.members, batch)) / scale
            following = windows.following[:, lead_index] / scale
            score = almost_fair_crps(members, following, fairness=self.fairness)
            loss = loss + share * (score * weights).mean(dim=(1, 2, 3))
            if self.spectral_weight:
                loss = loss + share * self.spectral_weight * self._spectral(model, members, following, weights)
            if self.amounts_weight and self.amounts:
                assert windows.lower_bounds is not None, "amounts have a physical minimum"
                none = windows.lower_bounds[:, lead_index] / scale
                loss = loss + share * self.amounts_weight * self._of_amounts(model, members, following, none, weights)
            past = torch.cat([past[:, 1:], state[:, None]], dim=1)
        return loss

    def _spectral(self, model: StepModel, members: Tensor, following: Tensor, weights: Weights) -> Tensor:
        """Score of the coefficients, for each sample."""
        transform = harmonic_transform(model.grid).to(members.device)
        predicted, observed = transform.coefficients(members), transform.coefficients(following)
        score = almost_fair_crps(predicted, observed, fairness=self.fairness).sum(dim=-1) / observed.shape[-1] ** 0.5
        loss: Tensor = (score * weights.mean(dim=(1, 2))).mean(dim=1)
        return loss

    def _of_amounts(
        self, model: StepModel, members: Tensor, following: Tensor, none: Tensor, weights: Weights
    ) -> Tensor:
        """Score of the coefficients of amounts, in units in which those of usual size differ as their roots do."""
        chosen = list(self.amounts)
        predicted, observed = ((roots - none)[..., chosen, :, :].clamp(min=0) for roots in (members, following))
        unit = 2 * observed.square().mean(dim=(-2, -1), keepdim=True).sqrt().clamp_min(1e-3)
        amounts, came = predicted.square() / unit, observed.square() / unit
        return self._spectral(model, amounts, came, weights[chosen]) * len(chosen) / following.shape[1]

    def _noise(self, draws: Draws, state: Tensor) -> Callable[[int], Tensor]:
        """Draws of one lead step, any number of them in order: one for each member of each sample."""
        return lambda draw: draws.normal(self.members, *state.shape).transpose(0, 1).flatten(0, 1)


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

    def __call__(
        self, model: StepModel, windows: SampleBatch, weights: Weights, draws: Draws
    ) -> Float[Tensor, " batch"]:
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
