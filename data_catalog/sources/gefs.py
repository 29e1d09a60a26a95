"""Analyses of NOAA's Global Ensemble Forecast System: the fields at step 0 of its members, from a public bucket.

Source: NOAA Open Data Dissemination, `noaa-gefs-pds`; GEFS 12 implementation notice of September 2020
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import xarray as xr

from data_catalog.sources.grib.analyses import Address, Layout, likely_layouts, open_analyses, wanted_times
from data_catalog.sources.grib.forecasts import ForecastFile, ReadMembers
from data_catalog.sources.grib.inventory import read_inventory

_CONTROL = "gec00"
LAYOUTS = (
    Layout(np.datetime64("2017-01-01T00", "h"), "gefs.{day}/{hour}/@.t{hour}z.pgrb2af{lead:03d}"),
    Layout(np.datetime64("2018-07-27T00", "h"), "gefs.{day}/{hour}/pgrb2a/@.t{hour}z.pgrb2af{lead:02d}"),
    Layout(np.datetime64("2020-09-23T12", "h"), "gefs.{day}/{hour}/atmos/pgrb2ap5/@.t{hour}z.pgrb2a.0p50.f{lead:03d}"),
)
"""The earliest first; `@` stands for the member. Until September 2020 the grid has 1 degree, then half of it."""


def gefs_addresses(start: np.datetime64, member: int = 0, lead_hours: int = 0) -> list[Address]:
    """Return where the analysis of a time, or a forecast from it, may lie, the likeliest first.

    Args:
        start: Time of the analysis, UTC: 00, 06, 12 or 18 h.
        member: Number of the member; 0 for the control.
        lead_hours: Lead time; 0 for the analysis.
    """
    file = _CONTROL if member == 0 else f"gep{member:02d}"
    paths = [layout.path(start, lead_hours).replace("@", file) for layout in likely_layouts(LAYOUTS, start)]
    return [Address(path, f"{path}.idx") for path in paths]


def open_gefs(
    location: str,
    channels: Sequence[str],
    static: Sequence[str] = (),
    *,
    step_hours: int,
    start: date,
    end: date | None = None,
    members: int | None = None,
) -> xr.Dataset:
    """Open the analyses of some days, of the control or of several members; those that are not there are holes.

    Args:
        location: Root of the bucket: `s3://noaa-gefs-pds`, `gs://gfs-ensemble-forecast-system`, or a mirror over HTTP.
        channels: Channels to read.
        static: Channels without time, which are read from the first analysis.
        step_hours: Hours between times, a multiple of 6.
        start: First time.
        end: Last time, inclusive (for a date, the whole day); None for now.
        members: How many members each analysis has: the control and those that follow it; None for the control alone.

    Raises:
        ConfigurationError: The step is no multiple of 6 hours.
        InvalidDataError: A file lacks a channel.
        MissingDataError: None of these times is there, or the store cannot be reached.
    """
    starts = wanted_times(start, end, step_hours, where=location)
    return open_analyses(
        location,
        channels,
        static,
        starts=starts,
        addresses=gefs_addresses,
        read_index=read_inventory,
        members=members,
    )


def gefs_forecast(start: np.datetime64, leads: Sequence[int], members: int | None) -> list[list[ForecastFile]]:
    """Return the files of a forecast, those of the control apart from those of perturbed members.

    Args:
        start: Start of the forecast, UTC.
        leads: Lead times, hours.
        members: How many: the control and those that follow it; None for the control alone.
    """
    return [
        [
            ForecastFile(tuple(gefs_addresses(start, member, lead)), lead, (member,), _reader(member, lead))
            for member in numbers
            for lead in leads
        ]
        for numbers in (range(1), range(1, members or 1))
        if numbers
    ]


def _reader(member: int, lead_hours: int) -> ReadMembers:
    return lambda content, what: {member: read_inventory(content, what, lead_hours)}
