"""Fetches forecasts of weather centres into NetCDF files that `verify` takes."""

import logging
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import netCDF4
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.catalog import DatasetEntry
from data_catalog.errors import ConfigurationError
from data_catalog.layout.times import iso
from data_catalog.layout.variables import channel
from data_catalog.sources.forecasts import ENSEMBLES, ForecastRequest, open_remote_forecast
from data_catalog.sources.remote_files import MOST_AT_ONCE
from data_catalog.storage.atomic_files import atomic_path, disk_errors
from forecast.products.files.cf import accumulation_of
from forecast.products.files.forecast_reading import open_forecast
from pipelines.data.fetched_parts import FetchedParts
from pipelines.terminal.progress import progress

logger = logging.getLogger("plumecast")
_DIMS = ("member", "lead_time", "latitude", "longitude")


def fetch_forecast(entry: DatasetEntry, request: ForecastRequest, out: Path, *, source: str | None = None) -> str:
    """Fetch a forecast, a lead time after the other, and write it as NetCDF.

    If it is interrupted, what was fetched lies beside the file, and the same request goes on from there.

    Args:
        entry: Catalogue entry of the dataset of the centre's analyses.
        request: Which forecast.
        out: File to write; it must not exist yet.
        source: Root of the store instead of the dataset's.

    Returns:
        One line that says what was written.

    Raises:
        ConfigurationError: The file exists, or there is no such forecast.
        InvalidDataError: Something of it is damaged or lacks a field.
        MissingDataError: The forecast is not published yet, or the store cannot be reached.
    """
    if out.exists():
        raise ConfigurationError(f"--out: expected a file that does not exist yet, found {out}")
    accumulation_of(request.channels, 0)  # the bounds of one time axis
    forecast = open_remote_forecast(entry, request, source)
    described = forecast.transpose(*_DIMS).assign_attrs(_attributes(entry, request))
    with atomic_path(out) as unfinished, disk_errors(out):
        parts = FetchedParts.of(out, entry.source, source or entry.location, astuple(request))
        _write(described, unfinished, f"Fetch {entry.name}", parts)
        open_forecast(unfinished)  # by the door that `verify` opens it by
    parts.forget()
    members, leads = forecast.sizes["member"], request.lead_hours
    return (
        f"{out}: {', '.join(request.channels)} from {iso(request.init_time)}, {members} "
        f"member{'s' * (members > 1)}, {len(leads)} lead times to {leads[-1]} h"
    )


def parse_members(entry: DatasetEntry, text: str | None) -> int | None:
    """Return how many members of a centre's ensemble are wanted; None for its single forecast.

    Args:
        entry: Catalogue entry of the dataset of the centre's analyses.
        text: `all`, a number, or None.

    Raises:
        ConfigurationError: It is none of these, or the centre has no ensemble.
    """
    if text is None:
        return None
    if text == "all" and entry.source in ENSEMBLES:
        return ENSEMBLES[entry.source]
    if not text.isdecimal():
        raise ConfigurationError(f"{entry.name}: --members: expected all or a number of an ensemble, found '{text}'")
    return int(text)


def _attributes(entry: DatasetEntry, request: ForecastRequest) -> dict[str, str]:
    return {
        "Conventions": "CF-1.11",
        "title": f"Forecast from {iso(request.init_time)} by the model of: {entry.title}",
        "source": entry.source,
        "license": entry.licence,
        "references": ", ".join(entry.references),
        "history": "fetched by plumecast fetch",
    }


def _write(forecast: xr.Dataset, path: Path, title: str, parts: FetchedParts) -> None:
    """Write the fields of a lead time after the other, so that memory holds one of them."""
    names = [str(name) for name in forecast.data_vars]
    hollow = _hollow(forecast, names)
    hollow.to_netcdf(path, engine="netcdf4", encoding=_encoding(names, list(hollow.coords)), compute=False)
    leads = (forecast["lead_time"].values / np.timedelta64(1, "h")).astype(int).tolist()
    with (
        progress(title, len(leads) * len(names), "fields of all members") as advance,
        netCDF4.Dataset(path, "a") as file,
    ):
        for index, lead in enumerate(leads):
            for number, name in enumerate(names):
                field = forecast[name][:, index]
                file[name][:, index] = parts.field(name, lead, field.shape, partial(_values, field))
                advance(index * len(names) + number + 1)


def _values(field: xr.DataArray) -> NDArray[np.float32]:
    with dask.config.set(scheduler="threads", num_workers=MOST_AT_ONCE):
        return np.asarray(field.values, np.float32)


def _hollow(forecast: xr.Dataset, names: list[str]) -> xr.Dataset:
    """The file without values: coordinates and attributes as CF wants them."""
    summed = accumulation_of(names, 0) is not None
    fields = {name: (_DIMS, da.zeros(forecast[name].shape, dtype=np.float32), _about(name, summed)) for name in names}
    hours = (forecast["lead_time"].values / np.timedelta64(1, "h")).astype(np.int32)
    numbers = forecast["member"].values.astype(np.int32)
    coords: dict[str, Any] = {
        "member": ("member", numbers, {"standard_name": "realization", "units": "1"}),
        "lead_time": ("lead_time", hours, {"standard_name": "forecast_period", "units": "hours"}),
        "init_time": ((), forecast["init_time"].values, {"standard_name": "forecast_reference_time"}),
        "latitude": ("latitude", forecast["latitude"].values, {"standard_name": "latitude", "units": "degrees_north"}),
        "longitude": (
            "longitude", forecast["longitude"].values, {"standard_name": "longitude", "units": "degrees_east"},
        ),
    }  # fmt: skip
    return xr.Dataset(fields, coords | _valid_times(forecast, names), forecast.attrs)


def _valid_times(forecast: xr.Dataset, names: list[str]) -> dict[str, Any]:
    """The times that amounts end at, and bounds of the hours that they are over; nothing where all is of a moment."""
    interval = accumulation_of(names, 0)
    if interval is None:
        return {}
    ends = forecast["init_time"].values + forecast["lead_time"].values
    bounds = np.stack([ends - interval, ends], axis=1)
    return {
        "time": ("lead_time", ends, {"standard_name": "time", "bounds": "time_bnds"}),
        "time_bnds": (("lead_time", "bnds"), bounds),
    }


def _about(name: str, timed: bool) -> dict[str, str]:
    """Attributes of a field; without times in the file it stands for the moment that lead time and start make."""
    return {key: text for key, text in channel(name).attributes.items() if timed or key != "cell_methods"}


def _encoding(names: list[str], coordinates: list[Any]) -> dict[str, dict[str, Any]]:
    fields: dict[str, dict[str, Any]] = {name: {"zlib": True, "complevel": 1, "shuffle": True} for name in names}
    times = [name for name in ("init_time", "time", "time_bnds") if name in coordinates]
    return fields | {name: {"units": "seconds since 1970-01-01", "dtype": "int64"} for name in times}
