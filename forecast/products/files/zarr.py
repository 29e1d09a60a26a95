"""Forecasts as Zarr as WeatherBench2 has them: (time, number, prediction_timedelta, [level,] latitude, longitude)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.variables import VARIABLES, channel
from data_catalog.storage.atomic_files import atomic_path
from forecast.products.files.forecast_reading import LEVELS_PRESENT, open_forecast

SPREAD_OUT = {"init_time": "time", "member": "number", "lead_time": "prediction_timedelta"}


def write_zarr(forecast_path: Path | str, out: Path | str) -> Path:
    """Write a forecast as a Zarr store that WeatherBench2's tools read, one lead of one variable at a time.

    Channels of one variable come back together as levels, in hPa ascending, all variables on one `level` axis. Where a
    variable lacks a level that another has, nothing is stored; its attribute `levels_present` says which it has.

    Args:
        forecast_path: A run, or a forecast file of ours.
        out: The store; appears whole or not at all, and must not exist yet.

    Raises:
        InvalidDataError: The store exists, or reads back with missing values.
    """
    path = Path(out)
    if path.exists():
        raise InvalidDataError(f"{path}: expected no store under this name, found one")
    with open_forecast(forecast_path) as forecast, atomic_path(path) as partial:
        layout = weatherbench2_layout(forecast)
        encoding: dict[Any, dict[str, Any]] = {
            name: {"chunks": _chunks(field)} for name, field in layout.data_vars.items()
        }
        layout.to_zarr(partial, zarr_format=3, consolidated=False, encoding=encoding)
        _check(partial, layout)
    return path


def weatherbench2_layout(forecast: xr.Dataset) -> xr.Dataset:
    """A forecast in our words as one in those of WeatherBench2; stays lazy."""
    cycles = forecast if "init_time" in forecast.dims else forecast.expand_dims("init_time")
    grouped: dict[str, list[str]] = {}
    for name in cycles.data_vars:
        grouped.setdefault(channel(str(name)).variable.short_name, []).append(str(name))
    fields = {VARIABLES[short].era5_name: _with_levels(cycles, names) for short, names in grouped.items()}
    dims = ("init_time", "member", "lead_time", "level", "latitude", "longitude")
    spread_out = {
        name: field.transpose(*(dim for dim in dims if dim in field.dims)).rename(
            {ours: theirs for ours, theirs in SPREAD_OUT.items() if ours in field.dims}
        ).chunk({"time": 1, "number": -1, "prediction_timedelta": 1})
        for name, field in fields.items()
    }  # fmt: skip
    return xr.Dataset(spread_out, attrs=forecast.attrs)


def _with_levels(forecast: xr.Dataset, names: Sequence[str]) -> xr.DataArray:
    """One variable of all its levels; one without levels as it is. Levels of different variables may differ."""
    levels = {name: channel(name).level_hpa for name in names}
    if None in levels.values():
        return _plain(forecast[names[0]])
    ordered = sorted(names, key=lambda name: levels[name] or 0)
    coordinate = xr.DataArray([levels[name] for name in ordered], dims="level", attrs={"units": "hPa"})
    joined = xr.concat([_plain(forecast[name]) for name in ordered], dim=coordinate.rename("level"), coords="minimal")
    return joined.assign_attrs({LEVELS_PRESENT: coordinate.values.tolist()})


def _plain(field: xr.DataArray) -> xr.DataArray:
    """A field with the attributes that WeatherBench2's have, and without how NetCDF stored it."""
    bare = field.drop_encoding()
    bare.attrs = {name: field.attrs[name] for name in ("units", "standard_name") if name in field.attrs}
    return bare


def _chunks(field: xr.DataArray) -> tuple[int, ...]:
    whole = {"latitude", "longitude"}
    return tuple(size if dim in whole else 1 for dim, size in field.sizes.items())


def _check(store: Path, layout: xr.Dataset) -> None:
    """Read the store back: every value must be there and be a number."""
    with xr.open_dataset(store, engine="zarr", consolidated=False, decode_timedelta=True, chunks={}) as stored:
        for name in layout.data_vars:
            field = stored[name]
            present = field.sel(level=field.attrs[LEVELS_PRESENT]) if LEVELS_PRESENT in field.attrs else field
            found = int(np.isfinite(present).sum())
            if found != present.size:
                raise InvalidDataError(f"{store.name}, {name}: expected {present.size} values, found {found}")
