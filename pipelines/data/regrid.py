"""Writes the fields of a file on another grid, for a command."""

import re
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, get_args

import dask.array as da
import netCDF4
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pydantic import ValidationError

from data_catalog.archive.pieces import Piece, pieces_of
from data_catalog.archive.workers import Workers, own_threads
from data_catalog.catalog import GridAxes
from data_catalog.errors import ConfigurationError
from data_catalog.sources.any_grid import open_any_grid
from data_catalog.statistics.axis_weights import Method
from data_catalog.statistics.regridding import METHOD_ATTRIBUTE, SOURCE_ATTRIBUTE, regrid
from data_catalog.storage.atomic_files import atomic_path, disk_errors
from pipelines.workspace.datasets import declare_variables, find_dataset
from pipelines.workspace.home import Home

_NUMBER = r"\s*(-?\d+(?:\.\d*)?)\s*"
_AXIS = rf"{_NUMBER}:{_NUMBER}:{_NUMBER}"
_GRID = re.compile(rf"{_AXIS},{_AXIS}")
_AXES = ("latitude", "longitude")
_WHOLE_STEPS = 1e-6
_BYTES_OF_PIECE = 8 * 1024**2


def regrid_file(home: Home, location: str, *, grid: str, method: str, out: Path, workers: Workers | None = None) -> str:
    """Bring every known field of a file, directory or store to a grid, and write them as NetCDF.

    Args:
        home: Home directory with the user's dataset files.
        location: NetCDF, GRIB or Zarr: file, directory, pattern of names, or URL.
        grid: `SOUTH:NORTH:STEP,WEST:EAST:STEP` in degrees, or a dataset whose grid is meant, by name or TOML file.
        method: `conservative`, `bilinear` or `nearest`.
        out: File to write; it must not exist yet.
        workers: What reads and regrids; None for threads of this process. This process writes the file.

    Returns:
        One line that says what was written.

    Raises:
        ConfigurationError: Grid or method are wrong, or the file exists.
        InvalidDataError: The data cannot be read, or does not cover the grid.
    """
    if method not in get_args(Method):
        raise ConfigurationError(f"--method: expected one of {', '.join(get_args(Method))}, found '{method}'")
    if out.exists():
        raise ConfigurationError(f"--out: expected a file that does not exist yet, found {out}")
    target = parse_grid(home, grid)
    declare_variables(home)
    analysis = open_any_grid(location)
    chosen: Any = method
    found = regrid(analysis, *target.coordinates(), chosen, where=location)
    with atomic_path(out) as partial, disk_errors(out), nullcontext(workers) if workers else own_threads() as hands:
        _write(found, partial, hands)
    names, (rows, columns) = ", ".join(map(str, found.data_vars)), (found.sizes[axis] for axis in _AXES)
    way = found.attrs.get(METHOD_ATTRIBUTE)
    origin = f"{way} from a grid {found.attrs[SOURCE_ATTRIBUTE]}" if way else "as they were: the file has this grid"
    return f"{out}: {names} on {rows} x {columns} points, {origin}"


def _write(found: xr.Dataset, path: Path, workers: Workers) -> None:
    """Write fields piece by piece, in the order of their times."""
    names = [str(name) for name, field in found.items() if "time" in field.dims]
    hollow = found.assign({name: found[name].copy(data=da.zeros(found[name].shape, dtype="<f4")) for name in names})
    encoding = {name: {"zlib": True, "complevel": 1, "shuffle": True} for name in found.data_vars}
    hollow.to_netcdf(path, engine="netcdf4", encoding=encoding, compute=False)
    parts = np.array_split(np.arange(found.sizes["time"]), -(-found.sizes["time"] // _times_at_once(found, names)))
    with netCDF4.Dataset(path, "a") as file:
        for places, fields in workers.in_order(_values, pieces_of(found, names, parts)):
            for name, values in fields.items():
                file[name][places[0] : places[-1] + 1] = values


def _times_at_once(found: xr.Dataset, names: Sequence[str]) -> int:
    """How many times a piece has: whole blocks of the source, and about so many bytes of the result."""
    stored = max((chunks[0][0] for name in names if (chunks := found[name].chunks)), default=1)
    bytes_of_time = sum(4 * found[name][0].size for name in names)
    return int(stored * max(1, _BYTES_OF_PIECE // (bytes_of_time * stored)))


def _values(piece: Piece) -> tuple[NDArray[np.intp], dict[str, NDArray[np.float32]]]:
    return piece.indices, piece.read()


def parse_grid(home: Home, text: str) -> GridAxes:
    """Return the grid that a user names.

    Args:
        home: Home directory with the user's dataset files.
        text: `SOUTH:NORTH:STEP,WEST:EAST:STEP` in degrees, or a dataset whose grid is meant, by name or TOML file.

    Raises:
        ConfigurationError: It is neither, or steps do not divide the range.
    """
    if ":" not in text:
        entry = find_dataset(home, text)
        if entry.grid is None:
            raise ConfigurationError(f"--grid {text}: expected a dataset with a grid, found one without")
        return entry.grid
    matched = _GRID.fullmatch(text)
    if matched is None:
        raise ConfigurationError(
            f"--grid: expected SOUTH:NORTH:STEP,WEST:EAST:STEP, such as 30:55:2.5,-15:15:2.5, found '{text}'"
        )
    south, north, row_step, west, east, column_step = map(float, matched.groups())
    ends = {"latitude": _ends(south, north, row_step, text), "longitude": _ends(west, east, column_step, text)}
    try:
        return GridAxes.model_validate(ends)
    except ValidationError as error:
        raise ConfigurationError(f"--grid {text}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _ends(first: float, last: float, step: float, text: str) -> tuple[float, float, int]:
    count = (last - first) / step if step > 0 else np.nan
    if not (count >= 0 and abs(count - round(count)) < _WHOLE_STEPS):
        raise ConfigurationError(f"--grid {text}: expected a step that divides {first:g} to {last:g}, found {step:g}")
    return first, last, round(count) + 1
