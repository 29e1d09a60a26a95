"""Trials of a search: a short training each, or samples of one trained model, judged part by part."""

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
"""A trial is judged, and may be given up, after each of this many parts."""

Trial = Callable[[dict[str, Value]], Iterator[PairedScores]]
"""Makes the trial of some values, and yields its scores after each part."""


def held_out_system(system: System, checkpoint: Checkpoint | None) -> System:
    """The system to search with: it learns from no validation day, and nothing of it touches a test day.

    Args:
        system: The system that is searched.
        checkpoint: The finished model of which only the sampler is searched; None to train in each trial.

    Raises:
        ConfigurationError: The validation period holds test days, or no training days are left before it.
    """
    validation = system.periods.validation
    if checkpoint is None:
        refuse_test_days(validation, system)
        return _trained_before_validation(system)
    refuse_test_days(validation, system, checkpoint.system)
    warn_of_learned_days(checkpoint, validation)
    return system


def trained_trials(request: SearchRequest, validation: Validation) -> Trial:
    """Trials that each train a network, judged by its averaged weights after every part of the training.

    Args:
        request: Says how long, on which device and in which directory.
        validation: What each is judged by; its system is the one that the values of a trial change.
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
    """Trials that sample one model with the same noise, judged after every part of the starts.

    Args:
        checkpoint: The model, without its calibration card.
        validation: What each is judged by; its system is the one that the values of a trial change.
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
    """The system as short trials train it: one network, one stage, only days before the validation period."""
    periods = system.periods
    last = min(periods.training.end, periods.validation.start - timedelta(days=1))
    if last < periods.training.start:
        raise ConfigurationError(
            f"tuning '{system.name}': expected training days before the validation period, which starts on "
            f"{periods.validation.start}, found none"
        )
    if last < periods.training.end:
        logger.info("Train on %s to %s, so that the validation days are held out", periods.training.start, last)
    return system.changed(
        periods=periods.changed(training=Period(start=periods.training.start, end=last)),
        finetuning=(),
        pretraining=None,
        training=system.training.changed(networks=1),
    )
