"""What is corrected in a trained model's spread.

A calibration replaces the sampler's noise level and churn, and scales how far each channel of a lead step's residual
lies from its centre. The centre is what the step expects, as far as one member can tell: the mean of the samples from
its noise and from the mirrored noise, or, for a sampler of many evaluations, the first estimate from almost pure noise.
Both depend on the member's own past and noise alone, so a corrected member is still a function of its number. The
corrected state is the one that the next lead step starts from.
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
"""Up to so many, the first estimate of a sampler may be anything, and mirroring the noise is cheap."""
Centre = Literal["mirrored", "first-estimate"]


@dataclass(frozen=True)
class Correction:
    """Of one lead step.

    Attributes:
        spread: Factor on the distance of each channel's residual from its centre.
        centre: What is taken for the centre.
    """

    spread: Float[Tensor, "channel 1 1"]
    centre: Centre


class Calibration(Section):
    """What to correct in the members of a system."""

    fitted_to: Sampler
    """The system's sampler when this was fitted; with another one, it is void."""
    sampler: Sampler
    """The sampler to use: `fitted_to` with the fitted noise level and churn."""
    centre: Centre
    spread: Annotated[dict[str, tuple[PositiveFloat, ...]], Field(min_length=1)]
    """By channel, in the order of the state: a factor for each lead step; the last one holds for all that follow."""

    @model_validator(mode="after")
    def _same_leads(self) -> Self:
        lengths = sorted({len(factors) for factors in self.spread.values()})
        if len(lengths) != 1 or lengths[0] == 0:
            raise ValueError(f"spread: expected as many lead steps for each channel, at least one, found {lengths}")
        return self

    def correction(self, lead_step: int) -> Correction | None:
        """What to change in a lead step, counted from 1; None where every factor is 1."""
        factors = [of_leads[min(lead_step, len(of_leads)) - 1] for of_leads in self.spread.values()]
        if all(factor == 1.0 for factor in factors):
            return None
        return Correction(torch.tensor(factors)[:, None, None], self.centre)


def centre_of(sampler: Sampler) -> Centre:
    """What to take for the centre of a sampler's samples."""
    few = network_evaluations(sampler.kind, sampler.sampling_steps) <= FEW_EVALUATIONS
    return "mirrored" if few else "first-estimate"


def draw_corrected(
    sampler: Sampler, denoiser: Denoiser, noise: Callable[[int], Tensor], correction: Correction
) -> Float[Tensor, "batch channel latitude longitude"]:
    """Turn noise into a sample, and correct its distance from the centre.

    Args:
        sampler: How noise becomes a sample.
        denoiser: Expected clean state given (x, sigma).
        noise: As `draw_sample` takes it.
        correction: Of this lead step.
    """
    sample = draw_sample(sampler, denoiser, noise)
    if correction.centre == "mirrored":
        centre = (sample + draw_sample(sampler, denoiser, lambda draw: -noise(draw))) / 2
    else:
        sigma = float(sampling_levels(sampler)[0])
        start = noise(0) * (sampler.noise_inflation * sigma)
        centre = denoiser(start, start.new_full((start.shape[0],), sigma))
    return sample + (correction.spread.to(sample.device) - 1.0) * (sample - centre)
