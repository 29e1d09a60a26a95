"""Pretraining of a regional network on windows of a global dataset, shifted in longitude and reflected at the equator.

A few years of one region are little training data. Anomalies move and grow in much the same way elsewhere at the same
latitudes, in the other hemisphere and in a simulation. So the network is first trained on such windows, each with its
own seasonal cycle and anchor, and then on the region, with those of the region.

Source: Ham, Kim and Luo (2019), doi:10.1038/s41586-019-1559-7, who transfer from simulations to few years of analyses
"""

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from torch import Tensor

from data_catalog.errors import ConfigurationError
from forecast.checkpoints.compatibility import check_same_training
from forecast.checkpoints.files import load_checkpoint
from forecast.model.step_model import StepModel
from forecast.sphere.grid import Grid
from forecast.states.standardiser import Standardiser, grid_of
from forecast.system.derived import pretraining_system
from forecast.system.faults import faults_of_section
from forecast.system.system import System
from forecast.system.training import Pretraining
from forecast.training.directory import PRETRAINING, has_checkpoint, holds_finished
from forecast.training.globe_windows import windows_of
from forecast.training.initial_model import fit_residual, prepare_model
from forecast.training.loop import TrainingJob, TrainingProgress, train_stages
from forecast.training.samples import JoinedSamples, Samples, in_period, learned_samples, make_samples
from forecast.training.stages import Stage
from forecast.training.training_data import TrainingData

ANCHOR = "anchor."
WINDOW_YEAR_OFFSET = 10_000
"""Offset between the years of successive windows, so that each window has an anchor of its own."""


def pretrain(
    globe: xr.Dataset | None, plan: tuple[Stage, ...], data: TrainingData, job: TrainingJob
) -> Generator[TrainingProgress, None, StepModel]:
    """Pretrain a system's network on windows of a global dataset.

    Args:
        globe: Analyses of the dataset that the system's pretraining section names.
        plan: The stages of the pretraining.
        data: Training data of the system; its validation samples show how well the network does in the region.
        job: Job of the system's training; the network is stored in a folder of its directory.

    Yields:
        Progress after each iteration.

    Returns:
        A model with the trained network.

    Raises:
        ConfigurationError: There is no global dataset, it does not fit the system, or the interrupted pretraining is
            another one.
        MissingDataError: The dataset has no analysis in the period of pretraining.
    """
    options = data.system.pretraining
    assert options is not None, "a system with a pretraining"
    if globe is None:
        raise ConfigurationError(
            f"system {data.system.name}: pretraining: expected an analysis of '{options.dataset}', found none"
        )
    own = replace(data, system=pretraining_system(data.system))
    place = replace(job, directory=job.directory / PRETRAINING)
    if job.resume and has_checkpoint(place.directory):
        _check_same(own.system, options, place.directory)
    if not job.ranks.broadcast(job.resume and holds_finished(place.directory)):
        yield from _train(globe, plan, options, own, place)
    job.ranks.wait()
    return load_checkpoint(place.directory).model


def adopt_network(model: StepModel, pretrained: StepModel) -> None:
    """Copy all parameters of a pretrained model except those of its anchor.

    Args:
        model: Model to change in place; it keeps its anchor and residual scales.
        pretrained: Pretrained model with the same network.
    """
    learned = {name: weight for name, weight in pretrained.named_parameters() if not name.startswith(ANCHOR)}
    for name, weight in model.named_parameters():
        if name in learned:
            weight.data.copy_(learned[name])


def _check_same(system: System, options: Pretraining, directory: Path) -> None:
    found, what = load_checkpoint(directory), "the pretraining that the system asks for"
    if found.training.pretraining != options:
        raise ConfigurationError(f"{directory}: expected {what}, found another one; remove it")
    check_same_training(system.training_hash(), found.system.training_hash(), where=str(directory), what=what)


def _train(
    globe: xr.Dataset, plan: tuple[Stage, ...], options: Pretraining, data: TrainingData, job: TrainingJob
) -> Iterator[TrainingProgress]:
    grid, system = grid_of(data.analysis), data.system
    _check(system, globe, grid)
    lead_steps = max(stage.objective.lead_steps for stage in plan)
    model = prepare_model(system, data.analysis, data.samples)
    windows = windows_of(in_period(globe, options.period).load(), grid, options)
    numbered = enumerate(windows, start=1)
    parts = [part for number, window in numbered for part in _samples_of(window, number, system, lead_steps)]
    for part in parts:
        with faults_of_section(system.name, "anchor"):
            _add_window_anchor(model, part, grid)
    samples = JoinedSamples(tuple(parts))
    fit_residual(model, samples)
    record = data.record.changed(windows=len(parts) // len(model.step_hours))
    yield from train_stages(model, plan, replace(data, samples=samples, record=record), job)


def _check(system: System, globe: xr.Dataset, grid: Grid) -> None:
    """Check that a system can be pretrained on windows of a global dataset.

    Raises:
        ConfigurationError: The grids, the static channels or the anchor do not allow it.
    """
    where, whole = f"system {system.name}: pretraining", grid_of(globe)
    if grid.topology().is_globe or not whole.topology().is_globe:
        raise ConfigurationError(f"{where}: expected a region, and a globe to cut windows from, found other grids")
    beyond = np.abs(grid.latitude).max()
    if beyond > min(-whole.latitude.min(), whole.latitude.max()):
        raise ConfigurationError(f"{where}: expected a globe with rows beyond {beyond:g} degrees, found none")
    if system.state.static:
        found = list(system.state.static)
        raise ConfigurationError(f"{where}: expected no static channels, which windows lack, found {found}")
    if system.anchor.kind == "mean":
        raise ConfigurationError(f"{where}: expected anchor.kind 'persistence' or 'linear', found 'mean'")


def _samples_of(window: xr.Dataset, number: int, system: System, lead_steps: int) -> list[Samples]:
    """Return the samples of a window, shifted to calendar years that no other window has."""
    standardiser = Standardiser.fit(window, system.state.predictands)
    samples = learned_samples(make_samples(window, standardiser, system, lead_steps=lead_steps), system)
    return [replace(part, years=part.years + number * WINDOW_YEAR_OFFSET) for part in samples.parts]


def _add_window_anchor(model: StepModel, part: Samples, grid: Grid) -> None:
    """Fit an anchor to a window, and let the model use it for that window."""
    if (of_region := model.fitted_anchors().get(part.step_hours)) is not None:
        assert isinstance(part.states, Tensor), "windows are kept in memory"
        anchor = of_region.fresh()
        anchor.fit(part.states, part.starts[:, : part.past_states + 1], grid.area_weights())
        of_region.use_for_years(part.years.unique().tolist(), anchor)
