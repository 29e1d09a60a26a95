"""TODO: pipelines/tuning/study.py."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_catalog.errors import ConfigurationError
from data_catalog.storage.atomic_files import write_durably
from forecast.system.system import System
from pipelines.tuning.search_space import Choice, Value, as_toml, chosen_space, own_value, to_paste
from pipelines.workspace.analyses import find_analysis
from pipelines.workspace.checkpoints import find_checkpoint
from pipelines.workspace.devices import choose_device
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system, requested_lead_steps

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

STARTUP_TRIALS = 4
"""Trials that are never given up."""


@dataclass(frozen=True)
class Search:
    """What to search.

    Attributes:
        system: Whose keys are tried; what is not searched stays.
        analysis: Archive or file with the training and validation periods.
        out: Directory of the study.
        space: Keys and values to try.
        trials: How many in all, those of an earlier, killed search among them.
        iterations: Length of each training.
        checkpoint: Finished model whose sampler alone is searched; None to train.
        starts: Validation forecasts of a trial.
        members: Size of each ensemble.
        lead_steps: Steps of the system.
        device: Where to compute.
    """

    system: System
    analysis: Path
    out: Path
    space: tuple[Choice, ...]
    trials: int
    iterations: int
    checkpoint: Path | None
    starts: int
    members: int
    lead_steps: int
    device: str = "cpu"

    @property
    def own_values(self) -> dict[str, Value]:
        """What the system has for the keys that are searched."""
        return {choice.key: own_value(self.system, choice.key) for choice in self.space}

    def identity(self) -> str:
        """What the trials of one study have in common."""
        from forecast.checkpoints.files import read_description
        from forecast.checkpoints.identity import model_identity

        shared = {
            "system": self.system.model_dump(mode="json", exclude={"forecast", "products", "schedule"}),
            "checkpoint": None if self.checkpoint is None else model_identity(read_description(self.checkpoint)),
            "analysis": str(self.analysis.resolve()),
            "space": [repr(choice) for choice in self.space],
            "sizes": [self.iterations, self.starts, self.members, self.lead_steps],
        }
        return json.dumps(shared, sort_keys=True)


def open_study(wanted: Search) -> "Study":
    """The study of the directory: first the system as it is, or the trial that a killed search left."""
    import optuna
    from optuna.trial import TrialState

    wanted.out.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=f"sqlite:///{(wanted.out / 'study.db').resolve()}",
        study_name=wanted.system.name,
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=0),
    )
    stored = study.user_attrs.get("identity")
    if stored not in (None, wanted.identity()):
        raise ConfigurationError(f"--out {wanted.out}: expected this search or none, found the study of another")
    study.set_user_attr("identity", wanted.identity())
    if all(trial.state == TrialState.FAIL for trial in study.trials):
        study.enqueue_trial(wanted.own_values)
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    study.sampler = optuna.samplers.TPESampler(
        seed=wanted.system.training.seed + len(study.trials), n_startup_trials=STARTUP_TRIALS
    )
    return study


def completed_trials(study: "Study") -> list["FrozenTrial"]:
    from optuna.trial import TrialState

    return study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))


def best_value(study: "Study") -> float:
    return min((trial.value for trial in _complete(study) if trial.value is not None), default=np.nan)


def _complete(study: "Study") -> list["FrozenTrial"]:
    from optuna.trial import TrialState

    return study.get_trials(states=(TrialState.COMPLETE,))


def write_search(wanted: Search, study: "Study") -> dict[str, Any]:
    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "value": trial.value if trial.state.name == "COMPLETE" else None,
            "parts": [trial.intermediate_values[part] for part in sorted(trial.intermediate_values)],
            "values": trial.params,
            "own": trial.params == wanted.own_values,
        }
        for trial in completed_trials(study)
    ]
    best = min(_complete(study), key=lambda trial: trial.value or np.inf, default=None)
    periods = wanted.system.periods.validation
    content = {
        "system": wanted.system.name,
        "period": [str(periods.start), str(periods.end)],
        "best": None if best is None else to_paste(wanted.system, best.params),
        "value": None if best is None else best.value,
        "trials": rows,
    }
    write_durably(wanted.out / "trials.json", json.dumps(content, indent=1) + "\n")
    if best is None:
        raise ConfigurationError(f"--out {wanted.out}: expected a trial that ends, found {len(rows)}, all given up")
    return content


def describe_search(content: dict[str, Any]) -> str:
    """Every trial, best first, and lines to paste."""
    lines = [f"{'trial':>5} {'state':9} {'CRPS':>7}  values"]
    for row in sorted(content["trials"], key=lambda row: (row["value"] is None, _last_value(row))):
        values = ", ".join(f"{key.split('.')[1]} {_short(value)}" for key, value in row["values"].items())
        own = " (the system's own)" if row["own"] else ""
        lines.append(f"{row['trial']:5} {row['state']:9} {_last_value(row):7.4f}  {values}{own}")
    return "\n".join([*lines, "", "Best:", as_toml(content["best"])])


def _last_value(row: dict[str, Any]) -> float:
    """What a trial came to; infinite where it was given up before its first part."""
    return float(row["value"] or (row["parts"] or [np.inf])[-1])


def _short(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def request_search(
    home: Home,
    system_name: str,
    *,
    out: Path | None,
    trials: int,
    iterations: int,
    sampler_only: bool,
    only: tuple[str, ...],
    checkpoint: Path | None,
    analysis: Path | None,
    starts: int,
    members: int,
    lead: str,
    device: str,
) -> Search:
    """Describe a search; its study is kept in the home unless `out` is given.

    Raises:
        ConfigurationError: A word is wrong.
        MissingDataError: There is no archive yet.
    """
    system = find_system(system_name)
    if checkpoint is not None and not sampler_only:
        raise ConfigurationError("--checkpoint: expected --sampler-only beside it, found a search that trains")
    kind = "sampler" if sampler_only else "training"
    return Search(
        system=system,
        analysis=find_analysis(home, system, analysis),
        out=home.root / "searches" / f"{system.name}-{kind}" if out is None else out,
        space=chosen_space(system, only, sampler_only=sampler_only),
        trials=trials,
        iterations=iterations,
        checkpoint=find_checkpoint(home, system, checkpoint) if sampler_only else None,
        starts=starts,
        members=members,
        lead_steps=requested_lead_steps(system, lead),
        device=choose_device(device),
    )
