"""The CRPS of a few members over a rollout, which trains a sampler of few evaluations as it will be used."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.losses import almost_fair_crps
from forecast.model.advance import advance, censored
from forecast.model.step_model import StepModel
from forecast.sphere.harmonics import harmonic_transform
from forecast.system.diffusion import Sampler
from forecast.training.objectives import Weights
from forecast.training.random_numbers import RandomNumbers
from forecast.training.sample_batch import SampleBatch

Members = Float[Tensor, "member batch channel latitude longitude"]
States = Float[Tensor, "batch channel latitude longitude"]


@dataclass(frozen=True)
class RolloutCrps:
    """Almost fair CRPS of a few members, made by the sampler, over a few lead steps.

    States are compared in units of the residual's standard deviation. Lead step k has the weight 1/sqrt(k), about the
    inverse of the growth of errors, so that all lead steps have similar shares in the loss. As in a forecast, states
    are clipped at the physical minimum before they are scored and before the next step, so that where no precipitation
    falls, the unclipped value does not matter.

    A score at points does not measure how points vary together. The spectral term is the same score of the coefficients
    of spherical harmonics: their sum divided by the square root of their number, which is as large as the score at
    points if all coefficients have equal variance.

    Attributes:
        sampler: The sampler section; the loss is differentiated through the sampler and through the lead steps.
        lead_steps: Length of the rollout.
        members: Number of members of each sample, at least 2.
        fairness: 1 for the fair CRPS, 0 for the plain one.
        spectral_weight: Weight of the spectral term, added to the score at points; global grids only.
        amounts: Indices of the channels that are square roots of amounts, whose physical minimum is zero.
        amounts_weight: Weight of the spectral term of amounts; global grids only.

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
        self, model: StepModel, batch: SampleBatch, weights: Weights, random_numbers: RandomNumbers
    ) -> Float[Tensor, " batch"]:
        """Return the loss of each sample."""
        count = batch.past.shape[0]
        scale = model.residual_scale(batch.scalars[:, 0])
        past = batch.past.repeat(self.members, 1, 1, 1, 1)
        shares = torch.arange(1, self.lead_steps + 1).pow(-0.5)
        shares = shares / shares.sum()
        loss = past.new_zeros(count)
        for lead_index, share in enumerate(shares.tolist()):
            state = self._next_state(model, batch, lead_index, past, random_numbers)
            members = state.unflatten(0, (self.members, count)) / scale
            following = batch.following[:, lead_index] / scale
            score = almost_fair_crps(members, following, fairness=self.fairness)
            loss = loss + share * (score * weights).mean(dim=(1, 2, 3))
            if self.spectral_weight:
                loss = loss + share * self.spectral_weight * self._spectral(model, members, following, weights)
            if self.amounts_weight and self.amounts:
                assert batch.lower_bounds is not None, "amounts have a physical minimum"
                zero = batch.lower_bounds[:, lead_index] / scale
                loss = loss + share * self.amounts_weight * self._of_amounts(model, members, following, zero, weights)
            past = torch.cat([past[:, 1:], state[:, None]], dim=1)
        return loss

    def _next_state(
        self, model: StepModel, batch: SampleBatch, lead_index: int, past: Tensor, random_numbers: RandomNumbers
    ) -> Tensor:
        """Return the next state of all members of all samples, clipped at the physical minimum."""
        scalars = batch.scalars[:, lead_index].repeat(self.members, 1)
        mirrored = None if batch.mirrored is None else batch.mirrored.repeat(self.members)
        noise = self._noise(random_numbers, past[0, -1])
        years = batch.years.repeat(self.members)
        state = advance(model, self.sampler, past, scalars, noise, years=years, mirrored=mirrored)
        if batch.lower_bounds is not None:
            state = censored(state, batch.lower_bounds[:, lead_index].repeat(self.members, 1, 1, 1))
        return state

    def _spectral(
        self, model: StepModel, members: Members, following: States, weights: Weights
    ) -> Float[Tensor, " batch"]:
        """Return the score of the spherical harmonic coefficients of each sample."""
        transform = harmonic_transform(model.grid, members.device)
        predicted, observed = transform.coefficients(members), transform.coefficients(following)
        score = almost_fair_crps(predicted, observed, fairness=self.fairness).sum(dim=-1) / observed.shape[-1] ** 0.5
        loss: Tensor = (score * weights.mean(dim=(1, 2))).mean(dim=1)
        return loss

    def _of_amounts(
        self, model: StepModel, members: Members, following: States, zero: States, weights: Weights
    ) -> Float[Tensor, " batch"]:
        """Return the score of the coefficients of amounts, scaled so that they vary about as much as their roots."""
        chosen = list(self.amounts)
        predicted, observed = ((roots - zero)[..., chosen, :, :].clamp(min=0) for roots in (members, following))
        unit = 2 * observed.square().mean(dim=(-2, -1), keepdim=True).sqrt().clamp_min(1e-3)
        amounts, came = predicted.square() / unit, observed.square() / unit
        return self._spectral(model, amounts, came, weights[chosen]) * len(chosen) / following.shape[1]

    def _noise(self, random_numbers: RandomNumbers, state: Tensor) -> Callable[[int], Tensor]:
        """Return a function that draws the noise of one lead step, for each member of each sample; call it in order."""
        return lambda draw: random_numbers.normal(self.members, *state.shape).transpose(0, 1).flatten(0, 1)
