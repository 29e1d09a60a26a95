"""Public reanalysis stores of WeatherBench2, read lazily from object storage without an account.

Layout: Zarr v2 with consolidated metadata, long ERA5 names, `level` in hPa, in some stores (longitude, latitude). A
chunk holds all levels of many times; only the chunks of the selected variables and times are fetched.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.coordinates import at_times
from data_catalog.sources.files import open_files


def open_weatherbench2(
    location: str, channels: Sequence[str], static: Sequence[str] = (), *, step_hours: int
) -> xr.Dataset:
    """Open a WeatherBench2 store as a checked analysis.

    Args:
        location: URL of the store, or its directory on disk.
        channels: Channels to read.
        static: Channels without time to read as well.
        step_hours: Read only times at multiples of this number of hours after 00 UTC.

    Raises:
        InvalidDataError: The store lacks a channel, or has none of these times.
    """
    analysis = open_files(location, channels, static)
    hours = analysis["time"].values.astype("datetime64[h]").astype(np.int64)
    chosen = np.flatnonzero(hours % step_hours == 0)
    if not chosen.size:
        raise InvalidDataError(f"{location}: expected times every {step_hours} h from 00 UTC, found none")
    return at_times(analysis, chosen)
