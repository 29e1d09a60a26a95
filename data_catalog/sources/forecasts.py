"""Forecasts of weather centres, by the dataset that holds the analyses of the same model."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr

from data_catalog.catalog import DatasetEntry
from data_catalog.errors import ConfigurationError
from data_catalog.layout.times import iso
from data_catalog.layout.variables import channel
from data_catalog.sources.ecmwf_open_data import ecmwf_forecast
from data_catalog.sources.gefs import gefs_forecast
from data_catalog.sources.gfs import gfs_forecast
from data_catalog.sources.grib.analyses import HOURS_BETWEEN
from data_catalog.sources.grib.forecasts import ForecastFile, open_forecast_files

ENSEMBLES = {"ecmwf-open-data": 51, "gefs": 31}
"""Members of each source's ensemble, the control among them."""
FORECAST_SOURCES = (*ENSEMBLES, "gfs")
_LEADS = {"ecmwf-open-data": (3, 144, 6), "gefs": (3, 240, 6), "gfs": (1, 120, 3)}
"""By source: hours between lead times, up to which lead time, and hours between later ones."""


@dataclass(frozen=True)
class ForecastRequest:
    """Which forecast is wanted, and what of it.

    Attributes:
        init_time: The start, UTC.
        lead_hours: Lead times, ascending.
        channels: Channels to read.
        members: How many members: the control and those that follow it; None for the single forecast.
    """

    init_time: np.datetime64
    lead_hours: tuple[int, ...]
    channels: tuple[str, ...]
    members: int | None = None


def open_remote_forecast(entry: DatasetEntry, request: ForecastRequest, location: str | None = None) -> xr.Dataset:
    """Open a forecast of the centre that a dataset comes from as a checked, lazy ensemble.

    Args:
        entry: Catalogue entry of the dataset of its analyses.
        request: Which forecast.
        location: Root of the store instead of the dataset's.

    Returns:
        Channels with dims (member, lead_time, latitude, longitude), one block a field.

    Raises:
        ConfigurationError: The source has no forecasts, or none of this start, these lead times or so many members.
        InvalidDataError: A file lacks a channel or a member, or is damaged.
        MissingDataError: The forecast is not published yet, or the store cannot be reached.
    """
    if entry.source not in FORECAST_SOURCES:
        raise ConfigurationError(
            f"{entry.name}: expected a dataset of {', '.join(FORECAST_SOURCES)}, which have forecasts, found source "
            f"'{entry.source}'"
        )
    _check(entry, request)
    place = location or entry.location
    if place is None:
        raise ConfigurationError(f"{entry.name}: expected the location of its data, found none (it has no default)")
    return open_forecast_files(
        place, partial(_files, entry.source, request), request.lead_hours, request.channels, request.init_time
    )


def _files(source: str, request: ForecastRequest, leads: Sequence[int]) -> Sequence[Sequence[ForecastFile]]:
    start = request.init_time
    if source == "gfs":
        return gfs_forecast(start, leads)
    return (ecmwf_forecast if source == "ecmwf-open-data" else gefs_forecast)(start, leads, request.members)


def _check(entry: DatasetEntry, request: ForecastRequest) -> None:
    hour = int(request.init_time.astype("M8[m]").astype(int) % (60 * HOURS_BETWEEN))
    if hour:
        raise ConfigurationError(f"--init: expected 00, 06, 12 or 18 UTC, found {iso(request.init_time)}")
    most = ENSEMBLES.get(entry.source)
    if request.members is not None and (most is None or not 2 <= request.members <= most):
        there = f"2 to {most}" if most else "no --members, as there is no ensemble"
        raise ConfigurationError(f"{entry.name}: --members: expected {there}, found {request.members}")
    every = _LEADS[entry.source]
    odd = [lead for lead in request.lead_hours if not _is_lead(lead, every)]
    if odd:
        raise ConfigurationError(f"{entry.name}: expected lead times {_in_words(every)}, found {odd[0]} h")
    for name in request.channels:
        _check_channel(entry, name, request.lead_hours)


def _check_channel(entry: DatasetEntry, name: str, leads: Sequence[int]) -> None:
    hours, short = channel(name).variable.accumulation_hours, channel(name).variable.short_name
    if channel(name).variable.static or (hours and short != f"tp{hours}"):
        raise ConfigurationError(
            f"{entry.name}: --channel: expected fields of a moment or precipitation over some hours, found {name}"
        )
    if hours is None:
        return
    early = [lead for lead in leads if lead < hours]
    if early:
        raise ConfigurationError(f"{entry.name}: {name}: expected lead times of {hours} h and more, found {early[0]} h")
    every = _LEADS[entry.source]
    odd = [lead for lead in leads if not _is_lead(lead - hours, every)]
    if odd:
        raise ConfigurationError(
            f"{entry.name}: {name} at {odd[0]} h: expected its {hours} h to begin at a lead time {_in_words(every)}, "
            f"found {odd[0] - hours} h"
        )


def _is_lead(hours: int, every: tuple[int, int, int]) -> bool:
    step, until, later = every
    return hours % (step if hours <= until else later) == 0


def _in_words(every: tuple[int, int, int]) -> str:
    step, until, later = every
    return f"every {step} h up to {until} h, then every {later} h"
