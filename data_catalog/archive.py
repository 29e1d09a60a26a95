"""Analyses by location: an archive, a file of anyone's, or a directory of files."""

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from data_catalog.sources.files import open_files


def open_analysis(location: Path | str, channels: Sequence[str], static: Sequence[str] = ()) -> xr.Dataset:
    """A checked analysis from a NetCDF or Zarr file in any readable layout, or a directory of them."""
    return open_files(location, channels, static)
