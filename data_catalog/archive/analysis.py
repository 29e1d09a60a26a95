"""Opens an analysis wherever it lies: in an archive of ours or in files of anyone's."""

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from data_catalog.archive.ledger import LEDGER_NAME
from data_catalog.archive.reading import open_archive
from data_catalog.layout.checks import check_channels
from data_catalog.layout.variables import channel
from data_catalog.sources.files import open_files


def open_analysis(location: Path | str, channels: Sequence[str], static: Sequence[str] = ()) -> xr.Dataset:
    """A checked, lazy analysis from wherever it lies.

    Args:
        location: An archive, a NetCDF or Zarr file in any readable layout, a directory of such files, or the URL of a
            Zarr group.
        channels: Channels wanted.
        static: Channels without time wanted besides.

    Returns:
        These channels, dims (time, latitude, longitude) or (latitude, longitude).

    Raises:
        InvalidDataError: A channel is not there, or what is there is unsound.
        ConfigurationError: Nothing is there, or a name is no channel.
    """
    wanted = [channel(name).name for name in (*channels, *static)]
    if "://" not in str(location) and (Path(location) / LEDGER_NAME).is_file():
        analysis = open_archive(Path(location))
        check_channels(analysis, wanted, where=str(location))
        return analysis[wanted]
    return open_files(location, channels, static)
