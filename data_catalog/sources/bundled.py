"""The sample that is bundled with the package: simulated weather of one year."""

from collections.abc import Sequence

import xarray as xr

from data_catalog.bundled import SPEEDY_SAMPLE
from data_catalog.sources.files import open_files


def open_bundled(channels: Sequence[str], static: Sequence[str] = ()) -> xr.Dataset:
    """Open the bundled sample as a checked analysis.

    Args:
        channels: Channels to read.
        static: Channels without time to read as well.
    """
    return open_files(SPEEDY_SAMPLE, channels, static)
