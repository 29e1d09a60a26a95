"""What a forecast must satisfy before anything believes it: what an analysis must, member by member."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.checks import check_believable
from data_catalog.layout.quantities import Channel
from data_catalog.layout.times import iso
from data_catalog.layout.variables import channel

_FEWEST_POINTS = 9


def checked_forecast(forecast: xr.Dataset, *, where: str) -> xr.Dataset:
    """A forecast whose units are right and whose values are checked as they are read.

    Args:
        forecast: One variable per channel over Dask, dims ([init_time,] member, lead_time, latitude, longitude), with
            the coordinates `member`, `lead_time` and `init_time`.
        where: File or store, to begin each error with.

    Returns:
        The same forecast. Reading a NaN or an impossible value from it raises InvalidDataError, which names channel,
        member, start and lead time. NaN is allowed where the variable table allows it, as in sea surface temperature.

    Raises:
        InvalidDataError: Units are missing, or not those of the variable table.
    """
    return forecast.assign({name: _checked_field(field, where) for name, field in forecast.items()})


def _checked_field(field: xr.DataArray, where: str) -> xr.DataArray:
    wanted = channel(str(field.name))
    what = f"{where}: {wanted.name}"
    if field.attrs.get("units") != wanted.variable.units:
        raise InvalidDataError(
            f"{what}: expected units {wanted.variable.units}, found {field.attrs.get('units', 'none')!r}"
        )
    grid_axes = tuple(field.dims.index(name) for name in ("latitude", "longitude"))
    axes = {name: field[name].reset_coords(drop=True) for name in ("member", "init_time", "lead_time")}

    def on_block(values: np.ndarray, block_info: Any = None) -> np.ndarray:
        corner = [start for start, _ in block_info[0]["array-location"]]

        def named(at: tuple[int, ...]) -> str:
            index = dict(zip(field.dims, np.add(corner, at).tolist(), strict=True))
            return what + _place({name: axis.isel(index, missing_dims="ignore") for name, axis in axes.items()})

        _check_written(wanted, values, grid_axes, named)
        return check_believable(wanted, values, named)

    meta = np.empty((0,) * field.ndim, field.dtype)
    lazy = da.map_blocks(on_block, field.data, dtype=field.dtype, meta=meta)  # type: ignore[no-untyped-call]
    return field.copy(data=lazy)


def _check_written(
    wanted: Channel, values: np.ndarray, grid_axes: tuple[int, ...], named: Callable[[tuple[int, ...]], str]
) -> None:
    """Refuse a field of wind that is 0 at every point, as one that was allocated and never written is."""
    points = math.prod(values.shape[axis] for axis in grid_axes)
    if wanted.variable.polar_sign == 1 or points < _FEWEST_POINTS:
        return
    calm = ~values.any(axis=grid_axes, keepdims=True)
    if calm.any():
        at = tuple(np.argwhere(calm)[0].tolist())
        raise InvalidDataError(f"{named(at)}: expected wind, found 0 at all {points} points (never written?)")


def _place(axes: Mapping[str, xr.DataArray]) -> str:
    """Spell out which member, start and lead time a field is of."""
    member, start, lead = (axes[name].values.reshape(1)[0] for name in ("member", "init_time", "lead_time"))
    return f" of member {member} from {iso(start)} at {float(lead / np.timedelta64(1, 'h')):g} h"
