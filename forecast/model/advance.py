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
        model: The model, on the device of `past`.
        sampler: The sampler section, which says how noise is turned into a state.
        past: Past states, standardised anomalies, oldest first.
        scalars: Season, hour of the day and length of the step, from `step_scalars`, at the start of the step.
        noise: Returns the standard normal noise of a draw. Draw 0 starts the sampler.
        correction: Correction of the spread; None for none.
        years: Only in training: calendar years of the states that are forecast, for anchors that were cross-fitted.
        mirrored: Only in training: which samples the network sees reflected at the equator.
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
        state: Standardised anomalies.
        lower_bounds: Standardised physical minima; minus infinity for channels without one.
    """
    return torch.maximum(state, lower_bounds)
