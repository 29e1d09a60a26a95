"""ERA5 from the Copernicus Climate Data Store, which makes a file of each request, of a month each, in a queue of jobs.

Days that are only in the preliminary release, ERA5T, are said to be so. Source: Copernicus Climate Change Service,
"ERA5 hourly data on single levels" and "... on pressure levels", doi:10.24381/cds.adbb2d47, doi:10.24381/cds.bd0915c6
"""

import importlib.util
import os
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.clock import utc_today
from data_catalog.errors import ConfigurationError, MissingDataError
from data_catalog.sources.absences import Absence, with_absences
from data_catalog.sources.cds.demands import Demand, days_until, demands_for, options_of, static_demand
from data_catalog.sources.cds.jobs import Jobs, Result
from data_catalog.sources.cds.results import open_results, preliminary_times
from data_catalog.sources.cds.service import Service
from data_catalog.sources.files import combine
from data_catalog.sources.releases import with_preliminary

Grid = tuple[NDArray[np.float64], NDArray[np.float64]]
_OF_A_SURFACE = {"z": "geopotential_at_surface"}
_MEMBERS_EVERY_H = 3


def open_cds(
    location: str,
    channels: Sequence[str],
    static: Sequence[str] = (),
    *,
    step_hours: int,
    start: date,
    end: date | None = None,
    grid: Grid | None = None,
    members: int | None = None,
) -> xr.Dataset:
    """Ask for ERA5 on some days, wait for the jobs, and open what came as a checked, lazy analysis.

    Args:
        location: Address of the API: `https://cds.climate.copernicus.eu/api`, or that of a replica.
        channels: Channels to read.
        static: Channels without time, `orography` and `lsm`.
        step_hours: Hours between times.
        start: First time.
        end: Last time, inclusive; None for the latest.
        grid: Latitudes and longitudes to ask for; None for the store's own grid.
        members: 10 for the members of the ensemble of data assimilations; None for the analysis.

    Returns:
        The analysis; it says which times are preliminary, and of which days nothing is published yet.

    Raises:
        ConfigurationError: A channel is none of the store's, the key is refused, or a licence is not accepted.
        InvalidDataError: A request is refused, or what came is damaged.
        MissingDataError: Nothing is there yet, or a job failed or takes too long: it goes on, and is waited for again.
    """
    today = utc_today()
    days = days_until(_day(start), today if end is None else _day(end), today)
    if members and step_hours % _MEMBERS_EVERY_H:
        raise ConfigurationError(
            f"{location}: expected a step that is a multiple of 3 h of members, found {step_hours} h"
        )
    if not days:
        raise MissingDataError(f"{location}: expected days up to five days ago, found {start} on; try again later")
    data_format = "grib" if importlib.util.find_spec("eccodes") else "netcdf"
    options = options_of(grid, members=members, data_format=data_format, where=location)
    demands = demands_for(channels, days, step_hours, options, where=location)
    constant = [static_demand(static, options, where=location)] if static else []
    there, lacking = Jobs(Service(location), _directory(location)).results([*demands, *constant])
    timed = [one for one in there if one.demand not in constant]
    if not timed:
        raise MissingDataError(f"{location}: expected days from {days[0]} to {days[-1]}, found none: {lacking[0][1]}")
    analysis = _joined(timed, [one for one in there if one.demand in constant], channels, static, location)
    return with_absences(analysis, [_absence(demand, said) for demand, said in lacking])


def _joined(
    timed: Sequence[Result],
    constant: Sequence[Result],
    channels: Sequence[str],
    static: Sequence[str],
    location: str,
) -> xr.Dataset:
    """The analysis of all results; it says which times are preliminary."""
    is_ensemble = "ensemble_members" in dict(timed[0].demand.options)["product_type"]
    opened = [part for one in timed for part in open_results(one.path, ensemble=is_ensemble)]
    fixed = [(file, _at_surface(part)) for one in constant for file, part in open_results(one.path, ensemble=False)]
    analysis = combine([*opened, *fixed], channels, static, location, ensemble=is_ensemble)
    preliminary = np.unique(np.concatenate([preliminary_times(one.path) for one in timed]))
    return with_preliminary(analysis, preliminary[np.isin(preliminary, analysis["time"].values)])


def _at_surface(part: xr.Dataset) -> xr.Dataset:
    """Name fields of the surface for what they are, where NetCDF calls them like those of levels."""
    return part.rename({name: new for name, new in _OF_A_SURFACE.items() if name in part})


def _absence(demand: Demand, said: str) -> Absence:
    return Absence(f"{demand.days[0]}T00:00:00", f"{demand.days[-1]}T23:59:59", f"not published yet: {said}")


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _directory(location: str) -> Path:
    """Where jobs and results at an address are kept."""
    home = Path(os.environ.get("PLUMECAST_HOME") or "plumecast-data")
    return home / "requests" / urlsplit(location).netloc.replace(":", "-")
