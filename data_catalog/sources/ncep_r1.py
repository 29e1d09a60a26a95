"""NCEP/NCAR Reanalysis 1 at NOAA's Physical Sciences Laboratory: a NetCDF file for each variable and year, over HTTP.

Only the levels and days that are wanted are fetched. Latitudes descend, heights are in metres, and the file of the
current year grows. Source: PSL, "NCEP/NCAR Reanalysis 1"; Kalnay et al. (1996)
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import xarray as xr

from data_catalog.clock import utc_today
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.layout.coordinates import at_times
from data_catalog.layout.variables import channel
from data_catalog.sources.files import combine
from data_catalog.sources.reading import in_blocks
from data_catalog.sources.remote_files import MissingObjectError, in_parallel
from data_catalog.sources.remote_netcdf import remote_netcdf_dataset

_BLOCK_BYTES = 512 * 1024


class YearlyFile(NamedTuple):
    """The files of one variable.

    Attributes:
        path: Path below the root, before the year.
        name: What the files call the variable.
    """

    path: str
    name: str


FILES = {
    "z": YearlyFile("pressure/hgt", "hgt"),
    "t": YearlyFile("pressure/air", "air"),
    "u": YearlyFile("pressure/uwnd", "uwnd"),
    "v": YearlyFile("pressure/vwnd", "vwnd"),
    "w": YearlyFile("pressure/omega", "omega"),
    "q": YearlyFile("pressure/shum", "shum"),
    "r": YearlyFile("pressure/rhum", "rhum"),
    "msl": YearlyFile("surface/slp", "slp"),
    "sp": YearlyFile("surface/pres.sfc", "pres"),
    "tcwv": YearlyFile("surface/pr_wtr.eatm", "pr_wtr"),
    "tsig995": YearlyFile("surface/air.sig995", "air"),
    "t2m": YearlyFile("surface_gauss/air.2m.gauss", "air"),
    "u10": YearlyFile("surface_gauss/uwnd.10m.gauss", "uwnd"),
    "v10": YearlyFile("surface_gauss/vwnd.10m.gauss", "vwnd"),
}
"""By short name. Those below `surface_gauss` are on a Gaussian grid, and no dataset has channels of both grids."""


def open_ncep_r1(
    location: str,
    channels: Sequence[str],
    static: Sequence[str] = (),
    *,
    step_hours: int,
    start: date,
    end: date | None = None,
) -> xr.Dataset:
    """Open some years as a checked, lazy analysis.

    Args:
        location: Folder above `pressure` and `surface`: `https://downloads.psl.noaa.gov/Datasets/ncep.reanalysis/Dailies`
            for daily means, `.../ncep.reanalysis` for every 6 hours, or a mirror.
        channels: Channels to read.
        static: None; fields without time lie elsewhere.
        step_hours: Hours between times, a multiple of those of the files.
        start: First time.
        end: Last time, inclusive; None for now.

    Raises:
        ConfigurationError: A channel, or any static one, is none of the files.
        InvalidDataError: A file is no such file, or the years of two channels differ.
        MissingDataError: None of the years is there, or the server cannot be reached.
    """
    _check_names([*channels, *static], location)
    last = utc_today().year if end is None else end.year
    years = [
        (name, year)
        for name in dict.fromkeys(channel(one).variable.short_name for one in channels)
        for year in range(start.year, last + 1)
    ]
    opened = in_parallel(lambda one: _opened(location.rstrip("/"), *one), years)
    found = [one for one in opened if one is not None]
    if not found:
        raise MissingDataError(f"{location}: expected files of {start.year} to {last}, found none")
    analysis = combine(found, channels, (), location)
    hours = analysis["time"].values.astype("M8[h]").astype(np.int64)
    return at_times(analysis, np.flatnonzero(hours % step_hours == 0))


def _check_names(names: Sequence[str], where: str) -> None:
    for name in names:
        if channel(name).variable.short_name not in FILES:
            raise ConfigurationError(f"{where}: expected channels of {', '.join(FILES)}, found {name}")


def _opened(location: str, name: str, year: int) -> tuple[str, xr.Dataset] | None:
    """One file under our name of its variable, or None if it is not there."""
    file = FILES[name]
    url = f"{location}/{file.path}.{year}.nc"
    try:
        dataset = remote_netcdf_dataset(url)
    except MissingObjectError:
        return None
    if file.name not in dataset:
        raise InvalidDataError(f"{url}: expected the variable {file.name}, found {', '.join(map(str, dataset))}")
    field = dataset[file.name].rename(name)
    if "level" in field.dims and not file.path.startswith("pressure/"):
        field = field.isel(level=0, drop=True)
    return url, in_blocks(field.to_dataset(), url, block_bytes=_BLOCK_BYTES)
