"""Reads point series of an archive from its twin, whose chunks are long in time."""

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.archive.chunks import decode
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.reading import open_archive
from data_catalog.archive.series import Series, read_chunk, read_series, tile_name


def open_series(archive: Path) -> xr.Dataset:
    """Open an archive lazily, as `open_archive` does, but with chunks long in time, which suit series at few points.

    Args:
        archive: Directory of the archive, which has a twin.

    Raises:
        MissingDataError: There is no archive or no twin, or the twin is of an older state of the archive.
        InvalidDataError: The archive's ledger or the manifest of the twin is damaged.
    """
    opened = open_archive(archive)
    header = Ledger.read(archive).header
    series = read_series(archive, opened.attrs["data_identity"])
    fields = {}
    for name in header.channels:
        channel = SeriesChannel(series, name, opened[name].shape)
        lazy = da.from_array(  # type: ignore[no-untyped-call]
            channel,
            chunks=series.shape,
            name=f"{name}-series-{series.identity}-{archive}",
            meta=np.empty((0,) * channel.ndim, np.float32),
            fancy=False,
        )
        fields[name] = opened[name].copy(data=lazy)
    return opened.assign(fields)


class SeriesChannel:
    """One channel of a twin, in a form that Dask can slice."""

    dtype = np.dtype(np.float32)

    def __init__(self, series: Series, channel_name: str, shape: tuple[int, ...]) -> None:
        self._series = series
        self._channel = channel_name
        self.shape = shape
        self.ndim = len(shape)

    def __getitem__(self, key: tuple[Any, ...]) -> NDArray[np.float32]:
        wanted = [np.atleast_1d(np.arange(size)[one]) for size, one in zip(self.shape[-2:], key[-2:], strict=True)]
        found = np.empty((*self.shape[:-2], *(len(one) for one in wanted)), np.float32)
        rows, columns = (one // size for one, size in zip(wanted, self._series.shape[-2:], strict=True))
        for row in np.unique(rows):
            for column in np.unique(columns):
                tile = self._tile(int(row), int(column))
                inside = np.flatnonzero(rows == row), np.flatnonzero(columns == column)
                offsets = [
                    one[at] % size for one, at, size in zip(wanted, inside, self._series.shape[-2:], strict=True)
                ]
                found[..., inside[0][:, None], inside[1]] = tile[..., offsets[0][:, None], offsets[1]]
        places = (0 if isinstance(one, int | np.integer) else slice(None) for one in key[-2:])
        return found[(*key[:-2], *places)]

    def _tile(self, row: int, column: int) -> NDArray[np.float32]:
        name = f"{self._channel}/{tile_name(self.ndim, row, column)}"
        return decode(read_chunk(self._series, name), self._series.shape)
