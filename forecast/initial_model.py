"""The model that a training starts from: fresh and fitted to its samples, or a checkpoint's."""

import torch
import xarray as xr

from data_catalog.errors import ConfigurationError
from forecast.anchors import LinearAnchor
from forecast.batches import grid_of, static_tensor
from forecast.checkpoints import Checkpoint
from forecast.model import StepModel
from forecast.noise import SphereNoise
from forecast.samples import Samples
from forecast.system import System

_TOGETHER = 16


def fresh_model(system: System, analysis: xr.Dataset) -> StepModel:
    """A model with the weights that the system's seed gives; nothing of it is fitted."""
    torch.manual_seed(system.training.seed)
    return StepModel(system, grid_of(analysis), static_tensor(analysis, system.state.static))


def prepare_model(system: System, analysis: xr.Dataset, samples: Samples) -> StepModel:
    """A fresh model with its anchor and residual scales fitted to the training samples.

    Raises:
        ConfigurationError: The system's anchor can only be fitted in memory, and the samples are not there.
    """
    model = fresh_model(system, analysis)
    area = grid_of(analysis).area_weights()
    if isinstance(model.anchor, LinearAnchor):
        if not isinstance(samples.states, torch.Tensor):
            raise ConfigurationError(
                f"system {system.name}: expected anchor.kind 'persistence' where training.loader is 'archive', "
                f"found '{system.anchor.kind}', which is fitted in memory"
            )
        model.anchor.fit(samples.states, samples.starts[:, : samples.past_states + 1], area)
    total = torch.zeros(len(system.state.predictands))
    # In the order of time, so that a chunk of the archive is read once.
    for windows in samples.stream(torch.arange(len(samples)).split(_TOGETHER), lead_steps=1):
        total += ((windows.following[:, 0] - model.anchor(windows.past)).square() * area).mean(dim=(2, 3)).sum(dim=0)
    model.get_buffer("residual_std").copy_((total / len(samples)).sqrt()[:, None, None])
    _fit_noise(model, samples)
    return model


def _fit_noise(model: StepModel, samples: Samples) -> None:
    """Give the noise the spectrum of the residual, where the system asks for it."""
    if isinstance(model.noise, SphereNoise) and model.noise.fitted:
        stream = samples.stream(torch.arange(len(samples)).split(_TOGETHER), lead_steps=1)
        model.noise.fit(model.normalised_residual(each.following[:, 0], model.anchor(each.past)) for each in stream)


def continued_model(system: System, analysis: xr.Dataset, begin_with: Checkpoint, samples: Samples) -> StepModel:
    """A model that starts from a checkpoint's weights; blocks that the checkpoint lacks change nothing at first.

    Raises:
        ConfigurationError: The networks differ in more than their number of blocks.
    """
    model = fresh_model(system, analysis)
    try:
        found = model.load_state_dict(begin_with.model.state_dict(), strict=False)
    except RuntimeError as error:
        raise ConfigurationError(f"training from a checkpoint: {str(error).replace(chr(10), ' ')}") from None
    if found.unexpected_keys:
        raise ConfigurationError(
            f"training from a checkpoint: expected a network no larger than the system's, "
            f"found weights {found.unexpected_keys[0]} that it has no place for"
        )
    if any(name.startswith("noise.") for name in found.missing_keys):
        _fit_noise(model, samples)
    return model
