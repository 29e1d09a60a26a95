"""Training and validation data as tensors, and the record of a training."""

from dataclasses import dataclass

import torch
import xarray as xr

from data_catalog.layout.times import minute
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.training_record import TrainingRecord
from forecast.parallel.ranks import Ranks
from forecast.states.standardiser import Standardiser
from forecast.system.system import System
from forecast.training.samples import SampleSource, in_period, learned_samples, make_samples


@dataclass(frozen=True)
class TrainingData:
    """The data of a training.

    Attributes:
        system: The system to train.
        analysis: Analyses of the training period.
        standardiser: Converts physical fields to standardised anomalies.
        samples: Training samples.
        validation: Validation samples.
        record: Record of the training before its first stage.
    """

    system: System
    analysis: xr.Dataset
    standardiser: Standardiser
    samples: SampleSource
    validation: SampleSource
    record: TrainingRecord


def prepare_training_data(
    system: System, analysis: xr.Dataset, *, lead_steps: int, ranks: Ranks, initial_checkpoint: Checkpoint | None
) -> TrainingData:
    """Standardise the analyses of the training and validation periods and find the samples among them.

    Args:
        system: The system to train.
        analysis: Its channels over both periods; loaded into memory, unless the system's loader is `archive`.
        lead_steps: Number of states after the past ones that a sample needs.
        ranks: The processes; the first fits climatology and standard deviations for all.
        initial_checkpoint: Checkpoint that provides the standardisation; None to fit it.

    Raises:
        MissingDataError: The analysis has no time in one of the periods, or no sample.
        InvalidDataError: A value is missing, or a channel does not vary.
    """
    periods = system.periods
    training, validation = in_period(analysis, periods.training), in_period(analysis, periods.validation)
    if system.training.loader == "memory":
        training, validation = training.load(), validation.load()
    if initial_checkpoint is None:
        fitted = Standardiser.fit(training, system.state.predictands) if ranks.is_first else None
        standardiser = ranks.broadcast(fitted)
    else:
        standardiser = initial_checkpoint.standardiser

    def samples_of(days: xr.Dataset) -> SampleSource:
        loader, pin = system.training.loader, ranks.device != "cpu"
        own = make_samples(days, standardiser, system, lead_steps=lead_steps, loader=loader, pin=pin)
        return learned_samples(own, system)

    record = training_record(system, training, initial_checkpoint)
    return TrainingData(system, training, standardiser, samples_of(training), samples_of(validation), record)


def training_record(system: System, analysis: xr.Dataset, initial_checkpoint: Checkpoint | None) -> TrainingRecord:
    """Return the record of a training before its first stage.

    Args:
        system: The system to train.
        analysis: Analyses of the training period.
        initial_checkpoint: Checkpoint that the training starts from; None to start from scratch.
    """
    times = analysis["time"].values
    first, last = minute(times[0]), minute(times[-1])
    held_out = system.periods.validation.start > system.periods.training.end
    if initial_checkpoint is not None:  # its weights carry what it was trained on
        held_out = held_out and initial_checkpoint.training.validation_held_out
    return TrainingRecord(
        dataset=system.dataset,
        first_analysis=first,
        last_analysis=last,
        analyses=int(times.size),
        validation_held_out=held_out,
        initial_checkpoint=None if initial_checkpoint is None else initial_checkpoint.model_id,
        pretraining=system.pretraining if initial_checkpoint is None else None,
        torch=torch.__version__,
    )
