"""Trials of a search: a short training each, or samples of one trained model, scored after each part."""

import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import xarray as xr

from data_catalog.errors import ConfigurationError
from forecast.calibration.correction import Calibration, centre_of
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.files import load_checkpoint
from forecast.parallel.ranks import process_group
from forecast.system.periods import Period
from forecast.system.system import System
from forecast.training.train import train
from forecast.verification.paired_scores import PairedScores
from pipelines.tuning.search_request import SearchRequest
from pipelines.tuning.search_space import Value, changed_system
from pipelines.tuning.validation import Validation, refuse_test_days, warn_of_learned_days

logger = logging.getLogger("plumecast")
PARTS = 4
"""Number of parts of a trial; after each part the trial is scored and may be stopped."""

Trial = Callable[[dict[str, Value]], Iterator[PairedScores]]
"""Runs the trial of some values, and yields its scores after each part."""


def held_out_system(system: System, checkpoint: Checkpoint | None) -> System:
    """Return the system to search with, which is not trained on validation days and never uses test days.

    Args:
        system: The system that is searched.
        checkpoint: The finished model to search only samplers for; None to train in each trial.

    Raises:
        ConfigurationError: The validation period holds test days, or there are no training days before it.
    """
    validation = system.periods.validation
    if checkpoint is None:
        refuse_test_days(validation, system)
        return _trained_before_validation(system)
    refuse_test_days(validation, system, checkpoint.system)
    warn_of_learned_days(checkpoint, validation)
    return system


def trained_trials(request: SearchRequest, validation: Validation) -> Trial:
    """Return trials that each train a network; its averaged weights are scored after each part of the training.

    Args:
        request: The request for the search: length of the training, device and directory.
        validation: The validation forecasts; a trial changes keys of their system.
    """

    def make(values: dict[str, Value]) -> Iterator[PairedScores]:
        system = changed_system(validation.system, values)
        every = max(1, request.iterations // PARTS)
        often: dict[str, Value] = {"training.checkpoint_iterations": every, "training.checkpoint_minutes": 1e6}
        directory = request.directory / "trial"
        shutil.rmtree(directory, ignore_errors=True)
        with process_group(request.device) as ranks:
            trained, length = changed_system(system, often), request.iterations
            for state in train(trained, validation.analysis, directory, ranks=ranks, iterations=length):
                if state.validation_loss is not None:
                    yield replace(validation, system=system).score(load_checkpoint(directory))
        shutil.rmtree(directory)

    return make


def resampled_trials(checkpoint: Checkpoint, validation: Validation) -> Trial:
    """Return trials that sample one model with the same noise, scored after each part of the starts.

    Args:
        checkpoint: The model, without its calibration card.
        validation: The validation forecasts; a trial changes keys of their system.
    """
    system = validation.system
    neutral: dict[str, tuple[float, ...]] = dict.fromkeys(system.state.predictands, (1.0,))

    def make(values: dict[str, Value]) -> Iterator[PairedScores]:
        sampler = changed_system(system, values).sampler
        fitted = Calibration(fitted_to=system.sampler, sampler=sampler, centre=centre_of(sampler), spread=neutral)
        scored = []
        ends = {-(-len(validation.starts) * part // PARTS) for part in range(1, PARTS + 1)}
        for sums in validation.score_each(replace(checkpoint, calibration=fitted)):
            scored.append(sums)
            if len(scored) in ends:
                yield PairedScores(xr.concat(scored, "start"))

    return make


def _trained_before_validation(system: System) -> System:
    """Return the system for short trainings: one network, one stage, only days before the validation period."""
    periods = system.periods
    last = min(periods.training.end, periods.validation.start - timedelta(days=1))
    if last < periods.training.start:
        raise ConfigurationError(
            f"tuning '{system.name}': expected training days before the validation period, which starts on "
            f"{periods.validation.start}, found none"
        )
    if last < periods.training.end:
        logger.info("Training on %s to %s, so that the validation days are held out", periods.training.start, last)
    return system.changed(
        periods=periods.changed(training=Period(start=periods.training.start, end=last)),
        finetuning=(),
        pretraining=None,
        training=system.training.changed(networks=1),
    )
