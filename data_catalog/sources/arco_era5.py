"""ARCO-ERA5: all of ERA5 at 0.25 degrees in one public Zarr store, read lazily without an account.

Its time axis extends decades into the future, and hours without data read as NaN; attributes of the store say which
hours have data. A chunk holds one hour of one variable on all levels.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from data_catalog.layout.axes import as_analysis
from data_catalog.layout.canonical import canonicalise
from data_catalog.layout.checks import check_analysis
from data_catalog.sources.absences import before, with_absences
from data_catalog.sources.reading import in_blocks
from data_catalog.sources.zarr_stores import open_complete

_FIRST, _LAST = "valid_time_start", "valid_time_stop"
_BLOCK_BYTES = 512 * 1024


def open_arco_era5(
    location: str, channels: Sequence[str], static: Sequence[str] = (), *, step_hours: int
) -> xr.Dataset:
    """Open the final part of the store as a checked analysis.

    Args:
        location: URL of the store, or its directory on disk.
        channels: Channels to read.
        static: Channels without time to read as well.
        step_hours: Read only times at multiples of this number of hours after 00 UTC.

    Raises:
        InvalidDataError: The store does not say which times are final, or has none of these times, or lacks a channel.
        MissingDataError: The store cannot be reached.
    """
    opened = as_analysis(open_complete(location), location)
    times = opened["time"].values
    hours = times.astype("datetime64[h]").astype(np.int64)
    first = _day(opened, _FIRST, location)
    final = (times >= first) & (times < _day(opened, _LAST, location) + np.timedelta64(1, "D"))
    chosen: NDArray[np.intp] = np.flatnonzero(final & (hours % step_hours == 0))
    if not chosen.size:
        raise InvalidDataError(f"{location}: expected final times every {step_hours} h from 00 UTC, found none")
    # Select before creating Dask arrays, whose graphs would otherwise list every hour from 1900 to 2050.
    lazy = in_blocks(opened.isel(time=chosen), location, block_bytes=_BLOCK_BYTES)
    analysis = check_analysis(canonicalise(lazy, channels, static, where=location), where=location)
    return with_absences(analysis, [before(first, f"its attribute {_FIRST}")])


def _day(store: xr.Dataset, attribute: str, location: str) -> np.datetime64:
    try:
        day: np.datetime64 = np.datetime64(str(store.attrs[attribute]), "D").astype("datetime64[ns]")
    except (KeyError, ValueError):
        found = store.attrs.get(attribute, "none")
        raise InvalidDataError(f"{location}: expected a date in the attribute {attribute}, found {found!r}") from None
    return day
