"""Many cycles, scored as they are made, with every baseline beside the model.

Each scored cycle goes into the score archive at once, and what is there already is not made again: a killed evaluation
goes on where it stopped, and a longer one takes what a shorter one has done.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import ConfigurationError, MissingDataError
from data_catalog.layout.times import day, iso
from forecast.members.gather import ensemble_forecast, lead_times
from forecast.products.files.manifest import file_hash
from forecast.states.starts import initial_state_hash
from forecast.system.system import System
from forecast.verification.baselines.baselines import Baselines, load_baselines
from forecast.verification.cycle_scores import baseline_seed, score_forecast, score_weights, verifying_analysis
from forecast.verification.evaluation import AXES
from forecast.verification.evaluation_report import MODEL, EvaluationReport, evaluation_report, write_evaluation
from pipelines.scoring.forecasters import (
    Forecaster,
    analysis_digests,
    baseline_forecasters,
    load_scores,
    model_forecaster,
    store_scores,
)
from pipelines.terminal.progress import progress
from pipelines.terminal.times import parse_end, parse_hours, parse_time
from pipelines.workspace.analyses import find_analysis, open_system_analysis
from pipelines.workspace.checkpoints import find_baselines, find_checkpoint
from pipelines.workspace.devices import choose_device
from pipelines.workspace.home import Home
from pipelines.workspace.open_checkpoint import open_checkpoint
from pipelines.workspace.starts import complete_starts
from pipelines.workspace.systems import find_system, in_steps, requested_lead_steps

if TYPE_CHECKING:
    from forecast.checkpoints.checkpoint import Checkpoint

logger = logging.getLogger("plumecast")


@dataclass(frozen=True)
class Evaluation:
    """What to evaluate.

    Attributes:
        system: Which system.
        analysis: Archive or file to start from and to judge by.
        checkpoint: Directory of the model and its baselines.
        scores: Score archive.
        start: First init time allowed.
        end: Last valid time allowed.
        every_hours: Between init times.
        members: Size of the ensemble.
        lead_steps: Steps of the system.
        device: Where to compute.
    """

    system: System
    analysis: Path
    checkpoint: Path
    scores: Path
    start: np.datetime64
    end: np.datetime64
    every_hours: int
    members: int
    lead_steps: int
    device: str = "cpu"

    @property
    def lead_times(self) -> NDArray[np.timedelta64]:
        """Every lead time."""
        return lead_times(self.system, self.lead_steps)


@dataclass(frozen=True)
class Evaluated:
    """What an evaluation leaves.

    Attributes:
        content: Scores of every forecaster.
        labels: Names in the score archive, by forecaster: the model first.
        starts: Init times that each forecaster was scored on. A baseline that knows other hours of the day than the
            model has fewer.
    """

    content: EvaluationReport
    labels: dict[str, str]
    starts: dict[str, tuple[np.datetime64, ...]]


def evaluate_to(wanted: Evaluation, out: Path) -> Evaluated:
    """Evaluate and write the JSON."""
    if out.is_dir() or not out.parent.is_dir():
        raise ConfigurationError(f"--out {out}: expected a file in an existing directory, found none such")
    evaluated = evaluate(wanted)
    write_evaluation(evaluated.content, out)
    return evaluated


def evaluate(wanted: Evaluation) -> Evaluated:
    """Forecast and score cycle after cycle; nothing but sums is kept of each.

    Raises:
        MissingDataError: No init time has all the analyses that it needs.
        ConfigurationError: The checkpoint is of another system, or has no baselines.
        InvalidDataError: The score archive holds a cycle of the same model with other scores.
    """
    inputs = _open_inputs(wanted)
    starts = init_times(wanted, inputs.analysis["time"].values)
    scored: list[_ScoredStart] = []
    with progress(f"Evaluate {wanted.system.name}", len(starts), "cycles") as advance:
        for index, init_time in enumerate(starts):
            scored.append(_score_start(wanted, inputs, init_time))
            advance(index + 1, iso(init_time))
    remembered = sum(not start.made for start in scored)
    if remembered:
        logger.info("%d of %d cycles were in the score archive already", remembered, len(starts))
    end = min(wanted.end, inputs.analysis["time"].values.max())
    of_name = {name: [each for each in scored if name in each.sums] for name in _forecaster_names(wanted.system)}
    of_name = {name: its_starts for name, its_starts in of_name.items() if its_starts}
    content = evaluation_report(
        wanted.system.name,
        inputs.checkpoint.model_id,
        (wanted.start, end),
        len(starts),
        wanted.members,
        {name: [start.sums[name] for start in its_starts] for name, its_starts in of_name.items()},
    )
    return Evaluated(
        content,
        {name: its_starts[0].labels[name] for name, its_starts in of_name.items()},
        {name: tuple(start.init_time for start in its_starts) for name, its_starts in of_name.items()},
    )


@dataclass(frozen=True)
class _ScoredStart:
    """The forecasts from one start, scored.

    Attributes:
        init_time: The start.
        labels: Names in the score archive, by forecaster.
        sums: From `cycle_sums`, by forecaster.
        made: Whether any of them had to be made.
    """

    init_time: np.datetime64
    labels: dict[str, str]
    sums: dict[str, xr.DataArray]
    made: bool


def _forecaster_names(system: System) -> list[str]:
    return [MODEL, *system.verification.baselines]


@dataclass(frozen=True)
class _Inputs:
    """What every cycle of an evaluation is made and judged from."""

    checkpoint: "Checkpoint"
    baselines: Baselines
    baselines_hash: str
    analysis: xr.Dataset
    weights: xr.DataArray


def _open_inputs(wanted: Evaluation) -> _Inputs:
    checkpoint = open_checkpoint(wanted.checkpoint, wanted.system)
    baselines = find_baselines(wanted.checkpoint)
    analysis = open_system_analysis(wanted.analysis, wanted.system)
    weights = score_weights(wanted.system, analysis, wanted.analysis)
    return _Inputs(checkpoint, load_baselines(baselines), file_hash(baselines), analysis, weights)


def _score_start(wanted: Evaluation, inputs: _Inputs, init_time: np.datetime64) -> _ScoredStart:
    channels = wanted.system.state.predictands
    verifying = verifying_analysis(inputs.analysis, channels, init_time, wanted.lead_times)
    judged = analysis_digests(verifying)
    labels, found, made = {}, {}, False
    for forecaster in _forecasters(wanted, inputs, init_time):
        leads = _leads_of(forecaster.name, wanted, inputs, init_time)
        shape = {"channel": list(channels), "lead_time": leads}
        totals = inputs.weights.sum(["latitude", "longitude"]).expand_dims(shape).transpose(*AXES[:3])
        sums = load_scores(wanted.scores, forecaster, init_time, judged, totals)
        if sums is None:
            forecast = _forecast_of(forecaster.name, wanted, inputs, init_time)
            sums, made = score_forecast(forecast, verifying.sel(lead_time=leads), inputs.weights), True
            store_scores(wanted.scores, forecaster, init_time, sums, judged)
        labels[forecaster.name], found[forecaster.name] = forecaster.label, sums
    return _ScoredStart(init_time, labels, found, made)


def _forecasters(wanted: Evaluation, inputs: _Inputs, init_time: np.datetime64) -> list[Forecaster]:
    from forecast.states.starts import select_past

    system, state = wanted.system, wanted.system.state
    past = select_past(inputs.analysis, init_time, state.past_states, state.step_hours)
    model = model_forecaster(
        system,
        range(wanted.members),
        model_id=inputs.checkpoint.model_id,
        system_hash=system.identity_hash(),
        data_hash=initial_state_hash(past, state.predictands),
        step_hours=state.step_hours,
    )
    start = initial_state_hash(past.isel(time=[-1]), state.predictands)
    baselines = baseline_forecasters(system, inputs.baselines_hash, wanted.members, data_hash=start)
    return [model, *(each for each in baselines if _leads_of(each.name, wanted, inputs, init_time).size)]


def _leads_of(name: str, wanted: Evaluation, inputs: _Inputs, init_time: np.datetime64) -> NDArray[np.timedelta64]:
    return wanted.lead_times if name == MODEL else inputs.baselines.leads_of(name, init_time, wanted.lead_times)


def _forecast_of(name: str, wanted: Evaluation, inputs: _Inputs, init_time: np.datetime64) -> xr.Dataset:
    if name == MODEL:
        return ensemble_forecast(
            inputs.checkpoint,
            wanted.system,
            inputs.analysis,
            init_time,
            members=wanted.members,
            lead_steps=wanted.lead_steps,
            device=wanted.device,
        )
    leads, seed = _leads_of(name, wanted, inputs, init_time), baseline_seed(init_time)
    return inputs.baselines.forecast(name, inputs.analysis, init_time, leads, wanted.members, seed)


def init_times(wanted: Evaluation, times: NDArray[np.datetime64]) -> list[np.datetime64]:
    """Init times from start to end whose past states and verifying analyses all exist.

    Raises:
        MissingDataError: There is none.
    """
    hour = np.timedelta64(1, "h")
    step = wanted.system.state.step_hours * hour
    possible = complete_starts(wanted.system, times, wanted.lead_steps)
    possible = possible[(possible >= wanted.start) & (possible + wanted.lead_steps * step <= wanted.end)]
    if not possible.size:
        raise MissingDataError(
            f"evaluation of '{wanted.system.name}': expected analyses for {wanted.lead_steps} lead steps after a start "
            f"between {day(wanted.start)} and {day(wanted.end)}, found none among {times.size} analyses"
        )
    regular = np.arange(possible.min(), possible.max() + hour, wanted.every_hours * hour)
    chosen = regular[np.isin(regular, possible)]
    if chosen.size < regular.size:
        missing = ", ".join(iso(time) for time in regular[~np.isin(regular, possible)][:3])
        logger.warning(
            "%d of %d starts lack an analysis and are left out: %s ...",
            regular.size - chosen.size,
            regular.size,
            missing,
        )
    return list(chosen)


def request_evaluation(
    home: Home,
    system_name: str,
    *,
    analysis: Path | None = None,
    checkpoint: Path | None = None,
    scores: Path | None = None,
    start: str | None = None,
    end: str | None = None,
    every: str = "6d",
    members: int | None = None,
    lead: str | None = None,
    step: str | None = None,
    device: str = "auto",
) -> Evaluation:
    """Describe an evaluation; by default over the test period.

    Raises:
        ConfigurationError: A word is wrong.
        MissingDataError: There is no archive yet.
    """
    system = in_steps(find_system(system_name), step)
    test = system.periods.test
    first = parse_time(start or test.start.isoformat(), "--start")
    last = parse_end(end or test.end.isoformat(), "--end")
    if last <= first:
        raise ConfigurationError(f"--end: expected a time after --start {start}, found {end}")
    return Evaluation(
        system=system,
        analysis=find_analysis(home, system, analysis),
        checkpoint=find_checkpoint(home, system, checkpoint),
        scores=scores or home.score_archive(system.name),
        start=first,
        end=last,
        every_hours=parse_hours(every, "--every"),
        members=members or system.forecast.members,
        lead_steps=requested_lead_steps(system, lead),
        device=choose_device(device),
    )
