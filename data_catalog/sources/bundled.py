"""The sample that ships with the package: simulated weather of one year."""

from collections.abc import Sequence

import xarray as xr

from data_catalog.bundled import SPEEDY_SAMPLE
from data_catalog.sources.files import open_files


def open_bundled(channels: Sequence[str], static: Sequence[str] = ()) -> xr.Dataset:
    """The bundled sample as a checked analysis."""
    return open_files(SPEEDY_SAMPLE, channels, static)
