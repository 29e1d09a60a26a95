"""The step from past states to the next one: the anchor's forecast and a sampled residual."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from forecast.calibration.correction import Correction, draw_corrected
from forecast.diffusion.from_settings import draw_sample
from forecast.model.step_model import StepModel
from forecast.system.diffusion import Sampler


def advance(
    model: StepModel,
    sampler: Sampler,
    past: Float[Tensor, "member past channel latitude longitude"],
    scalars: Float[Tensor, "member scalar"],
    noise: Callable[[int], Tensor],
    correction: Correction | None = None,
    years: Int[Tensor, " member"] | None = None,
    mirrored: Bool[Tensor, " member"] | None = None,
) -> Float[Tensor, "member channel latitude longitude"]:
    """Return the next standardised state; differentiable.

    Args:
        model: On the device of `past`.
        sampler: How noise becomes a state.
        past: Latest states, oldest first.
        scalars: As `step_scalars` gives them, at the start of the step.
        noise: Number of the draw to standard normal noise; draw 0 starts the sampler.
        correction: Of the spread, where there is one.
        years: In training: calendar years of the states that are forecast, which some anchors must not have learned.
        mirrored: In training: which samples the network sees mirrored at the equator.
    """
    anchor = model.anchor(past, scalars, years)
    denoiser = model.residual_denoiser(past, anchor, scalars, mirrored)

    def drawn(draw: int) -> Tensor:
        shaped: Tensor = model.noise(noise(draw).to(past.device))
        return shaped

    if correction is None:
        residual = draw_sample(sampler, denoiser, drawn)
    else:
        residual = draw_corrected(sampler, denoiser, drawn, correction)
    return model.apply_residual(anchor, residual, scalars)


def censored(
    state: Float[Tensor, "member channel latitude longitude"],
    lower_bounds: Float[Tensor, "#member channel latitude longitude"],
) -> Tensor:
    """Clip states at the physical minimum, such as precipitation at zero.

    Args:
        state: Standardised.
        lower_bounds: The physical minima, standardised; minus infinity where there is none.
    """
    return torch.maximum(state, lower_bounds)
