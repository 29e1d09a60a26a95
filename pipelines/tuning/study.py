"""The study of a search: an SQLite file that a killed search continues from."""

import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from data_catalog.errors import ConfigurationError
from pipelines.tuning.search_request import SearchRequest

STARTUP_TRIALS = 4
"""Number of first trials, which are drawn at random and never stopped early."""


def open_study(request: SearchRequest) -> Study:
    """Open or create the study of a search.

    A new study first tries the system's own values. A trial that was interrupted when a search was killed is run again.

    Args:
        request: The request for the search.

    Raises:
        ConfigurationError: The directory holds the study of another search.
    """
    request.directory.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=f"sqlite:///{(request.directory / 'study.db').resolve()}",
        study_name=request.system.name,
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=0),
    )
    _check_identity(study, request)
    if all(trial.state == TrialState.FAIL for trial in study.trials):
        study.enqueue_trial(request.own_values)
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    study.sampler = optuna.samplers.TPESampler(
        seed=request.system.training.seed + len(study.trials), n_startup_trials=STARTUP_TRIALS
    )
    return study


def ended_trials(study: Study) -> list[FrozenTrial]:
    """Return the trials that were completed or stopped early."""
    return study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))


def best_trial(study: Study) -> FrozenTrial | None:
    """Return the complete trial with the smallest value; None if no trial is complete."""
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    return min(complete, key=_value, default=None)


def _value(trial: FrozenTrial) -> float:
    assert trial.value is not None, "a complete trial has a value"
    return trial.value


def _check_identity(study: Study, request: SearchRequest) -> None:
    stored, identity = study.user_attrs.get("identity"), request.identity()
    if stored not in (None, identity):
        raise ConfigurationError(f"--out {request.directory}: expected this search or none, found the study of another")
    study.set_user_attr("identity", identity)
