"""Ensemble files of any origin scored."""

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import xarray as xr

from data_catalog.archive.analysis import open_analysis
from data_catalog.errors import ConfigurationError, MissingDataError
from data_catalog.layout.times import iso
from forecast.products.files.forecast_reading import open_forecast
from forecast.verification.archive.files import NAME
from forecast.verification.cycle_scores import absent_times, score_weights
from forecast.verification.evaluation_report import ScoredCycle
from pipelines.scoring.forecasters import Forecaster
from pipelines.scoring.scorer import Scorer, scored_cycle
from pipelines.scoring.verification_request import VerificationRequest
from pipelines.workspace.analyses import find_analysis, scalar

logger = logging.getLogger("plumecast")
FOREIGN = "forecast"


def score_file(request: VerificationRequest, path: Path, name: str) -> Iterator[ScoredCycle]:
    """Score every cycle of an ensemble file or store of any origin into the score archive.

    Cycles whose analyses are not all there are left out, with a warning.

    Args:
        request: What the forecasts are scored against.
        path: NetCDF file or Zarr store.
        name: Name of the forecaster in the score archive.

    Raises:
        ConfigurationError: No analysis was named.
        MissingDataError: No cycle has all its analyses.
    """
    location = _foreign_analysis(request, path)
    with open_forecast(path) as opened:
        channels = _chosen_channels(request, opened, path)
        analysis = open_analysis(location, channels)
        weights = score_weights(request.system, analysis, location)
        cycles = opened[channels]
        cycles = cycles if "init_time" in cycles.dims else cycles.expand_dims("init_time")
        members = cycles.sizes["member"]
        if members == 1:
            logger.warning("%s: one member, which has no fair CRPS and no spread: these are null", path)
        scorer = Scorer(f"forecast {path}", analysis, weights, request.score_archive(name))
        forecaster = Forecaster(name, about={"members": str(members)})
        for index in _verifiable(cycles, analysis, path):
            forecast = cycles.isel(init_time=index)
            cycle = scorer.cycle(scalar(forecast["init_time"]), channels, forecast["lead_time"].values)
            yield scored_cycle(path.stem, forecast, {FOREIGN: cycle.score(forecaster, forecast)})


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


def _chosen_channels(request: VerificationRequest, forecasts: xr.Dataset, path: Path) -> list[str]:
    has = [str(name) for name in forecasts.data_vars]
    for name in request.channels:
        if name not in has:
            raise ConfigurationError(f"--channel: expected one of {', '.join(has)} of {path}, found '{name}'")
    return list(request.channels) or has


def _foreign_analysis(request: VerificationRequest, path: Path) -> Path:
    if request.system is not None:
        return find_analysis(request.home, request.system, request.analysis)
    if request.analysis is None:
        raise ConfigurationError(f"verification of {path}: expected an analysis named with --analysis, found none")
    return request.analysis


def forecaster_name(files: Sequence[Path]) -> str:
    """Name of forecasts from elsewhere in a score archive: that of the file, or of the directory of several files."""
    if not files:
        return FOREIGN
    words = files[0].stem if len(files) == 1 else files[0].resolve().parent.name
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", words).strip("-._")
    return name if NAME.fullmatch(name) else FOREIGN
