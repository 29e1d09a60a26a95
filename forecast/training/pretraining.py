"""Weather to learn from before a region's own: windows of a globe, moved round it and mirrored at the equator.

A few years of one region are little for a network. How weather moves and grows is much the same elsewhere at the same
latitudes, in the other hemisphere and in a simulation. So the network first learns in such windows, each with its own
seasonal cycle and anchor, and then in the region, with those of the region.

Source: Ham, Kim and Luo (2019), doi:10.1038/s41586-019-1559-7, who transfer from simulations to few years of analyses
"""

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from torch import Tensor

from data_catalog.errors import ConfigurationError
from forecast.checkpoints.files import DESCRIPTION, load_checkpoint
from forecast.model.step_model import StepModel
from forecast.parallel.ranks import Ranks
from forecast.sphere.grid import Grid
from forecast.states.standardiser import Standardiser, grid_of
from forecast.system.faults import faults_of_section
from forecast.system.system import System
from forecast.system.training import Pretraining
from forecast.training.globe_windows import windows_of
from forecast.training.initial_model import fit_residual, prepare_model
from forecast.training.loop import TrainingProgress, TrainingRun
from forecast.training.samples import JoinedSamples, Samples, TrainingData, in_period, learned_samples, make_samples
from forecast.training.stages import stages
from forecast.training.state import holds_finished

PRETRAINING = "pretraining"
"""Folder beside a checkpoint that keeps the network as it was before it saw the region."""
ANCHOR = "anchor."
YEARS_OF_A_WINDOW = 10_000
"""Added to the years of each window once more, so that each has an anchor of its own."""


def pretrain(
    globe: xr.Dataset | None,
    system: System,
    material: TrainingData,
    directory: Path,
    ranks: Ranks,
    *,
    resume: bool,
    wanted: int,
) -> Generator[TrainingProgress, None, StepModel]:
    """Train a system's network in windows of a globe.

    Args:
        globe: Analyses of the dataset that the system names.
        system: See `pretraining_system`.
        material: Of the system that is pretrained; its validation samples show how well the network does there.
        directory: Where that system's checkpoint goes; the network is kept in a folder of it.
        ranks: The processes.
        resume: Go on with what is unfinished, and take what is finished as it is.
        wanted: Iterations of the whole training, for the progress.

    Yields:
        Progress after each iteration.

    Returns:
        A model with the trained network.

    Raises:
        ConfigurationError: There is no globe, the system cannot learn from this one, or what is resumed is another
            pretraining.
        MissingDataError: The globe has nothing in the period of pretraining.
    """
    options = material.system.pretraining
    assert options is not None, "a system with a pretraining"
    if globe is None:
        raise ConfigurationError(
            f"system {material.system.name}: pretraining: expected an analysis of '{options.dataset}', found none"
        )
    place = directory / PRETRAINING
    if resume and (place / DESCRIPTION).exists():
        _check_same(system, options, place)
    if not ranks.broadcast(resume and holds_finished(place)):
        for progress in _train(globe, options, replace(material, system=system), place, ranks, resume=resume):
            yield replace(progress, iterations=wanted)
    ranks.wait()
    return load_checkpoint(place).model


def adopt_network(model: StepModel, pretrained: StepModel) -> None:
    """Take over what a pretrained model has learned: everything but the anchor and the scale of what that misses."""
    learned = {name: weight for name, weight in pretrained.named_parameters() if not name.startswith(ANCHOR)}
    for name, weight in model.named_parameters():
        if name in learned:
            weight.data.copy_(learned[name])


def _check_same(system: System, options: Pretraining, place: Path) -> None:
    found = load_checkpoint(place)
    same_windows = found.training["pretraining"] == options.model_dump(mode="json")
    if not same_windows or found.system.training_hash() != system.training_hash():
        raise ConfigurationError(
            f"{place}: expected the pretraining that the system asks for, found another; remove it"
        )


def _train(
    globe: xr.Dataset, options: Pretraining, material: TrainingData, place: Path, ranks: Ranks, *, resume: bool
) -> Iterator[TrainingProgress]:
    grid, system = grid_of(material.analysis), material.system
    _check(system, globe, grid)
    plan = stages(system)
    lead_steps = max(stage.objective.lead_steps for stage in plan)
    model = prepare_model(system, material.analysis, material.samples)
    windows = windows_of(in_period(globe, options.period).load(), grid, options)
    numbered = enumerate(windows, start=1)
    parts = [part for number, window in numbered for part in _samples_of(window, number, system, lead_steps)]
    for part in parts:
        with faults_of_section(system.name, "anchor"):
            _give_anchor(model, part, grid)
    samples = JoinedSamples(tuple(parts))
    fit_residual(model, samples, grid.area_weights())
    record = {**material.record, "windows": len(parts) // len(model.step_hours)}
    run = TrainingRun(system, grid, material.standardiser, model, place, record, plan, ranks)
    if resume:
        run.resume()
    yield from run.iterate(samples, material.watched)


def _check(system: System, globe: xr.Dataset, grid: Grid) -> None:
    """Whether a system can learn from windows of this globe.

    Raises:
        ConfigurationError: It cannot.
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
    """Samples of a window, in years that no other one has."""
    standardiser = Standardiser.fit(window, system.state.predictands)
    samples = learned_samples(make_samples(window, standardiser, system, lead_steps=lead_steps), system)
    return [replace(part, years=part.years + number * YEARS_OF_A_WINDOW) for part in samples.parts]


def _give_anchor(model: StepModel, part: Samples, grid: Grid) -> None:
    """Predict a window by an anchor that was fitted to it."""
    if (of_region := model.fitted_anchors().get(part.step_hours)) is not None:
        assert isinstance(part.states, Tensor), "windows are kept in memory"
        anchor = of_region.fresh()
        anchor.fit(part.states, part.starts[:, : part.past_states + 1], grid.area_weights())
        of_region.use_for_years(part.years.unique().tolist(), anchor)
