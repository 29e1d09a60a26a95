"""Training of the mean networks that an anchor is made of: one of all years, and others that know nothing of some."""

from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.checkpoints.files import load_checkpoint
from forecast.model.step_model import StepModel
from forecast.parallel.ranks import Ranks
from forecast.states.standardiser import grid_of
from forecast.system.derived import mean_system
from forecast.system.system import System
from forecast.training.initial_model import MeanNetworks, fresh_model, prepare_model
from forecast.training.loop import TrainingProgress, TrainingRun
from forecast.training.samples import TrainingData
from forecast.training.stages import Stage
from forecast.training.state import holds_finished

MEANS = "mean"
"""Folder beside a checkpoint that keeps its mean networks, for a training that is resumed."""


def train_means(
    plan: Mapping[tuple[int, ...], Stage],
    material: TrainingData,
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
        if not ranks.broadcast(resume and holds_finished(place)):
            earlier = number * stage.iterations
            for progress in _train_one(stage, left_out, material, place, ranks, resume=resume):
                yield replace(progress, iteration=earlier + progress.iteration, iterations=wanted)
        ranks.wait()
        networks[left_out] = _opened(place, material.system)
    return networks


def _train_one(
    stage: Stage, left_out: tuple[int, ...], material: TrainingData, place: Path, ranks: Ranks, *, resume: bool
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
