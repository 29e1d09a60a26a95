"""Scores of forecasts that exist: Plumecast's runs, or anyone's ensemble files."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from data_catalog.archive import open_analysis
from data_catalog.errors import ConfigurationError
from forecast.products.manifest import extend_manifest, read_manifest
from forecast.products.netcdf import open_forecast
from forecast.products.runs import CYCLE_NAME, RunDirectory
from forecast.system import System
from forecast.verification.baselines import Baselines, load_baselines
from forecast.verification.evaluation import EvaluationSums
from pipelines import staging
from pipelines.analyses import find_analysis, scalar
from pipelines.drawing import Surroundings, draw_run
from pipelines.evaluating import evaluation_json, score_cycle
from pipelines.home import Home
from pipelines.locking import held
from pipelines.publishing import run_system
from pipelines.score_tables import MODEL, write_evaluation
from pipelines.systems import BASELINES_FILE, find_checkpoint

logger = logging.getLogger("plumecast")

FOREIGN = "forecast"


@dataclass(frozen=True)
class Scored:
    """Sums of one cycle, ready to be merged with those of others.

    Attributes:
        system_name: Whose forecast it is.
        model_id: Of the model, or empty when it is not ours.
        members: Size of the ensemble.
        init_time: Start of the forecast.
        last_time: Last valid time.
        sums: By forecaster: the forecast first, then the baselines.
    """

    system_name: str
    model_id: str
    members: int
    init_time: np.datetime64
    last_time: np.datetime64
    sums: dict[str, EvaluationSums]


def verify(home: Home, locations: Sequence[Path], analysis: Path | None = None) -> dict[str, Any]:
    """Score forecasts; a run also gets its own scores and a fresh page.

    Args:
        home: Where archives and checkpoints are looked for.
        locations: Runs, or ensemble files of any origin.
        analysis: Archive or file to judge by; the archive of a run's dataset when None.

    Returns:
        The evaluation JSON of the design's contract 6 over all of them.

    Raises:
        MissingDataError: The analysis does not reach the valid times yet.
        InvalidDataError: A forecast or the analysis must not be believed.
        ConfigurationError: Forecasts of different systems or sizes, or a file without an analysis to judge it by.
    """
    scored: list[Scored] = []
    for location in locations:
        if _is_run(location):
            scored.append(verify_run(home, RunDirectory.at(location), analysis))
        else:
            scored += score_file(location, analysis)
    return pooled(scored)


def verify_run(home: Home, run: RunDirectory, analysis: Path | None = None, checkpoint: Path | None = None) -> Scored:
    """Score a run and publish it again with its scores and a page that shows them."""
    system = run_system(run)
    scored = score_run(home, run, analysis, checkpoint)
    with held(staging.lock_path(run), f"run {run.path}"):
        stage = staging.begin_from(run)
        write_evaluation(pooled([scored]), stage.scores)
        around = Surroundings(find_analysis(home, system, analysis), _baselines_file(home, system, checkpoint))
        draw_run(stage, system, around)
        extend_manifest(stage.path, staging.drawn(stage))
        staging.publish(run)
    return scored


def score_run(home: Home, run: RunDirectory, analysis: Path | None = None, checkpoint: Path | None = None) -> Scored:
    """Score a run, with the baselines beside its system's checkpoint if there are any.

    Args:
        home: Where archive and checkpoint are looked for.
        run: A published run.
        analysis: Archive or file to judge by, in place of the archive.
        checkpoint: Directory that holds the baselines, in place of the found one.
    """
    system = run_system(run)
    location = find_analysis(home, system, analysis)
    verifying = open_analysis(location, system.state.predictands)
    model_id = str(read_manifest(run.path)["model_id"])
    with open_forecast(run.path) as forecast:
        return _score(run.system_name, model_id, MODEL, forecast, verifying, _baselines(home, system, checkpoint))


def score_file(path: Path, analysis: Path | None) -> Iterator[Scored]:
    """Score every cycle of an ensemble file or store of any origin.

    Raises:
        ConfigurationError: No analysis was named.
    """
    if analysis is None:
        raise ConfigurationError(f"verification of {path}: expected an analysis named with --analysis, found none")
    with open_forecast(path) as forecasts:
        verifying = open_analysis(analysis, [str(name) for name in forecasts.data_vars])
        stacked = forecasts if "init_time" in forecasts.dims else forecasts.expand_dims("init_time")
        for index in range(stacked.sizes["init_time"]):
            yield _score(path.stem, "", FOREIGN, stacked.isel(init_time=index), verifying, None)


def pooled(scored: Sequence[Scored]) -> dict[str, Any]:
    """The evaluation JSON over several cycles.

    Raises:
        ConfigurationError: They are of different systems or sizes.
    """
    for name, values in (
        ("members", {part.members for part in scored}),
        ("forecasters", {tuple(part.sums) for part in scored}),
        ("model", {part.model_id for part in scored}),
    ):
        if len(values) > 1:
            raise ConfigurationError(f"verification: expected forecasts with the same {name}, found {sorted(values)}")
    names = list(scored[0].sums)
    sums = {name: reduce(EvaluationSums.merge, [part.sums[name] for part in scored]) for name in names}
    period = (min(part.init_time for part in scored), max(part.last_time for part in scored))
    first = scored[0]
    return evaluation_json(first.system_name, first.model_id, period, len(scored), first.members, sums)


def _score(
    system_name: str,
    model_id: str,
    forecaster: str,
    forecast: xr.Dataset,
    analysis: xr.Dataset,
    baselines: Baselines | None,
) -> Scored:
    names = (forecaster, *(baselines.kinds if baselines is not None else ()))
    sums = score_cycle(names, forecast, analysis, baselines)
    init_time = scalar(forecast["init_time"])
    last_time = init_time + forecast["lead_time"].values.max()
    return Scored(system_name, model_id, forecast.sizes["member"], init_time, last_time, sums)


def _baselines(home: Home, system: System, checkpoint: Path | None) -> Baselines | None:
    path = _baselines_file(home, system, checkpoint)
    if path is None:
        logger.warning("Scored without baselines: no checkpoint of '%s' with %s", system.name, BASELINES_FILE)
        return None
    return load_baselines(path)


def _baselines_file(home: Home, system: System, checkpoint: Path | None) -> Path | None:
    try:
        path = find_checkpoint(home, system, checkpoint) / BASELINES_FILE
    except ConfigurationError:
        return None
    return path if path.exists() else None


def _is_run(location: Path) -> bool:
    return location.is_dir() and CYCLE_NAME.fullmatch(location.resolve().name) is not None
