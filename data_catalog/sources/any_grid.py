"""Analyses on any grid that can be regridded: rows and columns as they are, curvilinear ones with their places."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.canonical import recognised_channels
from data_catalog.layout.curvilinear import Places, curvilinear_places, on_own_places, on_stand_in_axes
from data_catalog.layout.variables import channel
from data_catalog.sources.files import contents_of_each, join_files, open_each
from data_catalog.sources.reading import in_blocks

_BLOCK_BYTES = 4 * 1024**2
_TRUE_DIRECTIONS = ("eastward", "northward")


def open_any_grid(
    location: Path | str,
    channels: Sequence[str] | None = None,
    static: Sequence[str] = (),
    *,
    chunks_below: Sequence[str] = (),
) -> xr.Dataset:
    """Open files as a checked analysis, also on a curvilinear grid.

    Args:
        location: As `open_files` takes it.
        channels: Channels to read; None for all that are recognised.
        static: Channels without time to read as well.
        chunks_below: Folders and URLs that references of kerchunk may refer to besides their own.

    Returns:
        As `open_files` returns it; on a curvilinear grid with dims (time, row, column), and `latitude` and `longitude`
        of row and column.

    Raises:
        ConfigurationError: The location does not exist or holds no data files.
        InvalidDataError: The data is not a readable analysis with these channels, files have different curvilinear
            grids, or a wind is not said to be eastward or northward on one.
    """
    every = contents_of_each(location, chunks_below=chunks_below)
    opened = [(file, raw, curvilinear_places(raw, file)) for file, raw in every]
    curvilinear = [(file, raw, places) for file, raw, places in opened if places is not None]
    if not curvilinear:
        known = open_each(location, chunks_below=chunks_below)
        return join_files(known, location, *_wanted(known, channels, static))
    places = _one_grid(curvilinear)
    plain = [
        (file, in_blocks(on_stand_in_axes(raw, places), file, block_bytes=_BLOCK_BYTES)) for file, raw, _ in curvilinear
    ]
    wanted, constant = _wanted(plain, channels, static)
    for (file, raw, _), (_, dataset) in zip(curvilinear, plain, strict=True):
        _check_true_winds(raw, dataset, [*wanted, *constant], file)
    return on_own_places(join_files(plain, location, wanted, constant), places)


def _one_grid(opened: Sequence[tuple[str, xr.Dataset, Places]]) -> Places:
    for (_, _, one), (file, _, other) in pairwise(opened):
        one.check_same(other, file)
    return opened[0][2]


def _wanted(
    opened: Sequence[tuple[str, xr.Dataset]], channels: Sequence[str] | None, static: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Channels with and without times: the given ones, or all that are recognised."""
    if channels is not None:
        return list(channels), list(static)
    names = dict.fromkeys(name for file, dataset in opened for name in recognised_channels(dataset, where=file))
    constant = [name for name in names if channel(name).variable.static]
    return [name for name in names if name not in constant], constant


def _check_true_winds(raw: xr.Dataset, dataset: xr.Dataset, wanted: Sequence[str], file: str) -> None:
    """Refuse components of vectors that may point along the rows and columns of the grid."""
    for name, spelled in recognised_channels(dataset, where=file).items():
        if name not in wanted or channel(name).variable.polar_sign > 0:
            continue
        standard = str(raw[spelled].attrs.get("standard_name", ""))
        if not standard.startswith(_TRUE_DIRECTIONS):
            raise InvalidDataError(
                f"{file}: {spelled}: expected a standard_name that begins with eastward or northward on a curvilinear "
                f"grid, found {standard or 'none'}; rotate winds along the grid to true north first, or leave it out"
            )
