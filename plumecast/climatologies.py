"""Climatologies as datasets, and departures from them."""

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from data_catalog.archive import climatology as climatology_files
from data_catalog.statistics import daily_climatology
from pipelines.workspace.datasets import known_names
from pipelines.workspace.home import home as find_home


def open_climatology(archive: str | Path, *, home: str | Path | None = None) -> xr.Dataset:
    """Open the climatology of an archive, lazily: mean, spread and quantiles by hour of the day and day of the year.

    `plumecast climatology DATASET` makes it. It is refused once values of its period have changed.

    Args:
        archive: Name of a dataset of the catalogue, or directory of an archive (`<dataset>.zarr`).
        home: Directory that holds `archives/`; None for PLUMECAST_HOME, or else ./plumecast-data.

    Returns:
        For each channel, such as `t2m`, its mean `t2m`, standard deviation `t2m_std` and quantiles `t2m_quantile`, in
        SI units, dims ([quantile,] hour, dayofyear, latitude, longitude); days of the year count from 1.

    Raises:
        MissingDataError: There is no archive, or no climatology of it.
        InvalidDataError: The archive's values of the period have changed since it was made, or it is damaged.
    """
    place = find_home(None if home is None else Path(home))
    is_name = str(archive) in known_names(place)
    return climatology_files.open_climatology(place.archive(str(archive)) if is_name else Path(archive).expanduser())


def climatology_at(climatology: xr.Dataset, times: ArrayLike) -> xr.Dataset:
    """Return a climatology at given times.

    Args:
        climatology: From `open_climatology`.
        times: Times of any year (datetime64), at hours of the day that the climatology has.

    Returns:
        Its variables along `time` in place of `hour` and `dayofyear`.

    Raises:
        InvalidDataError: A time is at another hour of the day.
    """
    return daily_climatology.climatology_at(climatology, np.asarray(times, "datetime64[ns]"))


def anomalies(analysis: xr.Dataset, climatology: xr.Dataset, *, standardised: bool = False) -> xr.Dataset:
    """Return the departures of an analysis from its climatology.

    Args:
        analysis: Channels along `time`; those that the climatology lacks are left out.
        climatology: From `open_climatology`, on the same grid.
        standardised: Whether to divide by the climatology's standard deviation.

    Raises:
        InvalidDataError: They share no channel, lie on different grids, or a time is at an hour without climatology.
    """
    return daily_climatology.anomalies(analysis, climatology, standardised=standardised)
