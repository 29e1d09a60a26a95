"""Opens an analysis from a Plumecast archive or from anyone's files."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import xarray as xr

from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError
from data_catalog.layout.checks import check_channels
from data_catalog.layout.variables import channel
from data_catalog.sources.archive_marks import LEDGER_NAME
from data_catalog.sources.files import open_files
from data_catalog.sources.locations import parse_location
from data_catalog.sources.open_source import between, on_dataset_grid, open_source
from data_catalog.storage.object_path import in_object_storage, object_path


def open_analysis(
    location: Path | str, channels: Sequence[str], static: Sequence[str] = (), *, ensemble: bool = False
) -> xr.Dataset:
    """Open an analysis from an archive, files or a URL, checked and lazy.

    Args:
        location: An archive, a NetCDF, GRIB or Zarr file in any readable layout, a directory of such files, or the URL
            of a Zarr group.
        channels: Channels to read, such as `z500`.
        static: Channels without time to read as well.
        ensemble: Whether an archive may hold ensembles of analyses.

    Returns:
        These channels, dims (time, [member,] latitude, longitude) or (latitude, longitude).

    Raises:
        InvalidDataError: A channel is missing, or the data is invalid.
        ConfigurationError: The location does not exist, or a name is not a channel.
    """
    wanted = [channel(name).name for name in (*channels, *static)]
    place = parse_location(location)
    if _has_ledger(place):
        analysis = open_archive(object_path(place))
        check_channels(analysis, wanted, where=str(place))
        if "member" in analysis.dims and not ensemble:
            raise InvalidDataError(
                f"{place}: expected one analysis a time, found {analysis.sizes['member']} members; "
                "'plumecast forecast --analysis' starts from them"
            )
        return analysis[wanted]
    return open_files(place, channels, static)


def open_dataset_source(
    entry: DatasetEntry, location: str | None = None, start: date | None = None, end: date | None = None
) -> xr.Dataset:
    """Open the data of a catalogue entry; an archive, such as of another machine, is read through its ledger.

    Args:
        entry: Catalogue entry of the dataset.
        location: Path or URL to read instead of the entry's own location.
        start: First day; None for the first available day.
        end: Last day, inclusive; None for the last available day.

    Returns:
        Exactly the entry's channels and static channels, at the selected times.

    Raises:
        ConfigurationError: The entry has no location and none was given.
        InvalidDataError: The source does not match the entry.
        MissingDataError: Nothing has been published yet for these days, or the source cannot be reached.
    """
    if location is None or not _has_ledger(parse_location(location)):
        return open_source(entry, location, start, end)
    where = f"{entry.name} ({location})"
    analysis = open_analysis(location, entry.channels, entry.static, ensemble=entry.members is not None)
    return on_dataset_grid(entry, between(analysis, start, end, where=where), where=where)


def _has_ledger(place: Path | str) -> bool:
    if isinstance(place, str) and not in_object_storage(place):
        return False
    return (object_path(place) / LEDGER_NAME).is_file()
