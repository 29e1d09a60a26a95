"""Forecasts as Zarr in WeatherBench2's layout: (time, number, prediction_timedelta, [level,] latitude, longitude)."""

import itertools
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import xarray as xr
import zarr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.variables import VARIABLES, channel
from data_catalog.storage.atomic_files import atomic_path, disk_errors
from forecast.products.files.forecast_reading import LEVELS_PRESENT, open_forecast

OUR_NAMES = {"init_time": "time", "member": "number", "lead_time": "prediction_timedelta"}
DIMENSIONS = ("time", "number", "prediction_timedelta", "level", "latitude", "longitude")
MOST_CHUNK_BYTES = 16 * 2**20


def write_zarr(forecast_path: Path | str, out: Path | str) -> Path:
    """Write a forecast as a Zarr store in the layout of WeatherBench2, in bounded memory, and read it back.

    The channels of one variable become one array with a `level` dimension, in hPa, ascending. All such arrays share one
    `level` coordinate. At levels that a variable lacks, its values are missing and nothing is stored, and the attribute
    `levels_present` lists the levels that it has. A chunk holds as many members at one lead time and level as fit in
    16 MiB.

    Args:
        forecast_path: A run directory or a forecast file.
        out: The store to create, atomically; it must not exist yet.

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
    with open_forecast(forecast_path, chunked=False) as forecast, atomic_path(path) as partial:
        layout = weatherbench2_layout(forecast.chunk())
        members = _write_empty(layout, partial)
        with disk_errors(path):
            blocks = _write_fields(forecast, layout, partial, members)
        _check_stored(partial, path.name, blocks)
    return path


@dataclass(frozen=True)
class _Block:
    """Members of one channel at one lead time: where they are stored, and the checksum of their values."""

    variable: str
    where: tuple[int | slice, ...]
    checksum: int


def _write_empty(layout: xr.Dataset, store: Path) -> int:
    """Write coordinates, attributes and the metadata of all arrays; return the number of members of a chunk."""
    plane_bytes = 4 * layout.sizes["latitude"] * layout.sizes["longitude"]
    members = min(layout.sizes["number"], max(1, MOST_CHUNK_BYTES // plane_bytes))
    whole = {"number": members, "latitude": layout.sizes["latitude"], "longitude": layout.sizes["longitude"]}
    chunks = {name: tuple(whole.get(str(dim), 1) for dim in field.dims) for name, field in layout.data_vars.items()}
    encoding: dict[Any, dict[str, Any]] = {name: {"chunks": sizes} for name, sizes in chunks.items()}
    with warnings.catch_warnings():
        # Readers that cannot list directories, as over HTTP, need it; Zarr warns that it is not in the specification.
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        layout.to_zarr(store, zarr_format=3, consolidated=True, encoding=encoding, compute=False)
    return members


def _write_fields(forecast: xr.Dataset, layout: xr.Dataset, store: Path, members: int) -> list[_Block]:
    group = zarr.open_group(store, mode="r+", use_consolidated=False)
    blocks = []
    for name, lead_index in itertools.product(map(str, forecast.data_vars), range(forecast.sizes["lead_time"])):
        of = channel(name)
        variable = VARIABLES[of.variable.short_name].era5_name
        level = () if of.level_hpa is None else (layout["level"].values.tolist().index(of.level_hpa),)
        for first in range(0, forecast.sizes["member"], members):
            chosen = slice(first, first + members)
            values = forecast[name].isel(lead_time=lead_index, member=chosen).values.astype(np.float32)
            where = (0, chosen, lead_index, *level)
            cast("zarr.Array[Any]", group[variable])[where] = values
            blocks.append(_Block(variable, where, zlib.crc32(np.ascontiguousarray(values).data)))
    return blocks


def _check_stored(store: Path, name: str, blocks: Sequence[_Block]) -> None:
    """Read the store back and compare the checksum of every block with that of the values written."""
    group = zarr.open_group(store, mode="r", use_consolidated=False)
    for block in blocks:
        values = np.ascontiguousarray(cast("zarr.Array[Any]", group[block.variable])[block.where], dtype=np.float32)
        if zlib.crc32(values.data) != block.checksum:
            raise InvalidDataError(
                f"{name}, {block.variable}, lead index {block.where[2]}: expected the values written, found others on "
                "reading back"
            )


def weatherbench2_layout(forecast: xr.Dataset) -> xr.Dataset:
    """Rename and reorder a forecast into the layout of WeatherBench2; stays lazy.

    Args:
        forecast: Channels such as `z500` with dims (member, lead_time, latitude, longitude), and an init time as a
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
    """Drop the NetCDF encoding of a field, and attributes that WeatherBench2's fields do not have."""
    bare = field.drop_encoding()
    bare.attrs = {name: field.attrs[name] for name in ("units", "standard_name") if name in field.attrs}
    return bare
