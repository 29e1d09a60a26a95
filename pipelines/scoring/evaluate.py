"""Many cycles, scored as they are made, with every baseline beside the model.

Each scored cycle goes into the score archive at once, and what is there already is not made again: a killed evaluation
goes on where it stopped, and a longer one takes what a shorter one has done.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.archive.workers import Workers, in_order
from data_catalog.errors import ConfigurationError
from data_catalog.layout.times import iso
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.members.gather import ensemble_forecast, lead_times
from forecast.states.starts import initial_state_hash, select_past
from forecast.verification.cycle_scores import score_weights
from forecast.verification.evaluation_report import (
    MODEL,
    EvaluationReport,
    evaluation_report,
    mean_shares,
    write_evaluation,
)
from pipelines.scoring.baselines import FittedBaselines, baseline_forecasts, read_baselines
from pipelines.scoring.evaluation_request import EvaluationRequest, init_times
from pipelines.scoring.forecasters import PlannedForecast, model_forecaster
from pipelines.scoring.scorer import Scorer
from pipelines.terminal.progress import progress
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.checkpoints import find_baselines
from pipelines.workspace.open_checkpoint import open_checkpoint

logger = logging.getLogger("plumecast")


@dataclass(frozen=True)
class EvaluationResult:
    """What an evaluation leaves.

    Attributes:
        report: Scores of every forecaster.
        labels: Names in the score archive, by forecaster: the model first.
        starts: Init times that each forecaster was scored on. A baseline that knows fewer hours of the day than the
            model has fewer.
    """

    report: EvaluationReport
    labels: dict[str, str]
    starts: dict[str, tuple[np.datetime64, ...]]


@dataclass(frozen=True)
class _Inputs:
    checkpoint: Checkpoint
    baselines: FittedBaselines
    scorer: Scorer


@dataclass(frozen=True)
class _ScoredStart:
    """The forecasts from one start, scored: labels and sums by forecaster, and whether any had to be made.

    `scored_points` is the share of points by channel, for channels that the analysis lacks somewhere.
    """

    init_time: np.datetime64
    labels: dict[str, str]
    sums: dict[str, xr.DataArray]
    made: bool
    scored_points: dict[str, float]


def evaluate_to(request: EvaluationRequest, out: Path, workers: Workers | None = None) -> EvaluationResult:
    """Evaluate, and write the report as JSON.

    Args:
        request: What to evaluate.
        out: File to write.
        workers: What makes and scores forecasts, several starts at once; None to make one after the other here.

    Raises:
        ConfigurationError: The file cannot be written, or see `evaluate`.
    """
    if out.is_dir() or not out.parent.is_dir():
        raise ConfigurationError(f"--out {out}: expected a file in an existing directory, found none such")
    result = evaluate(request, workers)
    write_evaluation(result.report, out)
    return result


def evaluate(request: EvaluationRequest, workers: Workers | None = None) -> EvaluationResult:
    """Forecast and score cycle after cycle; nothing but sums is kept of each.

    Args:
        request: What to evaluate.
        workers: What makes and scores forecasts, several starts at once; None to make one after the other here.

    Raises:
        MissingDataError: No init time has all the analyses that it needs.
        ConfigurationError: The checkpoint is of another system, or has no baselines.
        InvalidDataError: The score archive holds a cycle of the same model with other scores.
    """
    inputs = _open_inputs(request)
    starts = init_times(request, inputs.scorer.analysis["time"].values)
    scored: list[_ScoredStart] = []
    with progress(f"Evaluate {request.system.name}", len(starts), "cycles") as advance:
        score = partial(_score_start, request, inputs) if workers is None else partial(_score_there, request)
        for start in in_order(workers, score, starts):
            scored.append(start)
            advance(len(scored), iso(start.init_time))
    known = sum(not start.made for start in scored)
    if known:
        logger.info("%d of %d cycles were in the score archive already", known, len(starts))
    return _result(request, inputs, scored)


def _score_there(request: EvaluationRequest, init_time: np.datetime64) -> _ScoredStart:
    """Make and score the forecasts from one start in a worker, which opens the checkpoint once."""
    held = next((one for one in _held if one[0] == request), None)
    if held is None:
        held = request, _open_inputs(request)
        _held[:] = [held]
    return _score_start(request, held[1], init_time)


_held: list[tuple[EvaluationRequest, _Inputs]] = []
"""What a worker has opened last, and for which request; settings hold tables, so that they cannot be hashed."""


def _open_inputs(request: EvaluationRequest) -> _Inputs:
    system = request.system
    checkpoint = open_checkpoint(request.checkpoint, system)
    baselines = read_baselines(find_baselines(request.checkpoint))
    analysis = open_system_analysis(request.analysis, system)
    weights = score_weights(system, analysis, request.analysis)
    return _Inputs(checkpoint, baselines, Scorer(f"evaluation of '{system.name}'", analysis, weights, request.scores))


def _score_start(request: EvaluationRequest, inputs: _Inputs, init_time: np.datetime64) -> _ScoredStart:
    leads = lead_times(request.system, request.lead_steps)
    cycle = inputs.scorer.cycle(init_time, request.system.state.predictands, leads)
    labels, found, made = {}, {}, False
    for planned in _planned_forecasts(request, inputs, init_time):
        forecaster = planned.forecaster
        sums = cycle.archived(forecaster, planned.lead_times)
        if sums is None:
            sums, made = cycle.score(forecaster, planned.make()), True
        labels[forecaster.name], found[forecaster.name] = forecaster.label, sums
    return _ScoredStart(init_time, labels, found, made, cycle.scored_points)


def _planned_forecasts(
    request: EvaluationRequest, inputs: _Inputs, init_time: np.datetime64
) -> Iterator[PlannedForecast]:
    """Forecasts from one start: the model's, then those of the baselines that know its hour of the day."""
    system, analysis, members = request.system, inputs.scorer.analysis, request.members
    state, leads = system.state, lead_times(system, request.lead_steps)
    past = select_past(analysis, init_time, state.past_states, state.step_hours)
    model = model_forecaster(
        system,
        range(members),
        model_id=inputs.checkpoint.model_id,
        system_hash=system.identity_hash(),
        data_hash=initial_state_hash(past, state.predictands),
        step_hours=state.step_hours,
    )
    forecast = partial(
        ensemble_forecast,
        inputs.checkpoint,
        system,
        analysis,
        init_time,
        members=members,
        lead_steps=request.lead_steps,
        device=request.device,
    )
    yield PlannedForecast(model, leads, forecast)
    yield from baseline_forecasts(inputs.baselines, system, analysis, init_time, leads, members)


def _result(request: EvaluationRequest, inputs: _Inputs, scored: list[_ScoredStart]) -> EvaluationResult:
    names = (MODEL, *request.system.verification.baselines)
    starts = {name: [start for start in scored if name in start.sums] for name in names}
    starts = {name: its_starts for name, its_starts in starts.items() if its_starts}
    report = evaluation_report(
        request.system.name,
        inputs.checkpoint.model_id,
        (request.start, min(request.end, inputs.scorer.analysis["time"].values.max())),
        len(scored),
        request.members,
        {name: [start.sums[name] for start in its_starts] for name, its_starts in starts.items()},
    )
    shares = mean_shares([start.scored_points for start in scored])
    return EvaluationResult(
        EvaluationReport.model_validate({**report.model_dump(), "scored_points": shares}),
        {name: its_starts[0].labels[name] for name, its_starts in starts.items()},
        {name: tuple(start.init_time for start in its_starts) for name, its_starts in starts.items()},
    )
