"""Scores of forecasts that exist: Plumecast's runs, or anyone's ensemble files."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import xarray as xr

from data_catalog.archive.analysis import open_analysis
from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.times import iso
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import file_hash, read_manifest
from forecast.products.files.runs import RunDirectory
from forecast.states.starts import initial_state_hash
from forecast.system.cycles import CYCLE_NAME
from forecast.system.system import System
from forecast.verification.baselines.baselines import load_baselines
from forecast.verification.cycle_scores import baseline_seed, score_weights
from forecast.verification.evaluation_report import EvaluationReport, ScoredCycle, pooled, write_evaluation
from pipelines.runs.page import Background
from pipelines.runs.republish import redraw_run
from pipelines.runs.run_system import run_system
from pipelines.scoring.forecasters import baseline_forecasters, model_forecaster
from pipelines.scoring.foreign_forecasts import name_of_files, score_file
from pipelines.scoring.judge import Scorer, VerificationRequest, score_archive_of, scored_forecast
from pipelines.workspace.analyses import find_analysis, open_system_analysis, scalar
from pipelines.workspace.checkpoints import BASELINES_FILE, find_checkpoint
from pipelines.workspace.home import Home

logger = logging.getLogger("plumecast")


@dataclass(frozen=True)
class Verified:
    """What a verification leaves.

    Attributes:
        content: Scores over all forecasts.
        score_archives: Where each cycle's scores are kept.
    """

    content: EvaluationReport
    score_archives: tuple[Path, ...]


def verify(judge: VerificationRequest, locations: Sequence[Path]) -> Verified:
    """Score forecasts into the score archive; a run also gets its own scores and a fresh page.

    Args:
        judge: What they are judged by.
        locations: Runs, or ensemble files of any origin.

    Raises:
        MissingDataError: The analysis does not reach the valid times yet.
        InvalidDataError: A forecast or the analysis must not be believed, or the score archive holds other scores.
        ConfigurationError: Forecasts of different systems or sizes, or a file without an analysis to judge it by.
    """
    scored: list[ScoredCycle] = []
    archives: dict[Path, None] = {}
    name = judge.forecaster or name_of_files([location for location in locations if not _is_run(location)])
    for location in locations:
        if _is_run(location):
            run = RunDirectory.at(location)
            scored.append(verify_run(judge, run))
            archives[score_archive_of(judge, run.system_name)] = None
        else:
            scored += score_file(judge, location, name)
            archives[score_archive_of(judge, name)] = None
    return Verified(pooled(scored), tuple(archives))


def verify_run(judge: VerificationRequest, run: RunDirectory) -> ScoredCycle:
    """Score a run into the score archive, and publish it again with its scores and a page that shows them."""
    system = _system_of(judge, run)
    scored = score_run(judge, run)
    location, baselines = (
        find_analysis(judge.home, system, judge.analysis),
        _baselines_file(judge.home, system, judge.checkpoint),
    )
    background = Background(
        open_system_analysis(location, system), None if baselines is None else load_baselines(baselines)
    )
    redraw_run(run, background, partial(write_evaluation, pooled([scored])))
    return scored


def score_run(judge: VerificationRequest, run: RunDirectory) -> ScoredCycle:
    """Score a run into the score archive, with the baselines beside its system's checkpoint if there are any."""
    system, manifest = _system_of(judge, run), read_manifest(run.path)
    location = find_analysis(judge.home, system, judge.analysis)
    analysis = open_analysis(location, system.state.predictands)
    weights = score_weights(system, analysis, location)
    bench = Scorer(f"run {run.path}", analysis, weights, score_archive_of(judge, run.system_name))
    with open_forecast(run.path) as forecast:
        model = model_forecaster(
            system,
            forecast["member"].values.tolist(),
            model_id=manifest.model_id,
            system_hash=manifest.system_hash,
            data_hash=manifest.data_hash,
            step_hours=manifest.delivered.lead_hours[0],
        )
        sums = {model.name: bench.score(model, forecast), **_score_baselines(judge, system, forecast, bench)}
        return scored_forecast(
            run.system_name, forecast, sums, model_id=manifest.model_id, system_hash=manifest.system_hash
        )


def _score_baselines(
    judge: VerificationRequest, system: System, forecast: xr.Dataset, bench: Scorer
) -> dict[str, xr.DataArray]:
    path = _baselines_file(judge.home, system, judge.checkpoint)
    if path is None:
        logger.warning("Scored without baselines: no checkpoint of '%s' with %s", system.name, BASELINES_FILE)
        return {}
    baselines, members = load_baselines(path), forecast.sizes["member"]
    init_time, leads = scalar(forecast["init_time"]), forecast["lead_time"].values
    if init_time not in bench.analysis["time"].values:
        raise InvalidDataError(f"baselines from {iso(init_time)}: expected an analysis at the start, found none")
    start = initial_state_hash(bench.analysis.sel(time=[init_time]), system.state.predictands)
    sums = {}
    for forecaster in baseline_forecasters(system, file_hash(path), members, data_hash=start):
        name, its_leads = forecaster.name, baselines.leads_of(forecaster.name, init_time, leads)
        if its_leads.size:
            made = baselines.forecast(name, bench.analysis, init_time, its_leads, members, baseline_seed(init_time))
            sums[name] = bench.score(forecaster, made[[str(channel) for channel in forecast.data_vars]])
    return sums


def _system_of(judge: VerificationRequest, run: RunDirectory) -> System:
    """The system that a run was made by, with the regions and baselines of the named one, which may be newer."""
    made_by = run_system(run)
    if judge.system is None:
        return made_by
    if judge.system.name != made_by.name:
        raise ConfigurationError(f"run {run.path}: expected a run of '{judge.system.name}', found '{made_by.name}'")
    return made_by.changed(verification=judge.system.verification)


def _baselines_file(home: Home, system: System, checkpoint: Path | None) -> Path | None:
    try:
        path = find_checkpoint(home, system, checkpoint) / BASELINES_FILE
    except ConfigurationError:
        return None
    return path if path.exists() else None


def _is_run(location: Path) -> bool:
    return location.is_dir() and CYCLE_NAME.fullmatch(location.resolve().name) is not None
