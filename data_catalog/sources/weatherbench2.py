"""WeatherBench2's public reanalysis stores, read lazily from object storage without an account.

Layout: Zarr v2 with consolidated metadata, long ERA5 names, `level` in hPa, some stores (longitude, latitude). A chunk
holds all levels of many times; only the chunks of the chosen variables and times are fetched.
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
    """A checked analysis from a WeatherBench2 store.

    Args:
        location: URL of the store, or its directory on disk.
        channels: Channels to take.
        static: Channels without time to take besides.
        step_hours: Take only times at multiples of this after 00 UTC.

    Raises:
        InvalidDataError: A channel, or every such time, is not in the store.
    """
    analysis = open_files(location, channels, static)
    hours = analysis["time"].values.astype("datetime64[h]").astype(np.int64)
    chosen = np.flatnonzero(hours % step_hours == 0)
    if not chosen.size:
        raise InvalidDataError(f"{location}: expected times every {step_hours} h from 00 UTC, found none")
    return at_times(analysis, chosen)
