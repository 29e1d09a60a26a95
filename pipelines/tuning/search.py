"""A search over schedule, weights and sampler: short trainings or none, judged by fair CRPS on validation days.

The study is one SQLite file in the output directory, so that a killed search goes on: the trial that was under way is
made again, the others stand.
"""

import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from data_catalog.errors import ConfigurationError, DivergedError
from data_catalog.storage.locks import LOCK, lock
from forecast.system.periods import Period
from forecast.system.system import System
from pipelines.terminal.progress import progress
from pipelines.tuning.search_space import Value, changed_system
from pipelines.tuning.study import Search, best_value, completed_trials, open_study, write_search
from pipelines.tuning.validation import (
    Validation,
    ValidationScores,
    refuse_test_days,
    spaced_starts,
    warn_of_learned_days,
)
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.checkpoints import check_same_state, warn_of_unfinished

if TYPE_CHECKING:
    from optuna.trial import Trial

logger = logging.getLogger("plumecast")
RUNGS = 4
"""A trial is judged, and may be given up, after each of so many parts."""


def tune(wanted: Search) -> dict[str, Any]:
    """Search, and write `trials.json` beside the study.

    Returns:
        What was written: `best` values, their `value`, and all `trials`.

    Raises:
        ConfigurationError: The directory holds another study, no days are left to train on or allowed, or no trial
            came to its end.
        MissingDataError: No start has all the analyses that it needs, or another process is at work in the directory.
    """
    with lock(wanted.out / LOCK, f"search in {wanted.out}"):
        return _tune(wanted)


def _tune(wanted: Search) -> dict[str, Any]:
    import optuna

    system = _held_out(wanted)
    analysis = open_system_analysis(wanted.analysis, system)
    starts = spaced_starts(
        system, analysis["time"].values, system.periods.validation, count=wanted.starts, lead_steps=wanted.lead_steps
    )
    validation = Validation(system, analysis, tuple(starts), wanted.members, wanted.lead_steps, wanted.device)
    scale = _scale(validation)
    attempt = _trained(wanted, validation) if wanted.checkpoint is None else _resampled(wanted.checkpoint, validation)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = open_study(wanted)

    def objective(trial: "Trial") -> float:
        value = np.inf
        try:
            for part, scores in enumerate(attempt({choice.key: choice.suggest(trial) for choice in wanted.space})):
                value = _value(scores, scale)
                trial.report(value, part)
                if trial.should_prune():
                    raise optuna.TrialPruned
        except DivergedError as error:
            logger.warning("Trial %d is given up: %s", trial.number, error)
            raise optuna.TrialPruned from error
        return value

    with progress(f"Tune {system.name}", wanted.trials, "trials") as advance:
        advance(len(completed_trials(study)))
        while len(completed_trials(study)) < wanted.trials:
            study.optimize(objective, n_trials=1)
            advance(len(completed_trials(study)), f"best {best_value(study):.4f}")
    return write_search(wanted, study)


def _held_out(wanted: Search) -> System:
    """The system with no validation day among those that it learns from, and no test day anywhere."""
    from forecast.checkpoints.files import load_checkpoint

    system, periods = wanted.system, wanted.system.periods
    refuse_test_days(periods.validation, system)
    if wanted.checkpoint is not None:
        checkpoint = load_checkpoint(wanted.checkpoint, calibrated=False)
        check_same_state(system, checkpoint.system, wanted.checkpoint)
        refuse_test_days(periods.validation, checkpoint.system)
        warn_of_unfinished(checkpoint, wanted.checkpoint)
        warn_of_learned_days(checkpoint, periods.validation)
        return system
    last = min(periods.training.end, periods.validation.start - timedelta(days=1))
    if last < periods.training.start:
        raise ConfigurationError(
            f"tuning '{system.name}': expected training days before the validation period, which starts on "
            f"{periods.validation.start}, found none"
        )
    if last < periods.training.end:
        logger.info("Train on %s to %s, so that the validation days are held out", periods.training.start, last)
    training = Period(start=periods.training.start, end=last)
    content = system.model_dump() | {
        "periods": periods.model_dump() | {"training": training},
        "finetuning": (),
        "pretraining": None,
        "training": system.training.model_dump() | {"networks": 1},
    }
    return System.model_validate(content)


def _trained(wanted: Search, validation: Validation) -> Callable[[dict[str, Value]], Iterator[ValidationScores]]:
    """Train each trial, and judge its averaged weights after every part of the training."""
    from forecast.checkpoints.files import load_checkpoint
    from forecast.parallel.ranks import process_group
    from forecast.training.train import train

    def attempt(values: dict[str, Value]) -> Iterator[ValidationScores]:
        system = changed_system(validation.system, values)
        every = max(1, wanted.iterations // RUNGS)
        often: dict[str, Value] = {"training.checkpoint_iterations": every, "training.checkpoint_minutes": 1e6}
        directory = wanted.out / "trial"
        shutil.rmtree(directory, ignore_errors=True)
        with process_group(wanted.device) as ranks:
            made = train(
                changed_system(system, often),
                validation.analysis,
                directory,
                ranks=ranks,
                iterations=wanted.iterations,
            )
            for state in made:
                if state.validation_loss is not None:
                    yield replace(validation, system=system).score(load_checkpoint(directory))
        shutil.rmtree(directory)

    return attempt


def _resampled(directory: Path, validation: Validation) -> Callable[[dict[str, Value]], Iterator[ValidationScores]]:
    """Sample each trial from one model with the same noise, and judge it after every part of the starts."""
    from forecast.calibration.correction import Calibration, centre_of
    from forecast.checkpoints.files import load_checkpoint

    checkpoint, system = load_checkpoint(directory, calibrated=False), validation.system
    neutral: dict[str, tuple[float, ...]] = dict.fromkeys(system.state.predictands, (1.0,))

    def attempt(values: dict[str, Value]) -> Iterator[ValidationScores]:
        sampler = changed_system(system, values).sampler
        fitted = Calibration(fitted_to=system.sampler, sampler=sampler, centre=centre_of(sampler), spread=neutral)
        scored = []
        ends = {-(-len(validation.starts) * part // RUNGS) for part in range(1, RUNGS + 1)}
        for sums in validation.score_each(replace(checkpoint, calibration=fitted)):
            scored.append(sums)
            if len(scored) in ends:
                yield ValidationScores(xr.concat(scored, "start"))

    return attempt


def _scale(validation: Validation) -> xr.DataArray:
    """Mean absolute deviation of each channel's verifying analyses from their mean: about a climatology's error."""
    step = np.timedelta64(validation.system.state.step_hours, "h")
    valid = {start + step * lead for start in validation.starts for lead in range(1, validation.lead_steps + 1)}
    names = list(validation.system.state.predictands)
    fields = validation.analysis[names].sel(time=sorted(valid)).load()
    deviations = [float(np.abs(fields[name] - fields[name].mean("time")).mean()) for name in names]
    return xr.DataArray(deviations, dims="channel", coords={"channel": names})


def _value(scores: ValidationScores, scale: xr.DataArray) -> float:
    return float((scores.scores["crps"] / scale).mean())
