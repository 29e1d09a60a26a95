"""The model that a training starts from: fresh and fitted to its samples, or a checkpoint's."""

from collections.abc import Iterator, Mapping

import torch
import xarray as xr
from torch import Tensor

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.anchors.network import MeanAnchor
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.model.step_model import StepModel
from forecast.sphere.noise import SphereNoise
from forecast.states.conditions import step_length_indices
from forecast.states.standardiser import grid_of, static_tensor
from forecast.system.faults import faults_of_section
from forecast.system.system import System
from forecast.training.samples import Samples, SampleSource

_TOGETHER = 16
MeanNetworks = Mapping[tuple[int, ...], StepModel]
"""Trained mean networks, each under the years that it was trained without."""


def fresh_model(system: System, analysis: xr.Dataset) -> StepModel:
    """A model with the weights that the system's seed gives; nothing of it is fitted."""
    torch.manual_seed(system.training.seed)
    return StepModel(system, grid_of(analysis), static_tensor(analysis, system.state.static))


def prepare_model(
    system: System, analysis: xr.Dataset, samples: SampleSource, means: MeanNetworks | None = None
) -> StepModel:
    """A fresh model with its anchor, residual scales and noise fitted to the training samples.

    Args:
        system: Which model.
        analysis: Of the training period.
        samples: To fit to.
        means: Trained mean networks, where the anchor is one.

    Raises:
        ConfigurationError: The system's anchor can only be fitted in memory, and the samples are not there, or to more
            years or values than there are.
    """
    model = fresh_model(system, analysis)
    anchors = model.fitted_anchors()
    for part in samples.parts if anchors else ():
        states, area = _in_memory(system, part), grid_of(analysis).area_weights()
        with faults_of_section(system.name, "anchor"):
            anchors[part.step_hours].fit(states, _starts(part), area)
    if isinstance(model.anchor, MeanAnchor):
        assert means is not None, "a mean anchor is made of trained networks"
        model.anchor.get_submodule("model").load_state_dict(means[()].state_dict())
    cross_fit(model, system, analysis, samples, means)
    fit_residual(model, samples, grid_of(analysis).area_weights())
    return model


def cross_fit(
    model: StepModel, system: System, analysis: xr.Dataset, samples: SampleSource, means: MeanNetworks | None = None
) -> None:
    """Where the system asks for it, predict each year of training by an anchor that was fitted without it.

    Raises:
        ConfigurationError: See `prepare_model`.
    """
    if not system.anchor.cross_fitted:
        return
    anchors, area = model.fitted_anchors(), grid_of(analysis).area_weights()
    for part in samples.parts if anchors else ():
        states = _in_memory(system, part)
        try:
            anchors[part.step_hours].fit_without_each_year(states, _starts(part), part.years, area)
        except ValueError as error:
            raise ConfigurationError(f"system {system.name}: anchor.cross_fitted: {error}") from None
    for years, network in (means or {}).items():
        if years:
            model.anchor.use_for_years(years, MeanAnchor(network))


def continued_model(
    system: System,
    analysis: xr.Dataset,
    initial_checkpoint: Checkpoint,
    samples: SampleSource,
    means: MeanNetworks | None = None,
) -> StepModel:
    """A model that starts from a checkpoint's weights; blocks that the checkpoint lacks change nothing at first.

    Raises:
        ConfigurationError: The networks differ in more than their number of blocks; or see `prepare_model`.
    """
    model = fresh_model(system, analysis)
    try:
        found = model.load_state_dict(initial_checkpoint.model.state_dict(), strict=False)
    except RuntimeError as error:
        raise ConfigurationError(f"training from a checkpoint: {str(error).replace(chr(10), ' ')}") from None
    if found.unexpected_keys:
        raise ConfigurationError(
            f"training from a checkpoint: expected a network no larger than the system's, "
            f"found weights {found.unexpected_keys[0]} that it has no place for"
        )
    if absent := [name for name in found.missing_keys if name.startswith("anchor.")]:
        raise ConfigurationError(f"training from a checkpoint: expected the system's anchor, found no {absent[0]}")
    cross_fit(model, system, analysis, samples, means)
    if any(name.startswith("noise.") for name in found.missing_keys):
        _fit_noise(model, samples)
    return model


def fit_residual(model: StepModel, samples: SampleSource, area: Tensor) -> None:
    """Scale of what the anchor misses in each length of a step, and its spectrum where the noise shall have it.

    Raises:
        MissingDataError: There is no sample of one of the lengths.
    """
    scales = model.get_buffer("residual_std")
    totals, counts = scales.new_zeros(len(model.step_hours), scales.shape[-3]), scales.new_zeros(len(model.step_hours))
    for missed, scalars in _anchor_errors(model, samples):
        indices = step_length_indices(scalars, model.step_hours)
        totals.index_add_(0, indices, (missed.square() * area).mean(dim=(2, 3)))
        counts += indices.bincount(minlength=counts.numel())
    for hours, count in zip(model.step_hours, counts.tolist(), strict=True):
        if not count:
            raise MissingDataError(f"training: expected samples in steps of {hours} h, found none")
    scales.copy_((totals / counts[:, None]).sqrt().view_as(scales))
    _fit_noise(model, samples)


def _fit_noise(model: StepModel, samples: SampleSource) -> None:
    if isinstance(model.noise, SphereNoise) and model.noise.fitted:
        model.noise.fit(missed / model.residual_scale(scalars) for missed, scalars in _anchor_errors(model, samples))


@torch.no_grad()
def _anchor_errors(model: StepModel, samples: SampleSource) -> Iterator[tuple[Tensor, Tensor]]:
    """What the anchor misses of the samples, and their scalars; in order, so that no chunk is read again and again."""
    for windows in samples.stream(torch.arange(len(samples)).split(_TOGETHER), lead_steps=1):
        scalars = windows.scalars[:, 0]
        yield windows.following[:, 0] - model.anchor(windows.past, scalars, windows.years), scalars


def _starts(samples: Samples) -> Tensor:
    return samples.starts[:, : samples.past_states + 1]


def _in_memory(system: System, samples: Samples) -> Tensor:
    if not isinstance(samples.states, Tensor):
        raise ConfigurationError(
            f"system {system.name}: expected anchor.kind 'persistence' or 'mean' where training.loader is 'archive', "
            f"found '{system.anchor.kind}', which is fitted in memory"
        )
    return samples.states
