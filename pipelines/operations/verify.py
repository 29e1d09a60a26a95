"""Verifies existing forecasts: Plumecast's runs, which are published again with their scores, or anyone's files."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from data_catalog.archive.analysis import open_analysis
from data_catalog.archive.workers import Workers, in_order
from data_catalog.errors import ConfigurationError
from data_catalog.sources.locations import Location, parse_location
from forecast.products.files.proof import prove_run
from forecast.products.files.runs import RunDirectory
from forecast.system.system import System
from forecast.verification.cycle_scores import score_weights
from forecast.verification.evaluation_report import EvaluationReport, ScoredCycle, pooled, write_evaluation
from pipelines.runs.page import Background
from pipelines.runs.republish import is_run_directory, redraw_run
from pipelines.runs.run_system import run_system
from pipelines.runs.stage_log import logged
from pipelines.scoring.baselines import FittedBaselines, read_baselines
from pipelines.scoring.foreign_forecasts import forecaster_name, score_files
from pipelines.scoring.run_scores import score_run
from pipelines.scoring.scorer import Scorer, UnkeptCycle, keep_all
from pipelines.scoring.verification_request import VerificationRequest
from pipelines.workspace.analyses import find_analysis
from pipelines.workspace.checkpoints import BASELINES_FILE, find_baselines, find_checkpoint

logger = logging.getLogger("plumecast")


@dataclass(frozen=True)
class VerificationResult:
    """The result of a verification.

    Attributes:
        report: Scores pooled over all forecasts.
        score_archives: Score archives that hold the scores of each cycle.
    """

    report: EvaluationReport
    score_archives: tuple[Path, ...]


@dataclass(frozen=True)
class ScoredRun:
    """A run whose scores are nowhere yet.

    Attributes:
        run: The published run.
        scores: Its scores.
        background: Analysis and climatology that its page is drawn against.
    """

    run: RunDirectory
    scores: UnkeptCycle
    background: Background

    def publish(self) -> None:
        """Publish the run again, with its scores and a page that shows them."""
        redraw_run(self.run, self.background, partial(write_evaluation, pooled([self.scores.cycle])))


def verify(
    request: VerificationRequest, locations: Sequence[Location], workers: Workers | None = None
) -> VerificationResult:
    """Score forecasts into the score archive; a run also gets its own scores and a new page.

    Nothing is archived nor published before all of it is scored and known to fit together.

    Args:
        request: Analysis, system and score archive of the verification.
        locations: Runs, or ensemble files or URLs of any origin; files that share a start are joined.
        workers: What scores runs and cycles, several at once; None to score one after the other here.

    Raises:
        MissingDataError: The analysis does not reach the valid times yet.
        InvalidDataError: A forecast or the analysis is invalid, or the score archive holds different scores.
        ConfigurationError: The forecasts have different systems or sizes, or there is no analysis for a file.
    """
    places = [parse_location(location) for location in locations]
    directories = [place for place in places if isinstance(place, Path) and is_run_directory(place)]
    files = [place for place in places if place not in directories]
    name = request.forecaster or forecaster_name(files)
    foreign = score_files(request, files, name, workers) if files else []
    runs = list(in_order(workers, partial(scored_run, request), map(RunDirectory.at, directories)))
    report = pooled([*_each_start_once(runs), *(each.cycle for each in foreign)])
    keep_all([scores for each in (*(run.scores for run in runs), *foreign) for scores in each.unkept])
    for run in runs:
        run.publish()
    archives = [request.score_archive(run.run.system_name) for run in runs]
    archives += [request.score_archive(name)] * bool(files)
    return VerificationResult(report, tuple(dict.fromkeys(archives)))


def _each_start_once(runs: Sequence[ScoredRun]) -> list[ScoredCycle]:
    """Scores of runs, without those of a second run of one start, which has the same scores, or is refused later."""
    scored: dict[tuple[np.datetime64, str, str, str], ScoredCycle] = {}
    for run in runs:
        cycle = run.scores.cycle
        made_by = (cycle.init_time, cycle.system_name, cycle.model_id, cycle.system_hash)
        if made_by in scored:
            path = run.run.path
            logger.warning("run %s: its start is that of another run with the same scores, and counts once", path)
        scored.setdefault(made_by, cycle)
    return list(scored.values())


def verify_run(request: VerificationRequest, run: RunDirectory, workers: Workers | None = None) -> ScoredCycle:
    """Score a run into the score archive, and publish it again with its scores and a page that shows them.

    Args:
        request: Analysis, system and score archive of the verification.
        run: The published run.
        workers: What scores it; None to score it here.

    Raises:
        MissingDataError: The analysis does not reach the valid times yet.
        InvalidDataError: The run was altered, the analysis is invalid, or the score archive holds different scores.
        ConfigurationError: The run belongs to another system than the request names.
    """
    with logged(run, "verify", run.scores):
        (scored,) = in_order(workers, partial(scored_run, request), [run])
        keep_all(scored.scores.unkept)
        scored.publish()
    return scored.scores.cycle


def scored_run(request: VerificationRequest, run: RunDirectory) -> ScoredRun:
    """Score a run, and leave it and the score archive as they are.

    Args:
        request: Analysis, system and score archive of the verification.
        run: The published run.

    Raises:
        MissingDataError: The analysis does not reach the valid times yet.
        InvalidDataError: The run was altered, or the analysis is invalid.
        ConfigurationError: The run belongs to another system than the request names.
    """
    manifest = prove_run(run.path)
    system = _verifying_system(request, run)
    location = find_analysis(request.home, system, request.analysis)
    analysis = open_analysis(location, system.state.predictands)
    baselines = _existing_baselines(request, system)
    weights = score_weights(system, analysis, location)
    scorer = Scorer(f"run {run.path}", analysis, weights, request.score_archive(run.system_name))
    scores = score_run(run, manifest, system, scorer, baselines)
    return ScoredRun(run, scores, Background(analysis, None if baselines is None else baselines.baselines))


def _verifying_system(request: VerificationRequest, run: RunDirectory) -> System:
    """Return the system that made a run, with the regions and baselines of the requested system, which may be newer."""
    made_by = run_system(run)
    if request.system is None:
        return made_by
    if request.system.name != made_by.name:
        raise ConfigurationError(f"run {run.path}: expected a run of '{request.system.name}', found '{made_by.name}'")
    return made_by.changed(verification=request.system.verification)


def _existing_baselines(request: VerificationRequest, system: System) -> FittedBaselines | None:
    try:
        path = find_baselines(find_checkpoint(request.home, system, request.checkpoint))
    except ConfigurationError:
        logger.warning("Scored without baselines: no checkpoint of '%s' with %s", system.name, BASELINES_FILE)
        return None
    return read_baselines(path)
