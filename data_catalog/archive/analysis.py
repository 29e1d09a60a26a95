"""Opens an analysis from a Plumecast archive or from anyone's files."""

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from data_catalog.archive.ledger import LEDGER_NAME
from data_catalog.archive.reading import open_archive
from data_catalog.layout.checks import check_channels
from data_catalog.layout.variables import channel
from data_catalog.sources.files import open_files
from data_catalog.sources.locations import parse_location


def open_analysis(location: Path | str, channels: Sequence[str], static: Sequence[str] = ()) -> xr.Dataset:
    """Open an analysis from an archive, files or a URL, checked and lazy.

    Args:
        location: An archive, a NetCDF or Zarr file in any readable layout, a directory of such files, or the URL of a
            Zarr group.
        channels: Channels to read, such as `z500`.
        static: Channels without time to read as well.

    Returns:
        These channels, dims (time, latitude, longitude) or (latitude, longitude).

    Raises:
        InvalidDataError: A channel is missing, or the data is invalid.
        ConfigurationError: The location does not exist, or a name is not a channel.
    """
    wanted = [channel(name).name for name in (*channels, *static)]
    place = parse_location(location)
    if isinstance(place, Path) and (place / LEDGER_NAME).is_file():
        analysis = open_archive(place)
        check_channels(analysis, wanted, where=str(place))
        return analysis[wanted]
    return open_files(place, channels, static)
