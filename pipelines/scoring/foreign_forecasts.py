"""Ensemble files of any origin scored."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import xarray as xr

from data_catalog.archive.analysis import open_analysis
from data_catalog.archive.workers import Workers, in_order
from data_catalog.errors import ConfigurationError, MissingDataError, without_secrets
from data_catalog.layout.times import iso
from data_catalog.sources.locations import Location, parse_location
from data_catalog.suggestions import did_you_mean
from forecast.products.files.forecast_joining import join_forecasts
from forecast.products.files.forecast_reading import open_forecasts
from forecast.products.files.proof import CONDITIONS
from forecast.verification.archive.files import NAME
from forecast.verification.cycle_scores import absent_times, score_weights
from pipelines.scoring.forecasters import Forecaster
from pipelines.scoring.scorer import Scorer, UnkeptCycle, scored_cycle
from pipelines.scoring.verification_request import VerificationRequest
from pipelines.workspace.analyses import find_analysis, scalar

logger = logging.getLogger("plumecast")
FOREIGN = "forecast"


def score_files(
    request: VerificationRequest, locations: Sequence[Location], name: str, workers: Workers | None = None
) -> list[UnkeptCycle]:
    """Score every cycle of ensemble files or stores of any origin; files that share a start become one ensemble.

    Cycles whose analyses are not all there are left out, with a warning.

    Args:
        request: What the forecasts are scored against.
        locations: NetCDF or GRIB files, Zarr stores or URLs of such, at least one.
        name: Name of the forecaster in the score archive.
        workers: What scores cycles, several at once; None to score one after the other here.

    Returns:
        Scores that are not in the archive yet, of each cycle.

    Raises:
        ConfigurationError: No analysis was named, or there is no such channel.
        InvalidDataError: A forecast must not be believed, or files do not fit together.
        MissingDataError: No cycle has all its analyses.
    """
    named = [without_secrets(str(location)) for location in locations]
    origin = named[0] if len(named) == 1 else f"{named[0]} and {len(named) - 1} more"
    place = _foreign_analysis(request, origin)
    with ExitStack() as stack:
        files = {
            f"{location}{f' (part {number + 1})' * (number > 0)}": stack.enter_context(opened)
            for location in _each_once(locations)
            for number, opened in enumerate(open_forecasts(location))
        }
        if request.forecaster is None:
            _check_free(files)
        channels = _chosen_channels(request, files.values(), origin)
        chosen = {file: opened[[one for one in channels if one in opened]] for file, opened in files.items()}
        ensembles = join_forecasts({file: opened for file, opened in chosen.items() if opened.data_vars})
        members = _common_size(ensembles, origin)
        analysis = open_analysis(place, channels)
        weights = score_weights(request.system, analysis, place)
        scorer = Scorer(f"forecast {origin}", analysis, weights, request.score_archive(name))
        forecaster = Forecaster(name, about={"members": str(members)})
        system_name = Path(named[0].removesuffix("?...")).stem if len(locations) == 1 else name
        score = partial(_score, scorer, forecaster, system_name)
        return list(in_order(workers, score, _verifiable(ensembles, analysis, origin)))


def _score(scorer: Scorer, forecaster: Forecaster, system_name: str, forecast: xr.Dataset) -> UnkeptCycle:
    """Score one cycle, here or in a worker."""
    channels = list(map(str, forecast.data_vars))
    cycle = scorer.cycle(scalar(forecast["init_time"]), channels, forecast["lead_time"].values)
    unkept = cycle.unkept(forecaster, forecast)
    scored = scored_cycle(system_name, forecast, {FOREIGN: unkept.sums}, scored_points=cycle.scored_points)
    return UnkeptCycle(scored, (unkept,))


def _check_free(forecasts: Mapping[str, xr.Dataset]) -> None:
    """Refuse conditioned members under a name that free ones may have."""
    for file, opened in forecasts.items():
        if CONDITIONS in opened.attrs:
            raise ConfigurationError(
                f"{file}: expected a free forecast, found members made to meet {opened.attrs[CONDITIONS]}; "
                "verify its run directory, or name its scores with --forecaster"
            )


def _each_once(locations: Sequence[Location]) -> list[Location]:
    """Leave out a file that is named twice, and say so."""
    known: dict[Location, Location] = {}
    for location in locations:
        place = location.resolve() if isinstance(location, Path) else location
        if place in known:
            logger.warning("%s: named twice, counts once", location)
        known.setdefault(place, location)
    return list(known.values())


def _common_size(ensembles: Sequence[xr.Dataset], origin: str) -> int:
    """Number of members, which all cycles must share to be pooled."""
    sizes = {ensemble.sizes["member"]: scalar(ensemble["init_time"]) for ensemble in ensembles}
    if len(sizes) > 1:
        found = " and ".join(f"{size} from {iso(start)}" for size, start in sorted(sizes.items()))
        raise ConfigurationError(f"forecast {origin}: expected the same number of members everywhere, found {found}")
    (members,) = sizes
    if members == 1:
        logger.warning("%s: one member, which has no fair CRPS and no spread: these are null", origin)
    return members


def _verifiable(ensembles: Sequence[xr.Dataset], analysis: xr.Dataset, origin: str) -> list[xr.Dataset]:
    """Cycles all of whose valid times have an analysis."""
    absent = [absent_times(analysis, scalar(one["init_time"]), one["lead_time"].values) for one in ensembles]
    starts = [scalar(one["init_time"]) for one in ensembles]
    unready = sorted({start for start, lacking in zip(starts, absent, strict=True) if lacking.size})
    ready = [one for one, start in zip(ensembles, starts, strict=True) if start not in unready]
    if not ready:
        first, lacking = ensembles[0], absent[0] if absent[0].size else next(one for one in absent if one.size)
        raise MissingDataError(
            f"verification of {origin}: expected an analysis at {iso(lacking[0])}, found none "
            f"({lacking.size} of {first.sizes['lead_time']} valid times from {iso(starts[0])} lack one)"
        )
    if unready:
        logger.warning(
            "%s: %d of %d cycles lack an analysis and are left out, the first from %s",
            origin, len(unready), len(set(starts)), iso(unready[0]),
        )  # fmt: skip
    return ready


def _chosen_channels(request: VerificationRequest, forecasts: Iterable[xr.Dataset], origin: str) -> list[str]:
    has = list(dict.fromkeys(str(name) for forecast in forecasts for name in forecast.data_vars))
    for name in request.channels:
        if name not in has:
            raise ConfigurationError(
                f"--channel: expected one of {', '.join(has)} of {origin}, found '{name}'{did_you_mean(name, has)}"
            )
    return list(request.channels) or has


def _foreign_analysis(request: VerificationRequest, origin: str) -> Location:
    if request.system is not None:
        return find_analysis(request.home, request.system, request.analysis)
    if request.analysis is None:
        raise ConfigurationError(f"verification of {origin}: expected an analysis named with --analysis, found none")
    return parse_location(request.analysis)


def forecaster_name(files: Sequence[Location]) -> str:
    """Name of forecasts from elsewhere in a score archive: that of the file, or of the directory of several files.

    Args:
        files: Paths or URLs.
    """
    if not files:
        return FOREIGN
    first = Path(without_secrets(str(files[0])).removesuffix("?..."))
    words = first.stem if len(files) == 1 else first.resolve().parent.name
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", words).strip("-._")
    return name if NAME.fullmatch(name) else FOREIGN
