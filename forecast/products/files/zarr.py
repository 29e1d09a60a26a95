"""Forecasts as Zarr in WeatherBench2's layout: (time, number, prediction_timedelta, [level,] latitude, longitude)."""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.variables import VARIABLES, channel
from data_catalog.storage.atomic_files import atomic_path
from forecast.products.files.forecast_reading import LEVELS_PRESENT, open_forecast

OUR_NAMES = {"init_time": "time", "member": "number", "lead_time": "prediction_timedelta"}
DIMENSIONS = ("time", "number", "prediction_timedelta", "level", "latitude", "longitude")
MOST_CHUNK_BYTES = 16 * 2**20


def write_zarr(forecast_path: Path | str, out: Path | str) -> Path:
    """Write a forecast as a Zarr store in the layout of WeatherBench2, in bounded memory, and read it back.

    The channels of one variable become one array with a `level` dimension, in hPa, ascending. All such arrays share one
    `level` coordinate; where a variable lacks a level of another, its values are missing, nothing is stored, and the
    attribute `levels_present` lists the levels that it has. A chunk holds as many members at one lead time and level as
    fit in 16 MiB.

    Args:
        forecast_path: A run directory or a forecast file.
        out: The store to make; it appears whole or not at all, and must not exist yet.

    Returns:
        `out`.

    Raises:
        MissingDataError: There is no forecast.
        InvalidDataError: The store exists already, the forecast cannot be read, or the store reads back other values.
        ConfigurationError: The disk cannot be written.
    """
    path = Path(out)
    if path.exists():
        raise InvalidDataError(f"{path}: expected no store of this name, found one; remove it first")
    with open_forecast(forecast_path) as forecast, atomic_path(path) as partial:
        layout = weatherbench2_layout(forecast)
        chunks = {name: _chunks(field) for name, field in layout.data_vars.items()}
        encoding: dict[Any, dict[str, Any]] = {
            name: {"chunks": tuple(sizes.values())} for name, sizes in chunks.items()
        }
        whole = layout.assign({name: field.chunk(chunks[name]) for name, field in layout.data_vars.items()})
        with warnings.catch_warnings():
            # Readers that list no directories, as over HTTP, need it; Zarr warns that its specification lacks it.
            warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
            whole.to_zarr(partial, zarr_format=3, consolidated=True, encoding=encoding)
        _check_stored(partial, layout)
    return path


def weatherbench2_layout(forecast: xr.Dataset) -> xr.Dataset:
    """Rename and reorder a forecast into the layout of WeatherBench2; stays lazy.

    Args:
        forecast: Channels such as `z500` with dims (member, lead_time, latitude, longitude), and an initial time as a
            scalar coordinate or a dimension.

    Returns:
        Variables such as `geopotential` with dims (time, number, prediction_timedelta, [level,] latitude, longitude).
    """
    cycles = forecast if "init_time" in forecast.dims else forecast.expand_dims("init_time")
    renamed = cycles.rename(OUR_NAMES)
    grouped: dict[str, list[str]] = {}
    for name in renamed.data_vars:
        grouped.setdefault(channel(str(name)).variable.short_name, []).append(str(name))
    fields = {VARIABLES[short].era5_name: _with_levels(renamed, names) for short, names in grouped.items()}
    ordered = {
        name: field.transpose(*(dim for dim in DIMENSIONS if dim in field.dims)) for name, field in fields.items()
    }
    layout = xr.Dataset(ordered, attrs={name: text for name, text in forecast.attrs.items() if name != "Conventions"})
    for axis in ("latitude", "longitude"):
        layout[axis].attrs.pop("bounds", None)
    return layout


def _with_levels(forecast: xr.Dataset, names: Sequence[str]) -> xr.DataArray:
    """Join the channels of one variable along their levels; a variable without levels stays as it is."""
    levels = {name: channel(name).level_hpa for name in names}
    if None in levels.values():
        return _plain(forecast[names[0]])
    ordered = sorted(names, key=lambda name: levels[name] or 0)
    coordinate = xr.DataArray([levels[name] for name in ordered], dims="level", attrs={"units": "hPa"})
    joined = xr.concat([_plain(forecast[name]) for name in ordered], dim=coordinate.rename("level"), coords="minimal")
    return joined.assign_attrs({LEVELS_PRESENT: coordinate.values.tolist()})


def _plain(field: xr.DataArray) -> xr.DataArray:
    """Drop how NetCDF stored a field, and the attributes that WeatherBench2's fields do not have."""
    bare = field.drop_encoding()
    bare.attrs = {name: field.attrs[name] for name in ("units", "standard_name") if name in field.attrs}
    return bare


def _chunks(field: xr.DataArray) -> dict[str, int]:
    """Sizes of a chunk along each dimension of a field."""
    plane_bytes = field.dtype.itemsize * math.prod(field.sizes[name] for name in ("latitude", "longitude"))
    members = min(field.sizes["number"], max(1, MOST_CHUNK_BYTES // plane_bytes))
    sizes = {"number": members, "latitude": field.sizes["latitude"], "longitude": field.sizes["longitude"]}
    return {str(dim): sizes.get(str(dim), 1) for dim in field.dims}


def _check_stored(store: Path, layout: xr.Dataset) -> None:
    """Read the store back and compare every value with the forecast."""
    with xr.open_dataset(store, engine="zarr", consolidated=True, decode_timedelta=True, chunks={}) as stored:
        for name, given in layout.data_vars.items():
            levels = given.attrs.get(LEVELS_PRESENT)
            present, wanted = (field if levels is None else field.sel(level=levels) for field in (stored[name], given))
            same = int((present == wanted).sum())
            if same != wanted.size:
                raise InvalidDataError(
                    f"{store.name}, {name}: expected {wanted.size} values as written, found {same} on reading back"
                )
