"""Trains the mean networks of an anchor: one on all years, and others that leave some years out."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from data_catalog.errors import MissingDataError
from forecast.checkpoints.compatibility import check_same_training
from forecast.checkpoints.files import load_checkpoint
from forecast.model.step_model import StepModel
from forecast.system.derived import mean_system
from forecast.system.system import System
from forecast.training.directory import MEANS, holds_finished
from forecast.training.initial_model import MeanNetworks, initial_model
from forecast.training.loop import TrainingJob, TrainingProgress, train_stages
from forecast.training.stages import LeftOut, Stage
from forecast.training.training_data import TrainingData


def train_means(
    plan: Mapping[LeftOut, Stage], data: TrainingData, job: TrainingJob
) -> Generator[TrainingProgress, None, MeanNetworks]:
    """Train the mean networks of an anchor, one after the other.

    Args:
        plan: The stage of each network, by the years that it leaves out.
        data: Training data of the system.
        job: Job of the system's training; the networks are stored in a folder of its directory.

    Yields:
        Progress after each iteration, counted over all networks.

    Returns:
        The networks, by the years that each leaves out.

    Raises:
        ConfigurationError: The interrupted training is another one.
        MissingDataError: All samples are in years that a network leaves out.
    """
    data = replace(data, system=mean_system(data.system))
    networks: dict[LeftOut, StepModel] = {}
    for number, (left_out, stage) in enumerate(plan.items()):
        name = "-".join(map(str, left_out)) or "all"
        place = replace(job, directory=job.directory / MEANS / name, earlier=number * stage.iterations)
        if not job.ranks.broadcast(job.resume and holds_finished(place.directory)):
            yield from _train_one(stage, left_out, data, place)
        job.ranks.wait()
        networks[left_out] = _opened(place.directory, data.system)
    return networks


def _train_one(stage: Stage, left_out: LeftOut, data: TrainingData, job: TrainingJob) -> Iterator[TrainingProgress]:
    samples = data.samples.without(left_out)
    if not len(samples):
        raise MissingDataError(f"training of {stage.name}: expected samples of other years, found none")
    own = replace(data, samples=samples, record=data.record.changed(years_left_out=left_out))
    yield from train_stages(initial_model(own, job.ranks), (stage,), own, job)


def _opened(directory: Path, system: System) -> StepModel:
    checkpoint = load_checkpoint(directory)
    check_same_training(
        system.training_hash(),
        checkpoint.system.training_hash(),
        where=str(directory),
        what="the mean network of this system",
    )
    return checkpoint.model
