"""Computes and writes a climatology in one pass over the data, in bounded memory.

Values stream from their source to a scratch file of whole fields, a channel at a time, and are read back from it as
series of some rows of the grid. Each worker computes the statistics of its rows and writes them itself.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import dask
import dask.array as da
import numpy as np
import xarray as xr
import zarr
from dask.system import CPU_COUNT
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, Crc32cCodec

from data_catalog.errors import ConfigurationError
from data_catalog.layout.variables import channel
from data_catalog.statistics.daily_climatology import DAYS, QUANTILE, QUANTILES, SPREAD, Calendar, daily_statistics

_SCRATCH = "scratch.f32"
_DAYS_PER_CHUNK = 61
_COPIES_OF_SERIES = 8
_COPIES_OF_RESULT = 3
"""Memory at work, in times that of a series in float32 and of its statistics."""
_PLACES = ("latitude", "longitude")


@dataclass(frozen=True)
class ClimatologySettings:
    """What a climatology is computed from, and how.

    Attributes:
        start: First day; None for the first of the archive.
        end: Last day; None for the last of the archive.
        quantiles: Ascending, 0 to 1; may be none.
        memory_bytes: About the memory that may be used at once, divided among the cores.
    """

    start: date | None = None
    end: date | None = None
    quantiles: tuple[float, ...] = QUANTILES
    memory_bytes: int = 1024**3

    def __post_init__(self) -> None:
        ascend = all(low < high for low, high in pairwise(self.quantiles))
        if not ascend or not all(0 <= quantile <= 1 for quantile in self.quantiles):
            raise ConfigurationError(f"quantiles: expected ascending numbers in 0..1, found {list(self.quantiles)}")


def write_climatology(
    analysis: xr.Dataset,
    calendar: Calendar,
    settings: ClimatologySettings,
    store: Path,
    on_progress: Callable[[int], None] | None = None,
) -> None:
    """Compute the climatology of an analysis and write it as a Zarr group.

    Args:
        analysis: Channels along `time`; fields without it are left out. Attributes go into the group.
        calendar: Of its times.
        settings: Quantiles and memory.
        store: Directory to create.
        on_progress: Called with the number of channels that are done.
    """
    names = [str(name) for name, field in analysis.items() if "time" in field.dims]
    rows = rows_at_once(analysis, len(calendar.hours), settings)
    _create(analysis[names], calendar, settings.quantiles, store, rows)
    scratch = store / _SCRATCH
    shape = tuple(analysis.sizes[dim] for dim in ("time", *_PLACES))
    for done, name in enumerate(names, 1):
        _spill(analysis[name], scratch)
        tiles = [_Tile(name, scratch, store, shape, at, min(at + rows, shape[1])) for at in range(0, shape[1], rows)]
        compute: Any = dask.delayed(_compute_tile, pure=False)  # type: ignore[attr-defined]
        dask.compute(*(compute(tile, calendar, settings.quantiles) for tile in tiles))  # type: ignore[attr-defined, no-untyped-call]
        scratch.unlink()
        if on_progress is not None:
            on_progress(done)


def rows_at_once(analysis: xr.Dataset, hours: int, settings: ClimatologySettings) -> int:
    """Return the number of rows of the grid whose series a worker may have in memory.

    Args:
        analysis: With the dims time, latitude and longitude.
        hours: Number of hours of the day.
        settings: Quantiles and memory.
    """
    series = _COPIES_OF_SERIES * analysis.sizes["time"]
    result = _COPIES_OF_RESULT * hours * DAYS * (2 + len(settings.quantiles))
    bytes_of_row = 4 * analysis.sizes["longitude"] * (series + result)
    return int(np.clip(settings.memory_bytes // CPU_COUNT // bytes_of_row, 1, analysis.sizes["latitude"]))


def _create(analysis: xr.Dataset, calendar: Calendar, quantiles: Sequence[float], store: Path, rows: int) -> None:
    """Write coordinates, attributes and the metadata of all arrays."""
    coords: dict[str, Any] = {"hour": calendar.hours, "dayofyear": np.arange(1, DAYS + 1)}
    coords |= {dim: analysis[dim] for dim in _PLACES} | ({"quantile": list(quantiles)} if quantiles else {})
    template = xr.Dataset(_empty_fields(analysis, len(calendar.hours), len(quantiles)), coords, analysis.attrs)
    chunks = {"dayofyear": _DAYS_PER_CHUNK, "latitude": rows, "longitude": analysis.sizes["longitude"]}
    codecs = [BloscCodec(cname="zstd", shuffle="shuffle"), Crc32cCodec()]
    encoding: Any = {
        name: {"chunks": tuple(chunks.get(str(dim), 1) for dim in field.dims), "compressors": codecs}
        for name, field in template.data_vars.items()
    }
    with warnings.catch_warnings():
        # Readers that cannot list directories, as over HTTP, need it; Zarr warns that it is not in the specification.
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        template.to_zarr(store, zarr_format=3, consolidated=True, encoding=encoding, compute=False)


def _empty_fields(analysis: xr.Dataset, hours: int, quantiles: int) -> dict[str, Any]:
    """Mean, spread and quantiles of each channel, lazy and without values."""
    sizes = {"hour": hours, "dayofyear": DAYS, **{dim: analysis.sizes[dim] for dim in _PLACES}}
    fields: dict[str, Any] = {}
    for name, field in analysis.items():
        of = channel(str(name))
        for spelled, words, more in (
            ("{}", "mean", {}),
            (SPREAD, "standard deviation", {}),
            (QUANTILE, "quantiles", {"quantile": quantiles}),
        ):
            about = {"units": field.attrs.get("units", of.variable.units), "long_name": f"{words} of {of.long_name}"}
            empty = da.zeros((*more.values(), *sizes.values()), chunks=-1, dtype=np.float32)
            if empty.size:
                fields[spelled.format(name)] = ((*more, *sizes), empty, about)
    return fields


def _spill(field: xr.DataArray, scratch: Path) -> None:
    """Stream the values of a channel to a file of whole fields, block by block."""
    ordered = field.transpose("time", *_PLACES)
    ordered = ordered if ordered.chunks is not None else ordered.chunk({"time": 64})
    with scratch.open("wb") as file:
        file.truncate(4 * ordered.size)
    target: Any = _Fields(scratch, ordered.shape[1] * ordered.shape[2])
    da.store([ordered.data.rechunk({1: -1, 2: -1})], [target], lock=False)


@dataclass(frozen=True)
class _Fields:
    """A file of whole fields, one for each time, into which Dask writes blocks of times."""

    path: Path
    points: int

    def __setitem__(self, key: tuple[slice, ...], values: NDArray[np.float32]) -> None:
        with self.path.open("r+b") as file:
            file.seek(4 * self.points * (key[0].start or 0))
            file.write(np.ascontiguousarray(values, "<f4").data)


@dataclass(frozen=True)
class _Tile:
    """Some rows of a channel, whose statistics one worker computes and writes."""

    name: str
    scratch: Path
    store: Path
    shape: tuple[int, ...]
    first: int
    last: int


def _compute_tile(tile: _Tile, calendar: Calendar, quantiles: Sequence[float]) -> None:
    """Compute the statistics of some rows and write them."""
    fields = np.memmap(tile.scratch, "<f4", "r", shape=tile.shape)
    series = np.array(fields[:, tile.first : tile.last])
    del fields
    rows, columns = series.shape[1:]
    found = daily_statistics(series.reshape(len(series), -1), calendar, quantiles)
    group = zarr.open_group(tile.store, mode="r+", use_consolidated=False)
    written = {"{}": found.mean, SPREAD: found.spread} | ({QUANTILE: found.quantiles} if len(quantiles) else {})
    for spelled, values in written.items():
        # A chunk of nothing but missing values is written too, so that an absent one is a lost one.
        array = cast("zarr.Array[Any]", group[spelled.format(tile.name)]).with_config({"write_empty_chunks": True})
        array[..., tile.first : tile.last, :] = values.reshape(*values.shape[:-1], rows, columns)
