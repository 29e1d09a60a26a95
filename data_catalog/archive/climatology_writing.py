"""Computes and writes a climatology in one pass over the data, in bounded memory.

Values stream from their source to a scratch file of whole fields, a channel at a time, and are read back from it as
series of some rows of the grid. Each worker computes the statistics of its rows and writes them itself.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import dask.array as da
import numpy as np
import xarray as xr
import zarr
from dask.system import CPU_COUNT
from zarr.codecs import BloscCodec, Crc32cCodec

from data_catalog.archive.pieces import Piece, pieces_of
from data_catalog.archive.workers import Workers, own_threads
from data_catalog.errors import ConfigurationError
from data_catalog.layout.variables import channel
from data_catalog.statistics.daily_climatology import DAYS, QUANTILE, QUANTILES, SPREAD, Calendar, daily_statistics

_SCRATCH = "scratch.f32"
_DAYS_PER_CHUNK = 61
_BYTES_OF_PIECE = 32 * 1024**2
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
    workers: Workers | None = None,
) -> None:
    """Compute the climatology of an analysis and write it as a Zarr group.

    Args:
        analysis: Channels along `time`; fields without it are left out. Attributes go into the group.
        calendar: Of its times.
        settings: Quantiles and memory.
        store: Directory to create.
        on_progress: Called with the number of channels that are done.
        workers: What reads values and computes statistics; None for threads of this process.
    """
    names = [str(name) for name, field in analysis.items() if "time" in field.dims]
    rows = rows_at_once(analysis, len(calendar.hours), settings)
    _create(analysis[names], calendar, settings.quantiles, store, rows)
    shape = tuple(analysis.sizes[dim] for dim in ("time", *_PLACES))
    compute = partial(_compute_tile, calendar=calendar, quantiles=settings.quantiles)
    with nullcontext(workers) if workers else own_threads() as hands:
        for done, name in enumerate(names, 1):
            scratch = _spill(analysis[[name]].transpose("time", ...), store, hands)
            tiles = [
                _Tile(name, scratch, store, shape, at, min(at + rows, shape[1])) for at in range(0, shape[1], rows)
            ]
            _all_done(hands.in_order(compute, tiles))
            scratch.unlink()
            if on_progress is not None:
                on_progress(done)


def _all_done(results: Iterable[None]) -> None:
    for _ in results:
        pass


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


def _spill(channel_alone: xr.Dataset, store: Path, workers: Workers) -> Path:
    """Stream the values of a channel to a file of whole fields, piece by piece; return the file."""
    (name, field), *_ = channel_alone.items()
    scratch = store / _SCRATCH
    with scratch.open("wb") as file:
        file.truncate(4 * field.size)
    stored = field.chunks[0][0] if field.chunks else 1
    at_once = stored * max(1, _BYTES_OF_PIECE // (4 * field[0].size * stored))
    parts = [np.arange(start, min(start + at_once, len(field))) for start in range(0, len(field), at_once)]
    pieces = pieces_of(channel_alone, [str(name)], parts)
    _all_done(workers.in_order(partial(_write_piece, scratch=scratch), pieces))
    return scratch


def _write_piece(piece: Piece, scratch: Path) -> None:
    """Read some times of a channel and write them at their place."""
    (values,) = piece.read().values()
    with scratch.open("r+b") as file:
        file.seek(values[0].nbytes * int(piece.indices[0]))
        file.write(values.data)


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
