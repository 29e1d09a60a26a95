"""What a path or URL holds, a Zarr store or a file in NetCDF or GRIB, and the one way to open it."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

import xarray as xr

from data_catalog.errors import PlumecastError
from data_catalog.sources.grib.opening import SUFFIXES as GRIB_SUFFIXES
from data_catalog.sources.grib.opening import is_grib, open_grib
from data_catalog.sources.locations import Location
from data_catalog.sources.reading import netcdf_dataset
from data_catalog.sources.references import are_references
from data_catalog.sources.remote_files import RemoteFile
from data_catalog.sources.remote_netcdf import remote_netcdf_dataset
from data_catalog.sources.zarr_stores import open_complete

Format = Literal["zarr", "netcdf", "grib"]
NETCDF_SUFFIXES = frozenset({".nc", ".nc3", ".nc4", ".cdf", ".netcdf"})
_FIRST_BYTES: tuple[tuple[bytes, Format], ...] = ((b"GRIB", "grib"), (b"CDF", "netcdf"), (b"\x89HDF", "netcdf"))


def format_of(place: Location) -> Format:
    """Return what a place holds: of a path by its first bytes, of a URL by its name or, with an odd one, likewise.

    Args:
        place: Path of a file or directory, or URL.
    """
    if are_references(place):
        return "zarr"
    if isinstance(place, Path):
        return "zarr" if place.is_dir() else "grib" if is_grib(place) else "netcdf"
    suffix = PurePosixPath(urlsplit(place).path).suffix.lower()
    if suffix in GRIB_SUFFIXES:
        return "grib"
    if suffix in NETCDF_SUFFIXES:
        return "netcdf"
    return "zarr" if not suffix or suffix.startswith(".zarr") else _by_first_bytes(place)


def _by_first_bytes(url: str) -> Format:
    try:
        start = RemoteFile.at(url).read(0, 4)
    except PlumecastError:
        return "zarr"
    return next((kind for first, kind in _FIRST_BYTES if start.startswith(first)), "zarr")


def open_stored(
    place: Location, *, forecast: bool = False, decode_timedelta: bool = False, chunks_below: Sequence[str] = ()
) -> list[xr.Dataset]:
    """Open what a place holds lazily, as it is.

    Args:
        place: Path of a file or store, or URL.
        forecast: Whether a forecast is wanted, where a GRIB file holds analyses and forecasts of a field.
        decode_timedelta: Whether to decode durations.
        chunks_below: Folders and URLs that references of kerchunk may refer to besides their own.

    Returns:
        One dataset; of a GRIB file, one for each grid and each set of times.

    Raises:
        ConfigurationError: GRIB cannot be read here.
        InvalidDataError: It is damaged, or of an unknown format.
        MissingDataError: It cannot be reached.
    """
    kind = format_of(place)
    if kind == "zarr":
        return [open_complete(place, decode_timedelta=decode_timedelta, chunks_below=chunks_below)]
    if kind == "grib":
        return open_grib(place, forecast=forecast)
    if isinstance(place, str):
        return [remote_netcdf_dataset(place, decode_timedelta=decode_timedelta)]
    return [netcdf_dataset(place, decode_timedelta=decode_timedelta)]
