"""What a forecast must satisfy before anything believes it: what an analysis must, member by member."""

from collections.abc import Mapping
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.checks import check_believable
from data_catalog.layout.times import iso
from data_catalog.layout.variables import channel


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
    axes = {name: field[name].reset_coords(drop=True) for name in ("member", "init_time", "lead_time")}

    def on_block(values: np.ndarray, block_info: Any = None) -> np.ndarray:
        corner = [start for start, _ in block_info[0]["array-location"]]

        def named(at: tuple[int, ...]) -> str:
            index = dict(zip(field.dims, np.add(corner, at).tolist(), strict=True))
            return what + _place({name: axis.isel(index, missing_dims="ignore") for name, axis in axes.items()})

        return check_believable(wanted, values, named)

    meta = np.empty((0,) * field.ndim, field.dtype)
    lazy = da.map_blocks(on_block, field.data, dtype=field.dtype, meta=meta)  # type: ignore[no-untyped-call]
    return field.copy(data=lazy)


def _place(axes: Mapping[str, xr.DataArray]) -> str:
    """Spell out which member, start and lead time a field is of."""
    member, start, lead = (axes[name].values.reshape(1)[0] for name in ("member", "init_time", "lead_time"))
    return f" of member {member} from {iso(start)} at {float(lead / np.timedelta64(1, 'h')):g} h"
