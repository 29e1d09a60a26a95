"""Noise levels of a system's sampler fitted to its model, on validation days."""

import logging
from pathlib import Path

from data_catalog.errors import ConfigurationError
from forecast.system.system import System
from pipelines.terminal.progress import progress
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.checkpoints import check_same_state, warn_of_unfinished

logger = logging.getLogger("plumecast")


def fit_system_levels(
    system: System, checkpoint: Path, analysis: Path, *, sampling_steps: int | None = None, samples: int = 8
) -> str:
    """Find the levels with which so many sampling steps stay closest to many, with the first of several networks.

    Args:
        system: Its sampler says which kind, and the range of levels.
        checkpoint: Directory of the model.
        analysis: Archive or file with the validation period.
        sampling_steps: In place of the sampler's number.
        samples: Validation samples, evenly spread, that the levels are fitted to.

    Returns:
        Lines for the `[sampler]` section of the system file.

    Raises:
        ConfigurationError: The sampler follows no equation, its steps are too many, or the checkpoint is of
            another system.
        MissingDataError: The analysis does not cover the validation period.
    """
    import torch

    from forecast.checkpoints.files import load_checkpoint
    from forecast.training.sampler_levels import CANDIDATES, fit_sampler_levels
    from forecast.training.samples import in_period, make_samples

    steps = sampling_steps or system.sampler.sampling_steps
    if system.sampler.kind == "renoise":
        raise ConfigurationError("sampler.kind: expected a sampler that follows an equation, found 'renoise'")
    if steps > CANDIDATES:
        raise ConfigurationError(f"--steps: expected at most {CANDIDATES}, found {steps}")
    model = load_checkpoint(checkpoint)
    check_same_state(system, model.system, checkpoint)
    warn_of_unfinished(model, checkpoint)
    watched = in_period(open_system_analysis(analysis, system), system.periods.validation).load()
    found = make_samples(watched, model.standardiser, system)
    chosen = torch.linspace(0, len(found) - 1, min(samples, len(found))).long()
    sampler = system.sampler.model_validate(system.sampler.model_dump() | {"sampling_steps": steps, "levels": ()})
    period = system.periods.validation
    samples_of = f"{len(chosen)} samples of {period.start} to {period.end}"
    logger.info("Fit %d levels of %s to %s", steps, sampler.kind, samples_of)
    with progress(f"Fit levels of {system.name}", CANDIDATES, "candidates") as advance:
        levels = fit_sampler_levels(model.of_member(0).model, sampler, found, chosen, tell=advance)
    return f'kind = "{sampler.kind}"\nsampling_steps = {steps}\nlevels = {list(levels)}'
