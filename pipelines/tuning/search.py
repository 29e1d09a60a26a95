"""Searches noise levels, weights and sampler for the smallest fair CRPS on validation days.

The study is one SQLite file, so a killed search can continue: the interrupted trial is run again, the others are
kept.
"""

import logging
from pathlib import Path

import numpy as np
import optuna
import xarray as xr

from data_catalog.errors import ConfigurationError, DivergedError
from data_catalog.storage.locks import LOCK, lock
from forecast.checkpoints.checkpoint import Checkpoint
from pipelines.terminal.progress import progress
from pipelines.tuning.search_request import SearchRequest
from pipelines.tuning.search_result import SearchResult, search_result, write_result
from pipelines.tuning.study import best_trial, ended_trials, open_study
from pipelines.tuning.trials import Trial, held_out_system, resampled_trials, trained_trials
from pipelines.tuning.validation import Validation
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.open_checkpoint import open_uncalibrated
from pipelines.workspace.starts import spaced_starts

logger = logging.getLogger("plumecast")


def trials_file(directory: Path) -> Path:
    """Return the path of the file that lists the trials of a study."""
    return directory / "trials.json"


def tune(request: SearchRequest) -> SearchResult:
    """Run a search, and write the trials beside the study.

    Args:
        request: System, model, keys to search and number of trials.

    Returns:
        The trials and the best values, as written.

    Raises:
        ConfigurationError: The directory holds another study, there are no days to train on or to score, or no trial
            was completed.
        MissingDataError: No start has all the analyses that it needs, or another process uses the directory.
    """
    with lock(request.directory / LOCK, f"search in {request.directory}"):
        make_trial, validation = _prepare_trials(request)
        study = open_study(request)
        _run_trials(study, request, make_trial, _mean_deviations(validation))
        result = search_result(request, study)
        write_result(result, trials_file(request.directory))
    if result.best is None:
        raise ConfigurationError(
            f"--out {request.directory}: expected a complete trial, found {len(result.trials)}, all stopped early"
        )
    return result


def _prepare_trials(request: SearchRequest) -> tuple[Trial, Validation]:
    if request.checkpoint is None:
        validation = _validation(request, None)
        return trained_trials(request, validation), validation
    checkpoint = open_uncalibrated(request.checkpoint, request.system)
    validation = _validation(request, checkpoint)
    return resampled_trials(checkpoint, validation), validation


def _validation(request: SearchRequest, checkpoint: Checkpoint | None) -> Validation:
    system = held_out_system(request.system, checkpoint)
    analysis = open_system_analysis(request.analysis, system)
    starts = spaced_starts(
        system, analysis["time"].values, system.periods.validation, count=request.starts, lead_steps=request.lead_steps
    )
    return Validation(system, analysis, tuple(starts), request.members, request.lead_steps, request.device)


def _run_trials(study: optuna.Study, request: SearchRequest, make_trial: Trial, scale: xr.DataArray) -> None:
    """Run trials, scored by their CRPS relative to a scale for each channel, until the study holds enough."""

    def objective(trial: optuna.Trial) -> float:
        value = np.inf
        try:
            for part, scores in enumerate(make_trial({choice.key: choice.suggest(trial) for choice in request.space})):
                value = float((scores.scores["crps"] / scale).mean())
                trial.report(value, part)
                if trial.should_prune():
                    raise optuna.TrialPruned
        except DivergedError as error:
            logger.warning("Trial %d is stopped: %s", trial.number, error)
            raise optuna.TrialPruned from error
        return value

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with progress(f"Tune {request.system.name}", request.trials, "trials") as advance:
        advance(len(ended_trials(study)))
        while len(ended_trials(study)) < request.trials:
            study.optimize(objective, n_trials=1)
            best = best_trial(study)
            advance(len(ended_trials(study)), "" if best is None else f"best {best.value:.4f}")


def _mean_deviations(validation: Validation) -> xr.DataArray:
    """Return the mean absolute deviation of each channel's verifying analyses, about the error of climatology."""
    step = np.timedelta64(validation.system.state.step_hours, "h")
    valid = {start + step * lead for start in validation.starts for lead in range(1, validation.lead_steps + 1)}
    names = list(validation.system.state.predictands)
    fields = validation.analysis[names].sel(time=sorted(valid)).load()
    deviations = [float(np.abs(fields[name] - fields[name].mean("time")).mean()) for name in names]
    return xr.DataArray(deviations, dims="channel", coords={"channel": names})
