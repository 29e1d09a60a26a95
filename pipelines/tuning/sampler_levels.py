"""Fits the noise levels of a system's sampler to its model on validation days."""

import logging
from dataclasses import dataclass
from pathlib import Path

import torch

from data_catalog.errors import ConfigurationError
from data_catalog.sources.locations import Location
from forecast.system.diffusion import Sampler
from forecast.system.system import System
from forecast.training.sampler_levels import CANDIDATES, fit_sampler_levels
from forecast.training.samples import in_period, make_samples
from pipelines.terminal.progress import progress
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.open_checkpoint import open_uncalibrated

logger = logging.getLogger("plumecast")


@dataclass(frozen=True)
class LevelsRequest:
    """A request to fit the noise levels of a sampler.

    Attributes:
        system: The system, whose sampler section defines the kind of sampler and the range of levels.
        analysis: Archive or file that covers the validation period.
        checkpoint: Directory of the model; if it has several networks, the first is used.
        sampling_steps: Number of sampling steps to use instead of the system's.
        samples: Number of validation samples, evenly spread, that the levels are fitted to.
    """

    system: System
    analysis: Location
    checkpoint: Path
    sampling_steps: int | None = None
    samples: int = 8


def fit_system_levels(request: LevelsRequest) -> str:
    """Find the noise levels with which a sampler of few steps stays closest to one of many.

    Args:
        request: System, model and samples to fit to.

    Returns:
        Lines for the `[sampler]` section of the system file.

    Raises:
        ConfigurationError: The sampler does not solve a differential equation, it has too many steps, or the checkpoint
            belongs to another system.
        MissingDataError: The analysis does not cover the validation period.
    """
    system, sampler = request.system, _sampler_to_fit(request)
    checkpoint = open_uncalibrated(request.checkpoint, system)
    watched = in_period(open_system_analysis(request.analysis, system), system.periods.validation).load()
    samples = make_samples(watched, checkpoint.standardiser, system)
    chosen = torch.linspace(0, len(samples) - 1, min(request.samples, len(samples))).long()
    steps, period = sampler.sampling_steps, system.periods.validation
    logger.info(
        "Fit %d levels of %s to %d samples of %s to %s", steps, sampler.kind, len(chosen), period.start, period.end
    )
    with progress(f"Fit levels of {system.name}", CANDIDATES, "candidates") as advance:
        levels = fit_sampler_levels(checkpoint.of_member(0).model, sampler, samples, chosen, tell=advance)
    return f'kind = "{sampler.kind}"\nsampling_steps = {steps}\nlevels = {list(levels)}'


def _sampler_to_fit(request: LevelsRequest) -> Sampler:
    """Return the sampler with the requested number of steps and without fixed levels."""
    sampler = request.system.sampler
    steps = request.sampling_steps or sampler.sampling_steps
    if sampler.kind == "renoise":
        raise ConfigurationError("sampler.kind: expected a sampler that solves an equation, found 'renoise'")
    if steps > CANDIDATES:
        raise ConfigurationError(f"--sampling-steps: expected at most {CANDIDATES}, found {steps}")
    return sampler.changed(sampling_steps=steps, levels=())
