"""Training of the mean networks that an anchor is made of: one of all years, and others that know nothing of some."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import xarray as xr

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.batches import Standardiser, grid_of
from forecast.checkpoints import load_checkpoint
from forecast.distributed import Ranks
from forecast.initial_model import MeanNetworks, fresh_model, prepare_model
from forecast.model import StepModel, mean_system
from forecast.samples import SampleSource
from forecast.stages import Stage
from forecast.system import System
from forecast.training_run import TrainingProgress, TrainingRun
from forecast.training_state import holds_finished

MEANS = "mean"
"""Folder beside a checkpoint that keeps its mean networks, for a training that is resumed."""


@dataclass(frozen=True)
class Material:
    """What a training learns from.

    Attributes:
        system: What is trained.
        analysis: Of the training period.
        standardiser: Physical fields to the model's anomalies.
        samples: To learn from.
        watched: To validate on.
        record: What is written beside the weights.
    """

    system: System
    analysis: xr.Dataset
    standardiser: Standardiser
    samples: SampleSource
    watched: SampleSource
    record: Mapping[str, Any]


def train_means(
    plan: Mapping[tuple[int, ...], Stage],
    material: Material,
    directory: Path,
    ranks: Ranks,
    *,
    resume: bool,
    wanted: int,
) -> Generator[TrainingProgress, None, MeanNetworks]:
    """Train the mean networks of an anchor, one after the other.

    Args:
        plan: Their stages, each under the years that it leaves out.
        material: Of the system whose anchor they are.
        directory: Where that system's checkpoint goes; the networks are kept in a folder of it.
        ranks: The processes.
        resume: Go on with what is unfinished, and take what is finished as it is.

        wanted: Iterations of the whole training, for the progress.

    Yields:
        Progress after each iteration, counted over all networks.

    Returns:
        The networks.
    """
    material = replace(material, system=mean_system(material.system))
    networks: dict[tuple[int, ...], StepModel] = {}
    for number, (left_out, stage) in enumerate(plan.items()):
        place = directory / MEANS / ("-".join(map(str, left_out)) or "all")
        if not ranks.from_first(resume and holds_finished(place)):
            earlier = number * stage.iterations
            for progress in _train_one(stage, left_out, material, place, ranks, resume=resume):
                yield replace(progress, iteration=earlier + progress.iteration, iterations=wanted)
        ranks.wait()
        networks[left_out] = _opened(place, material.system)
    return networks


def _train_one(
    stage: Stage, left_out: tuple[int, ...], material: Material, place: Path, ranks: Ranks, *, resume: bool
) -> Generator[TrainingProgress, None, None]:
    system, analysis, samples = material.system, material.analysis, material.samples.without(left_out)
    if not len(samples):
        raise MissingDataError(f"training of {stage.name}: expected samples of other years, found none")
    model = prepare_model(system, analysis, samples) if ranks.is_first else fresh_model(system, analysis)
    record = {**material.record, "years_left_out": list(left_out)}
    run = TrainingRun(system, grid_of(analysis), material.standardiser, model, place, record, (stage,), ranks)
    if resume:
        run.resume()
    yield from run.iterate(samples, material.watched)


def _opened(place: Path, system: System) -> StepModel:
    checkpoint = load_checkpoint(place)
    if checkpoint.system.training_hash() != system.training_hash():
        raise ConfigurationError(f"{place}: expected the mean network of this system, found another's")
    return checkpoint.model
