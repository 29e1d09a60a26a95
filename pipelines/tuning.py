"""A search over schedule, weights and sampler: short trainings or none, judged by fair CRPS on validation days.

The study is one SQLite file in the output directory, so that a killed search goes on: the trial that was under way is
made again, the others stand.
"""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from data_catalog.atomic import atomic_path
from data_catalog.errors import ConfigurationError, DivergedError
from forecast.system import Period, System
from pipelines.analyses import open_system_analysis
from pipelines.locking import LOCK, held
from pipelines.progress import progress
from pipelines.search_space import Choice, Value, as_toml, changed_system, own_value, to_paste
from pipelines.systems import check_same_state, warn_of_unfinished
from pipelines.validating import (
    Validation,
    ValidationScores,
    refuse_test_days,
    spaced_starts,
    warn_of_learned_days,
)

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

logger = logging.getLogger("plumecast")

RUNGS = 4
"""A trial is judged, and may be given up, after each of so many parts."""
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
        from forecast.checkpoints import model_identity, read_description

        shared = {
            "system": self.system.model_dump(mode="json", exclude={"forecast", "products", "schedule"}),
            "checkpoint": None if self.checkpoint is None else model_identity(read_description(self.checkpoint)),
            "analysis": str(self.analysis.resolve()),
            "space": [repr(choice) for choice in self.space],
            "sizes": [self.iterations, self.starts, self.members, self.lead_steps],
        }
        return json.dumps(shared, sort_keys=True)


def tune(wanted: Search) -> dict[str, Any]:
    """Search, and write `trials.json` beside the study.

    Returns:
        What was written: `best` values, their `value`, and all `trials`.

    Raises:
        ConfigurationError: The directory holds another study, no days are left to train on or allowed, or no trial
            came to its end.
        MissingDataError: No start has all the analyses that it needs, or another process is at work in the directory.
    """
    with held(wanted.out / LOCK, f"search in {wanted.out}"):
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
    study = _study(wanted)

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
        advance(len(_finished(study)))
        while len(_finished(study)) < wanted.trials:
            study.optimize(objective, n_trials=1)
            advance(len(_finished(study)), f"best {_best_value(study):.4f}")
    return _write(wanted, study)


def _held_out(wanted: Search) -> System:
    """The system with no validation day among those that it learns from, and no test day anywhere."""
    from forecast.checkpoints import load_checkpoint

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
    from forecast.checkpoints import load_checkpoint
    from forecast.distributed import joined
    from forecast.training import train

    def attempt(values: dict[str, Value]) -> Iterator[ValidationScores]:
        system = changed_system(validation.system, values)
        every = max(1, wanted.iterations // RUNGS)
        often: dict[str, Value] = {"training.checkpoint_iterations": every, "training.checkpoint_minutes": 1e6}
        directory = wanted.out / "trial"
        shutil.rmtree(directory, ignore_errors=True)
        with joined(wanted.device) as ranks:
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
    from forecast.calibration import Calibration, centre_of
    from forecast.checkpoints import load_checkpoint

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


def _study(wanted: Search) -> "Study":
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


def _finished(study: "Study") -> list["FrozenTrial"]:
    from optuna.trial import TrialState

    return study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))


def _best_value(study: "Study") -> float:
    return min((trial.value for trial in _complete(study) if trial.value is not None), default=np.nan)


def _complete(study: "Study") -> list["FrozenTrial"]:
    from optuna.trial import TrialState

    return study.get_trials(states=(TrialState.COMPLETE,))


def _write(wanted: Search, study: "Study") -> dict[str, Any]:
    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "value": trial.value if trial.state.name == "COMPLETE" else None,
            "parts": [trial.intermediate_values[part] for part in sorted(trial.intermediate_values)],
            "values": trial.params,
            "own": trial.params == wanted.own_values,
        }
        for trial in _finished(study)
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
    with atomic_path(wanted.out / "trials.json") as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
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
