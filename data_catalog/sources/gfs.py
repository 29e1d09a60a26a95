"""Analyses of NOAA's Global Forecast System: the fields at step 0 of each forecast, from a public bucket.

Source: NOAA Open Data Dissemination, `noaa-gfs-bdp-pds`; GFS 16.0 implementation notice of March 2021
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import xarray as xr

from data_catalog.sources.grib.analyses import Address, Layout, likely_layouts, open_analyses, wanted_times
from data_catalog.sources.grib.forecasts import ForecastFile, ReadMembers
from data_catalog.sources.grib.inventory import read_inventory

LAYOUTS = (
    Layout(np.datetime64("2021-01-01T00", "h"), "gfs.{day}/{hour}/gfs.t{hour}z.pgrb2.0p25.f{lead:03d}"),
    Layout(np.datetime64("2021-03-22T12", "h"), "gfs.{day}/{hour}/atmos/gfs.t{hour}z.pgrb2.0p25.f{lead:03d}"),
)
"""The earliest first."""


def gfs_addresses(start: np.datetime64, _member: int = 0, lead_hours: int = 0) -> list[Address]:
    """Return where the analysis of a time, or a forecast from it, may lie, the likeliest first.

    Args:
        start: Time of the analysis, UTC: 00, 06, 12 or 18 h.
        _member: Not used: there are no members.
        lead_hours: Lead time; 0 for the analysis.
    """
    paths = [layout.path(start, lead_hours) for layout in likely_layouts(LAYOUTS, start)]
    return [Address(path, f"{path}.idx") for path in paths]


def open_gfs(
    location: str,
    channels: Sequence[str],
    static: Sequence[str] = (),
    *,
    step_hours: int,
    start: date,
    end: date | None = None,
) -> xr.Dataset:
    """Open the analyses of some days; those that are not there, such as those not yet published, are holes.

    Args:
        location: Root of the bucket: `s3://noaa-gfs-bdp-pds`, `gs://global-forecast-system`, or a mirror over HTTP.
        channels: Channels to read.
        static: Channels without time, which are read from the first analysis.
        step_hours: Hours between times, a multiple of 6.
        start: First time.
        end: Last time, inclusive (for a date, the whole day); None for now.

    Raises:
        ConfigurationError: The step is no multiple of 6 hours.
        InvalidDataError: A file lacks a channel.
        MissingDataError: None of these times is there, or the store cannot be reached.
    """
    starts = wanted_times(start, end, step_hours, where=location)
    return open_analyses(location, channels, static, starts=starts, addresses=gfs_addresses, read_index=read_inventory)


def gfs_forecast(start: np.datetime64, leads: Sequence[int]) -> list[list[ForecastFile]]:
    """Return the files of a forecast.

    Args:
        start: Start of the forecast, UTC.
        leads: Lead times, hours.
    """
    return [[ForecastFile(tuple(gfs_addresses(start, 0, lead)), lead, (0,), _reader(lead)) for lead in leads]]


def _reader(lead_hours: int) -> ReadMembers:
    return lambda content, what: {0: read_inventory(content, what, lead_hours)}
