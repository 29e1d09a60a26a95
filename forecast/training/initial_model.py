"""The model that a training starts from: a new one fitted to its samples, or that of a checkpoint."""

from collections.abc import Iterator, Mapping

import torch
import xarray as xr
from torch import Tensor

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.anchors.network import MeanAnchor
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.model.step_model import StepModel
from forecast.parallel.ranks import Ranks
from forecast.sphere.noise import SphereNoise
from forecast.states.conditions import step_length_indices
from forecast.states.standardiser import grid_of, static_tensor
from forecast.system.faults import faults_of_section
from forecast.system.system import System
from forecast.training.samples import Samples, SampleSource
from forecast.training.stages import LeftOut
from forecast.training.training_data import TrainingData

_BATCH_SIZE = 16
"""Number of samples read together when fitting to all samples."""
MeanNetworks = Mapping[LeftOut, StepModel]
"""Trained mean networks, by the years that each was trained without."""


def initial_model(
    data: TrainingData, ranks: Ranks, means: MeanNetworks | None = None, initial_checkpoint: Checkpoint | None = None
) -> StepModel:
    """Return the model that a training starts from, in each process.

    Args:
        data: The system and its training data.
        ranks: The processes. The first process fits the model, and the others receive it when the model is
            distributed; each process fits the cross-fitted anchors itself.
        means: Trained mean networks, if the anchor consists of them.
        initial_checkpoint: Checkpoint that the weights are taken from; None to fit a new model.

    Raises:
        ConfigurationError: The checkpoint's network does not fit, the anchor has more parameters than there are states
            or values, or there are too few years to cross-fit it.
        MissingDataError: There is no sample for one of the step lengths.
    """
    if initial_checkpoint is not None:
        return continued_model(data.system, data.analysis, initial_checkpoint, data.samples, means)
    if ranks.is_first:
        return prepare_model(data.system, data.analysis, data.samples, means)
    model = fresh_model(data.system, data.analysis)
    cross_fit(model, data.system, data.samples, means)
    return model


def fresh_model(system: System, analysis: xr.Dataset) -> StepModel:
    """Return a model with random initial weights from the system's seed; anchor and scales are not fitted.

    Args:
        system: The system of the model.
        analysis: Analysis with the static channels, on the grid of the model.
    """
    torch.manual_seed(system.training.seed)
    return StepModel(system, grid_of(analysis), static_tensor(analysis, system.state.static))


def prepare_model(
    system: System, analysis: xr.Dataset, samples: SampleSource, means: MeanNetworks | None = None
) -> StepModel:
    """Return a new model with its anchor, residual scales and noise fitted to the training samples.

    Args:
        system: The system of the model.
        analysis: Analyses of the training period.
        samples: Training samples; in memory if the anchor is fitted.
        means: Trained mean networks, if the anchor is a network.

    Raises:
        ConfigurationError: The anchor has more parameters than values, or there are too few years to cross-fit it.
    """
    model = fresh_model(system, analysis)
    anchors = model.fitted_anchors()
    for part in samples.parts if anchors else ():
        with faults_of_section(system.name, "anchor"):
            anchors[part.step_hours].fit(_in_memory(part), _starts(part), model.grid.area_weights())
    if isinstance(model.anchor, MeanAnchor):
        assert means is not None, "a mean anchor is made of trained networks"
        model.anchor.get_submodule("model").load_state_dict(means[()].state_dict())
    cross_fit(model, system, samples, means)
    fit_residual(model, samples)
    return model


def continued_model(
    system: System, analysis: xr.Dataset, initial: Checkpoint, samples: SampleSource, means: MeanNetworks | None = None
) -> StepModel:
    """Return a model with the weights of a checkpoint; blocks that the checkpoint lacks start as identities.

    Args:
        system: The system of the model; its network may have more blocks than that of the checkpoint.
        analysis: Analyses of the training period.
        initial: The checkpoint.
        samples: Training samples, to fit what the checkpoint does not have.
        means: Trained mean networks that leave years out, if the anchor is cross-fitted.

    Raises:
        ConfigurationError: The networks differ in more than their number of blocks, or the anchor cannot be
            cross-fitted.
    """
    model = fresh_model(system, analysis)
    try:
        found = model.load_state_dict(initial.model.state_dict(), strict=False)
    except RuntimeError as error:
        raise ConfigurationError(f"training from a checkpoint: {str(error).replace(chr(10), ' ')}") from None
    if found.unexpected_keys:
        raise ConfigurationError(
            f"training from a checkpoint: expected a network no larger than the system's, "
            f"found weights {found.unexpected_keys[0]} that it has no place for"
        )
    if absent := [name for name in found.missing_keys if name.startswith("anchor.")]:
        raise ConfigurationError(f"training from a checkpoint: expected the system's anchor, found no {absent[0]}")
    cross_fit(model, system, samples, means)
    if any(name.startswith("noise.") for name in found.missing_keys):
        _fit_noise(model, samples)
    return model


def cross_fit(model: StepModel, system: System, samples: SampleSource, means: MeanNetworks | None = None) -> None:
    """Cross-fit the anchor if the system asks for it: predict each training year by an anchor fitted without that year.

    Args:
        model: The model, whose anchor is changed in place.
        system: The system, whose anchor section says whether to cross-fit.
        samples: Training samples; in memory if the anchor is fitted.
        means: Trained mean networks, if the anchor is a network.

    Raises:
        ConfigurationError: There are too few years.
    """
    if not system.anchor.cross_fitted:
        return
    anchors, area = model.fitted_anchors(), model.grid.area_weights()
    for part in samples.parts if anchors else ():
        try:
            anchors[part.step_hours].fit_without_each_year(_in_memory(part), _starts(part), part.years, area)
        except ValueError as error:
            raise ConfigurationError(f"system {system.name}: anchor.cross_fitted: {error}") from None
    for years, network in (means or {}).items():
        if years:
            model.anchor.use_for_years(years, MeanAnchor(network))


def fit_residual(model: StepModel, samples: SampleSource) -> None:
    """Fit the scale of the anchor's residual for each step length, and the noise spectrum if it is a fitted one.

    Args:
        model: The model with its anchor; changed in place.
        samples: Training samples.

    Raises:
        MissingDataError: There is no sample for one of the step lengths.
    """
    area = model.grid.area_weights()
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
    """Yield the anchor's residuals of batches of samples, and their scalars; in order, so each chunk is read once."""
    for batch in samples.stream(torch.arange(len(samples)).split(_BATCH_SIZE), lead_steps=1):
        scalars = batch.scalars[:, 0]
        yield batch.following[:, 0] - model.anchor(batch.past, scalars, batch.years), scalars


def _starts(samples: Samples) -> Tensor:
    return samples.starts[:, : samples.past_states + 1]


def _in_memory(samples: Samples) -> Tensor:
    assert isinstance(samples.states, Tensor), "anchors are fitted in memory"
    return samples.states
