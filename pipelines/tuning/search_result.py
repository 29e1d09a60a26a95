"""The result of a search, all trials and the best values, as a file and as text."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from data_catalog.storage.atomic_files import write_durably
from pipelines.tuning.search_request import SearchRequest
from pipelines.tuning.search_space import Value, as_toml, to_paste
from pipelines.tuning.study import best_trial, ended_trials


@dataclass(frozen=True)
class TrialResult:
    """The result of one trial.

    Attributes:
        trial: Number of the trial.
        state: `complete`, or `pruned` if it was stopped early.
        value: Score, smaller is better; None if it was stopped early.
        parts: Score after each part.
        values: Values that were tried, by key of the system file.
        own: Whether these are the system's own values.
    """

    trial: int
    state: str
    value: float | None
    parts: list[float]
    values: dict[str, Value]
    own: bool

    @property
    def last_value(self) -> float:
        """Return the last score; infinite if the trial was stopped before the end of its first part."""
        if self.value is not None:
            return self.value
        return self.parts[-1] if self.parts else np.inf


@dataclass(frozen=True)
class SearchResult:
    """All trials of a search.

    Attributes:
        system: Name of the system.
        period: First and last day of the validation period.
        best: Keys and values that turn the system file into the best trial; None if all trials were stopped early.
        value: Score of the best trial.
        trials: All trials, in the order in which they were run.
    """

    system: str
    period: tuple[str, str]
    best: dict[str, Any] | None
    value: float | None
    trials: tuple[TrialResult, ...]


def search_result(request: SearchRequest, study: Study) -> SearchResult:
    """Collect the trials of a study.

    Args:
        request: The request for the search.
        study: The study of the search.
    """
    best, period = best_trial(study), request.system.periods.validation
    return SearchResult(
        system=request.system.name,
        period=(str(period.start), str(period.end)),
        best=None if best is None else to_paste(request.system, best.params),
        value=None if best is None else best.value,
        trials=tuple(_trial_result(trial, request) for trial in ended_trials(study)),
    )


def write_result(result: SearchResult, path: Path) -> None:
    """Write a result as JSON, durably.

    Args:
        result: The result.
        path: The file.
    """
    write_durably(path, json.dumps(asdict(result), indent=1) + "\n")


def describe_result(result: SearchResult) -> str:
    """Return a line for each trial, best first, and the lines to paste into the system file.

    Args:
        result: Result with at least one complete trial.
    """
    assert result.best is not None
    lines = [f"{'trial':>5} {'state':9} {'CRPS':>7}  values"]
    for row in sorted(result.trials, key=lambda row: (row.value is None, row.last_value)):
        values = ", ".join(f"{key.split('.')[1]} {_short(value)}" for key, value in row.values.items())
        own = " (the system's own)" if row.own else ""
        lines.append(f"{row.trial:5} {row.state:9} {row.last_value:7.4f}  {values}{own}")
    return "\n".join([*lines, "", "Best:", as_toml(result.best)])


def _trial_result(trial: FrozenTrial, request: SearchRequest) -> TrialResult:
    return TrialResult(
        trial=trial.number,
        state=trial.state.name.lower(),
        value=trial.value if trial.state == TrialState.COMPLETE else None,
        parts=[trial.intermediate_values[part] for part in sorted(trial.intermediate_values)],
        values=trial.params,
        own=trial.params == request.own_values,
    )


def _short(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
