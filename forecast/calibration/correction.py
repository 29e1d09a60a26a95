"""Corrections of a trained model's spread.

A calibration replaces the sampler's noise level and churn, and scales the distance of each channel of a lead step's
residual from its centre. The centre estimates the mean of the residual from one member alone. It is the mean of the
samples from the member's noise and from the same noise with the opposite sign or, for samplers of many evaluations, the
denoiser's estimate from almost pure noise. Both depend on the member's own past and noise only, so a corrected member
is still a function of its number. The next lead step starts from the corrected state.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor

from forecast.diffusion.from_settings import draw_sample, sampling_levels
from forecast.diffusion.preconditioning import Denoiser
from forecast.diffusion.samplers import network_evaluations
from forecast.system.diffusion import Sampler
from forecast.system.section import PositiveFloat, Section

FEW_EVALUATIONS = 3
"""Up to this many evaluations, a sampler's first estimate may be poor, and a second sample is cheap."""
Centre = Literal["mirrored", "first-estimate"]
"""Mean of the samples from the noise and from its negative, or the denoiser's estimate from almost pure noise."""


@dataclass(frozen=True)
class Correction:
    """The correction of one lead step.

    Attributes:
        spread: Factor on the distance of each channel's residual from its centre.
        centre: Method that estimates the centre.
    """

    spread: Float[Tensor, "channel 1 1"]
    centre: Centre


class Calibration(Section):
    """The sampler to use in place of a system's, and factors on the spread of its members."""

    fitted_to: Sampler
    """The system's sampler when the calibration was fitted. It is valid with this sampler only."""
    sampler: Sampler
    """The sampler to use: `fitted_to` with the fitted noise level and churn."""
    centre: Centre
    spread: Annotated[dict[str, tuple[PositiveFloat, ...]], Field(min_length=1)]
    """By channel, in the order of the state: a factor for each lead step; the last one holds for all later steps."""

    @model_validator(mode="after")
    def _same_leads(self) -> Self:
        lengths = sorted({len(factors) for factors in self.spread.values()})
        if len(lengths) != 1 or lengths[0] == 0:
            raise ValueError(f"spread: expected as many lead steps for each channel, at least one, found {lengths}")
        return self

    def correction(self, lead_step: int) -> Correction | None:
        """Return the correction of a lead step; None if all factors are 1.

        Args:
            lead_step: Counted from 1.
        """
        factors = [of_leads[min(lead_step, len(of_leads)) - 1] for of_leads in self.spread.values()]
        if all(factor == 1.0 for factor in factors):
            return None
        return Correction(torch.tensor(factors)[:, None, None], self.centre)


def centre_of(sampler: Sampler) -> Centre:
    """Return how to estimate the centre of a sampler's samples.

    Args:
        sampler: The sampler section.
    """
    few = network_evaluations(sampler.kind, sampler.sampling_steps) <= FEW_EVALUATIONS
    return "mirrored" if few else "first-estimate"


def draw_corrected(
    sampler: Sampler, denoiser: Denoiser, noise: Callable[[int], Tensor], correction: Correction
) -> Float[Tensor, "batch channel latitude longitude"]:
    """Turn noise into a sample, and scale its distance from the centre.

    Args:
        sampler: The sampler section.
        denoiser: Returns the expected clean state given (x, sigma).
        noise: Returns the standard normal noise of a draw. Draw 0 starts the sampler.
        correction: The correction of this lead step.
    """
    sample = draw_sample(sampler, denoiser, noise)
    if correction.centre == "mirrored":
        centre = (sample + draw_sample(sampler, denoiser, lambda draw: -noise(draw))) / 2
    else:
        sigma = float(sampling_levels(sampler)[0])
        start = noise(0) * (sampler.noise_inflation * sigma)
        centre = denoiser(start, start.new_full((start.shape[0],), sigma))
    return sample + (correction.spread.to(sample.device) - 1.0) * (sample - centre)
