"""Climatology and persistence of any DataArray with `time`, without anything to fit and keep."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from data_catalog.errors import MissingDataError
from data_catalog.layout.times import iso
from data_catalog.statistics.climatology import evaluate_climatology, fit_climatology
from forecast.verification.baselines.past_dates import dates_of_season
from forecast.verification.checks import UnscorableError
from forecast.verification.datasets import for_each_variable


@for_each_variable
def climatological_mean(analysis: xr.DataArray, times: ArrayLike, *, harmonics: int = 3) -> xr.DataArray:
    """Mean seasonal cycle of an analysis at given times, such as the climatology of `acc`.

    Args:
        analysis: Field along `time` (datetime64, increasing) and any other dimensions: the training period.
        times: Times in any year, at hours of the day that the analysis holds: an array of one dimension, or a DataArray
            of any.
        harmonics: Number of annual harmonics besides the mean, for each hour of the day.

    Returns:
        Mean in the unit of `analysis`, float32, along `time` (or the dimensions of `times`) and its other dimensions.

    Raises:
        UnscorableError: The analysis has no times.
        InvalidDataError: It covers too little of the year, or lacks an hour of the day.

    Source: Narapusetty, DelSole and Tippett (2009), doi:10.1175/2009JCLI2944.1
    """
    _check_times(analysis)
    wanted = times if isinstance(times, xr.DataArray) else xr.DataArray(np.atleast_1d(np.asarray(times)), dims="time")
    places = [dim for dim in analysis.dims if dim != "time"]
    plain = xr.DataArray(analysis.variable, coords={"time": analysis["time"].variable}).to_dataset(name="field")
    mean = evaluate_climatology(fit_climatology(plain, harmonics=harmonics), wanted.values.ravel())["field"]
    mean = mean.transpose("time", *places)
    coords = {name: coord for name, coord in analysis.coords.items() if set(coord.dims) <= set(places)}
    values = mean.values.reshape(*wanted.shape, *mean.shape[1:])
    result = xr.DataArray(values, dims=[*wanted.dims, *places], coords=coords, name=analysis.name, attrs=analysis.attrs)
    own = {name: coord for name, coord in wanted.coords.items() if name not in coords}
    return result.assign_coords(own if isinstance(times, xr.DataArray) else {"time": wanted.values})


@for_each_variable
def climatology_forecast(
    analysis: xr.DataArray, init_time: ArrayLike, lead_time: ArrayLike, *, members: int | None = None
) -> xr.DataArray:
    """Climatology as an ensemble: the states of an analysis on past dates of the same season and hour of the day.

    Every year gives equally many members, as many dates as lie within 15 days on either side of the valid time. A year
    within which the valid time lies, half a year to either side, gives none, so that no forecast knows its outcome.

    Args:
        analysis: Field along `time` (datetime64, increasing) and any other dimensions; NumPy or Dask inside.
        init_time: Starts, datetime64, one or several.
        lead_time: Lead times, timedelta64, one or several.
        members: Number of members wanted; as many as every valid time has when None.

    Returns:
        Dims `member`, `init_time`, `lead_time`, then the others of `analysis`; in its unit.

    Raises:
        UnscorableError: The analysis has no times, or a valid time has too few dates of other years.
    """
    times = _check_times(analysis)
    starts, leads, valid = _valid_times(init_time, lead_time)
    chosen = [_other_years(times, time) for time in valid.ravel()]
    fewest = min(map(len, chosen))
    count = fewest if members is None else members
    if not 1 <= count <= fewest:
        when = iso(valid.ravel()[int(np.argmin([len(dates) for dates in chosen]))])
        raise UnscorableError(f"members: expected 1 to {fewest}, the dates of the season of {when}, found {members}")
    dates = np.stack([dates[:count] for dates in chosen], axis=0).reshape(*valid.shape, count)
    picked = analysis.drop_vars("time").isel(time=xr.DataArray(dates, dims=("init_time", "lead_time", "member")))
    labelled = picked.assign_coords(init_time=starts, lead_time=leads, member=np.arange(count))
    return labelled.transpose("member", "init_time", "lead_time", ...)


@for_each_variable
def persistence_forecast(analysis: xr.DataArray, init_time: ArrayLike, lead_time: ArrayLike) -> xr.DataArray:
    """Persistence as an ensemble of one member: the analysis at the start, at every lead time.

    Args:
        analysis: Field along `time` (datetime64, increasing) and any other dimensions; NumPy or Dask inside.
        init_time: Starts, datetime64, one or several.
        lead_time: Lead times, timedelta64, one or several.

    Returns:
        Dims `member` (1), `init_time`, `lead_time`, then the others of `analysis`; in its unit.

    Raises:
        UnscorableError: The analysis has no times.
        MissingDataError: The analysis lacks a start.
    """
    times = _check_times(analysis)
    starts, leads, _ = _valid_times(init_time, lead_time)
    absent = starts[~np.isin(starts, times)]
    if absent.size:
        raise MissingDataError(f"persistence from {iso(absent[0])}: expected an analysis at that time, found none")
    field = analysis.sel(time=starts).rename(time="init_time").assign_coords(init_time=starts)
    return field.expand_dims(member=[0], lead_time=leads).transpose("member", "init_time", "lead_time", ...)


def _check_times(analysis: xr.DataArray) -> NDArray[np.datetime64]:
    times = analysis["time"].values if "time" in analysis.coords and "time" in analysis.dims else np.empty(0)
    if times.dtype.kind != "M" or not times.size or not np.all(np.diff(times) > np.timedelta64(0)):
        raise UnscorableError(f"analysis: expected increasing datetimes along 'time', found {list(analysis.dims)}")
    return times.astype("datetime64[ns]")


def _valid_times(init_time: ArrayLike, lead_time: ArrayLike) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    starts, leads = np.atleast_1d(np.asarray(init_time)), np.atleast_1d(np.asarray(lead_time))
    if starts.dtype.kind != "M" or leads.dtype.kind != "m" or starts.ndim > 1 or leads.ndim > 1:
        raise UnscorableError(
            f"starts and lead times: expected datetime64 and timedelta64, found {starts.dtype} and {leads.dtype}"
        )
    starts, leads = starts.astype("datetime64[ns]"), leads.astype("timedelta64[ns]")
    return starts, leads, starts[:, None] + leads


def _other_years(times: NDArray[np.datetime64], valid_time: np.datetime64) -> NDArray[np.int64]:
    """Positions of the dates of a season outside the year about a time, one of each year in turn."""
    apart = np.flatnonzero(np.abs(times - valid_time) > pd.Timedelta(days=183).to_timedelta64())
    if not apart.size:
        raise UnscorableError(f"climatology at {iso(valid_time)}: expected dates of other years, found none")
    return apart[dates_of_season(times[apart], valid_time).T.ravel()]
