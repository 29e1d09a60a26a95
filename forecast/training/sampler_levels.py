"""Noise levels of a sampler fitted to a trained model, on analyses that it was validated on."""

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
    """Levels with which a sampler of so many sampling steps stays closest to the fine solution of its equation.

    Costs about `candidates`^2 / 2 evaluations of a batch of the chosen samples, twice that for two evaluations a step.

    Args:
        model: In evaluation mode, on the CPU.
        sampler: Kind, number of sampling steps, and the range to choose from; its candidates are those of its schedule.
        samples: Of the validation period.
        chosen: Numbers of the samples to fit to; eight are enough.
        candidates: Levels to choose from.
        tell: Called with the number of them that are done.

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
