"""Scores of forecasts that exist: Plumecast's runs, or anyone's ensemble files."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from data_catalog.archive import open_analysis
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.sources.reading import one_line
from data_catalog.sources.zarr_stores import AbsentChunkError
from forecast.products.manifest import extend_manifest, file_hash, read_manifest
from forecast.products.netcdf import open_forecast
from forecast.products.runs import CYCLE_NAME, RunDirectory
from forecast.system import System, parse_system
from forecast.verification.baselines import load_baselines
from forecast.verification.checks import UnscorableError
from forecast.verification.score_files import NAME
from pipelines import staging
from pipelines.analyses import find_analysis, initial_state_hash, scalar
from pipelines.clock import iso
from pipelines.drawing import Surroundings, draw_run
from pipelines.home import Home
from pipelines.locking import held
from pipelines.publishing import run_system
from pipelines.score_keeping import Forecaster, baseline_forecasters, judged_by, keep, model_forecaster
from pipelines.score_tables import write_evaluation
from pipelines.scoring import (
    ScoredCycle,
    absent_times,
    baseline_seed,
    pooled,
    score_forecast,
    score_weights,
    verifying_analysis,
)
from pipelines.systems import BASELINES_FILE, find_checkpoint

logger = logging.getLogger("plumecast")

FOREIGN = "forecast"
UNREADABLE = (OSError, RuntimeError, AbsentChunkError)
"""What reading a damaged NetCDF file or Zarr store raises."""


@dataclass(frozen=True)
class Judge:
    """What forecasts are judged by, as far as it is named; the rest is found.

    Attributes:
        home: Where archives, checkpoints and score archives are looked for.
        analysis: Archive or file; the archive of the system's dataset when None.
        system: Whose regions, dataset and score archive to use; a run's own when None.
        scores: Score archive.
        checkpoint: Directory of the baselines.
        forecaster: Name of forecasts from elsewhere in the score archive.
        channels: Of forecasts from elsewhere; all that they have when empty.
    """

    home: Home
    analysis: Path | None = None
    system: System | None = None
    scores: Path | None = None
    checkpoint: Path | None = None
    forecaster: str | None = None
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verified:
    """What a verification leaves.

    Attributes:
        content: The evaluation JSON over all forecasts.
        score_archives: Where each cycle's scores are kept.
    """

    content: dict[str, Any]
    score_archives: tuple[Path, ...]


def verify(judge: Judge, locations: Sequence[Path]) -> Verified:
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
    name = judge.forecaster or _name_of([location for location in locations if not _is_run(location)])
    for location in locations:
        if _is_run(location):
            run = RunDirectory.at(location)
            scored.append(verify_run(judge, run))
            archives[_score_archive(judge, run.system_name)] = None
        else:
            scored += score_file(judge, location, name)
            archives[_score_archive(judge, name)] = None
    return Verified(pooled(scored), tuple(archives))


def verify_run(judge: Judge, run: RunDirectory) -> ScoredCycle:
    """Score a run into the score archive, and publish it again with its scores and a page that shows them."""
    system = _system_of(judge, run)
    scored = score_run(judge, run)
    with held(staging.lock_path(run), f"run {run.path}"):
        stage = staging.begin_from(run)
        write_evaluation(pooled([scored]), stage.scores)
        around = Surroundings(
            find_analysis(judge.home, system, judge.analysis), _baselines_file(judge.home, system, judge.checkpoint)
        )
        draw_run(stage, run_system(run), around)
        extend_manifest(stage.path, staging.drawn(stage))
        staging.publish(run)
    return scored


def score_run(judge: Judge, run: RunDirectory) -> ScoredCycle:
    """Score a run into the score archive, with the baselines beside its system's checkpoint if there are any."""
    system, manifest = _system_of(judge, run), read_manifest(run.path)
    location = find_analysis(judge.home, system, judge.analysis)
    analysis = open_analysis(location, system.state.predictands)
    weights = score_weights(system, analysis, location)
    bench = _Bench(f"run {run.path}", analysis, weights, _score_archive(judge, run.system_name))
    model_id = str(manifest["model_id"])
    with open_forecast(run.path) as forecast:
        model = model_forecaster(
            system,
            forecast["member"].values.tolist(),
            model_id=model_id,
            system_hash=str(manifest["system_hash"]),
            data_hash=str(manifest["data_hash"]),
            step_hours=int(manifest["delivered"]["lead_hours"][0]),
        )
        sums = {model.name: bench.score(model, forecast), **_score_baselines(judge, system, forecast, bench)}
        return _scored(run.system_name, forecast, sums, model_id=model_id, system_hash=str(manifest["system_hash"]))


def score_file(judge: Judge, path: Path, name: str) -> Iterator[ScoredCycle]:
    """Score every cycle of an ensemble file or store of any origin into the score archive.

    Cycles whose analyses are not all there are left out, and said.

    Raises:
        ConfigurationError: No analysis was named.
        MissingDataError: No cycle has all its analyses.
    """
    location = _foreign_analysis(judge, path)
    with open_forecast(path) as opened:
        channels = _chosen_channels(judge, opened, path)
        analysis = open_analysis(location, channels)
        weights = score_weights(judge.system, analysis, location)
        cycles = opened[channels]
        cycles = cycles if "init_time" in cycles.dims else cycles.expand_dims("init_time")
        members = cycles.sizes["member"]
        if members == 1:
            logger.warning("%s: one member, which has no fair CRPS and no spread: these are null", path)
        bench = _Bench(f"forecast {path}", analysis, weights, _score_archive(judge, name))
        forecaster = Forecaster(name, about={"members": str(members)})
        for index in _verifiable(cycles, analysis, path):
            forecast = cycles.isel(init_time=index)
            yield _scored(path.stem, forecast, {FOREIGN: bench.score(forecaster, forecast)})


@dataclass(frozen=True)
class _Bench:
    """Where forecasts of one origin are judged, and where their scores go."""

    where: str
    analysis: xr.Dataset
    weights: xr.DataArray
    archive: Path

    def score(self, forecaster: Forecaster, forecast: xr.Dataset) -> xr.DataArray:
        """Score one cycle, and keep it."""
        init_time, leads = scalar(forecast["init_time"]), forecast["lead_time"].values
        where = f"{self.where}, {forecaster.name} from {iso(init_time)}"
        verifying = verifying_analysis(self.analysis, [str(name) for name in forecast.data_vars], init_time, leads)
        try:
            sums = score_forecast(forecast, verifying, self.weights)
        except UnscorableError as error:
            raise UnscorableError(f"{where}: {error}") from error
        except UNREADABLE as error:
            raise InvalidDataError(f"{where}: expected readable values, found {one_line(error)}") from error
        keep(self.archive, forecaster, init_time, sums, judged_by(verifying))
        return sums


def _scored(
    system_name: str, forecast: xr.Dataset, sums: dict[str, xr.DataArray], *, model_id: str = "", system_hash: str = ""
) -> ScoredCycle:
    init_time = scalar(forecast["init_time"])
    last_time = init_time + forecast["lead_time"].values.max()
    return ScoredCycle(system_name, model_id, system_hash, forecast.sizes["member"], init_time, last_time, sums)


def _score_baselines(judge: Judge, system: System, forecast: xr.Dataset, bench: _Bench) -> dict[str, xr.DataArray]:
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


def _verifiable(cycles: xr.Dataset, analysis: xr.Dataset, path: Path) -> list[int]:
    """Cycles all of whose valid times have an analysis."""
    times, leads = cycles["init_time"].values, cycles["lead_time"].values
    absent = [absent_times(analysis, init_time, leads) for init_time in times]
    ready = [index for index, lacking in enumerate(absent) if not lacking.size]
    if not ready:
        raise MissingDataError(
            f"verification of {path}: expected an analysis at {iso(absent[0][0])}, found none "
            f"({absent[0].size} of {leads.size} valid times from {iso(times[0])} lack one)"
        )
    if len(ready) < len(times):
        first = next(time for time, lacking in zip(times, absent, strict=True) if lacking.size)
        logger.warning(
            "%s: %d of %d cycles lack an analysis and are left out, the first from %s",
            path, len(times) - len(ready), len(times), iso(first),
        )  # fmt: skip
    return ready


def _chosen_channels(judge: Judge, forecasts: xr.Dataset, path: Path) -> list[str]:
    has = [str(name) for name in forecasts.data_vars]
    for name in judge.channels:
        if name not in has:
            raise ConfigurationError(f"--channel: expected one of {', '.join(has)} of {path}, found '{name}'")
    return list(judge.channels) or has


def _foreign_analysis(judge: Judge, path: Path) -> Path:
    if judge.system is not None:
        return find_analysis(judge.home, judge.system, judge.analysis)
    if judge.analysis is None:
        raise ConfigurationError(f"verification of {path}: expected an analysis named with --analysis, found none")
    return judge.analysis


def _score_archive(judge: Judge, name: str) -> Path:
    return judge.scores or judge.home.score_archive(judge.system.name if judge.system is not None else name)


def _system_of(judge: Judge, run: RunDirectory) -> System:
    """The system that a run was made by, with the regions and baselines of the named one, which may be newer."""
    made_by = run_system(run)
    if judge.system is None:
        return made_by
    if judge.system.name != made_by.name:
        raise ConfigurationError(f"run {run.path}: expected a run of '{judge.system.name}', found '{made_by.name}'")
    content = {**made_by.model_dump(mode="json"), "verification": judge.system.verification.model_dump(mode="json")}
    return parse_system(content, origin=f"run {run.path}")


def _baselines_file(home: Home, system: System, checkpoint: Path | None) -> Path | None:
    try:
        path = find_checkpoint(home, system, checkpoint) / BASELINES_FILE
    except ConfigurationError:
        return None
    return path if path.exists() else None


def _name_of(files: Sequence[Path]) -> str:
    """Name of forecasts from elsewhere: that of the file, or of the directory that holds several."""
    if not files:
        return FOREIGN
    words = files[0].stem if len(files) == 1 else files[0].resolve().parent.name
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", words).strip("-._")
    return name if NAME.fullmatch(name) else FOREIGN


def _is_run(location: Path) -> bool:
    return location.is_dir() and CYCLE_NAME.fullmatch(location.resolve().name) is not None
