"""Fits the noise levels of a sampler to a trained model, on validation analyses."""

from collections.abc import Callable

import torch
from jaxtyping import Int
from torch import Tensor

from forecast.diffusion.from_settings import sampling_levels
from forecast.diffusion.schedule_fitting import fit_schedule
from forecast.model.step_model import StepModel
from forecast.system.diffusion import Sampler
from forecast.training.random_numbers import RandomNumbers
from forecast.training.samples import Samples

CANDIDATES = 20
SIGNIFICANT_DIGITS = 3
SEED = 20_070_101


def fit_sampler_levels(
    model: StepModel,
    sampler: Sampler,
    samples: Samples,
    chosen: Int[Tensor, " sample"],
    *,
    candidates: int = CANDIDATES,
    tell: Callable[[int], object] = lambda _done: None,
) -> tuple[float, ...]:
    """Return the noise levels with which a sampler stays closest to an accurate solution of its equation.

    This costs about `candidates`^2 / 2 evaluations of a batch of the chosen samples, or twice that for samplers with
    two evaluations per step.

    Args:
        model: The model, in evaluation mode, on the CPU.
        sampler: The sampler section: kind, number of sampling steps and range; its schedule gives the candidates.
        samples: Samples of the validation period.
        chosen: Numbers of the samples to fit to; eight are enough.
        candidates: Number of candidate levels.
        tell: Called with the number of candidates that are done.

    Returns:
        `sampling_steps` descending levels, for `sampler.levels`.

    Raises:
        ValueError: There are fewer candidates than sampling steps.
    """
    batch = samples.batch(chosen, 1)
    random_numbers = RandomNumbers(SEED, 0, 0, range(len(chosen)), len(chosen))
    levels = sampling_levels(sampler.changed(sampling_steps=candidates, levels=()))
    with torch.inference_mode():
        anchor = model.anchor(batch.past, batch.scalars[:, 0])
        denoiser = model.residual_denoiser(batch.past, anchor, batch.scalars[:, 0])
        start = model.noise(random_numbers.normal(*anchor.shape[1:])) * float(levels[0])
        fitted = fit_schedule(sampler.kind, denoiser, start, levels, sampler.sampling_steps, tell)
    return tuple(float(f"{level:.{SIGNIFICANT_DIGITS}g}") for level in fitted[:-1].tolist())
