"""Observations as series by station and time, and beside forecasts at their valid times."""

import logging

import numpy as np
import xarray as xr

from data_catalog.errors import MissingDataError

logger = logging.getLogger("plumecast")


def observed_series(table: xr.Dataset) -> xr.DataArray:
    """Observations of a forecast table as a series of each station.

    Args:
        table: From `read_forecast_table`, with `observation`.

    Returns:
        Dims (station, time), the time evenly spaced, NaN where nothing was observed. Where rows of one valid time
        differ, their median counts, with a warning.
    """
    observed = table["observation"].transpose("station", "init_time", "lead_time")
    valid = (table["init_time"].values[:, None] + table["lead_time"].values[None, :]).ravel()
    moments, at = np.unique(valid, return_inverse=True)
    steps = np.diff(moments).astype(np.int64)
    step = int(np.gcd.reduce(steps)) if steps.size else 1
    axis = (
        moments[0]
        + np.arange(int((moments[-1] - moments[0]).astype(np.int64) // step) + 1).astype("timedelta64[ns]") * step
    )
    places = np.searchsorted(axis, moments)[at]
    values = np.full((observed.sizes["station"], axis.size), np.nan)
    conflicts = 0
    for station, rows in enumerate(observed.values.reshape(len(values), -1)):
        there = np.flatnonzero(np.isfinite(rows))
        values[station, places[there]] = rows[there]
        differs = there[values[station, places[there]] != rows[there]]
        conflicts += differs.size
        for place in np.unique(places[differs]):
            values[station, place] = np.median(rows[there[places[there] == place]])
    if conflicts:
        logger.warning("table: %d observations differ from others of the same time; their median counts", conflicts)
    kept = {name: coord for name, coord in table.coords.items() if coord.dims == ("station",)}
    return xr.DataArray(values, dims=("station", "time"), coords=kept | {"time": axis})


def at_forecasts(series: xr.DataArray, forecast: xr.Dataset) -> xr.DataArray:
    """Observations at the valid times of forecasts.

    Args:
        series: Dims (station, time).
        forecast: With `station`, `init_time` and `lead_time`.

    Returns:
        Dims (station, init_time, lead_time), NaN where nothing was observed then and there.

    Raises:
        MissingDataError: No station and time of the forecasts was observed.
    """
    valid = forecast["init_time"] + forecast["lead_time"]
    aligned = series.reindex(station=forecast["station"].values, time=np.unique(valid.values))
    found = aligned.sel(time=valid).drop_vars("time").transpose("station", "init_time", "lead_time")
    if not found.notnull().any():
        first, last = (np.datetime_as_string(end(valid.values), unit="h") for end in (np.min, np.max))
        raise MissingDataError(
            f"observations: expected some at the stations of the forecast from {first} to {last}, found none"
        )
    return found
