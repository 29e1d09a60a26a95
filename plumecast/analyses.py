"""Analyses as datasets."""

from pathlib import Path

import xarray as xr

from data_catalog.archive import reading
from data_catalog.archive.series_reading import open_series
from data_catalog.errors import ConfigurationError, MissingDataError
from data_catalog.sources.archive_marks import LEDGER_NAME
from data_catalog.sources.files import open_every_channel
from data_catalog.sources.open_source import open_source
from data_catalog.sources.zarr_stores import is_zarr
from data_catalog.storage.object_path import in_object_storage, object_path
from pipelines.workspace.datasets import find_dataset, known_names
from pipelines.workspace.home import Home
from pipelines.workspace.home import home as find_home


def open_archive(archive: str | Path, *, home: str | Path | None = None, series: bool = False) -> xr.Dataset:
    """Open an analysis, lazily.

    Values are checked as they are read: a damaged or missing chunk, or a NaN, is an error.

    Args:
        archive: Name of a dataset of the catalogue, directory of an archive (`<dataset>.zarr`), its URL in object
            storage (s3, gs, az), or a NetCDF or GRIB file or Zarr group in any layout that `plumecast ingest` reads. A
            name means the dataset's archive in `home`, or the bundled sample if there is no archive yet and the package
            has one (`speedy-5p6`).
        home: Directory that holds `archives/`; None for PLUMECAST_HOME, or else ./plumecast-data.
        series: Read from the archive's twin (`plumecast archive rechunk`), whose chunks are long in time: for series
            at few points. It must be as new as the archive.

    Returns:
        One float32 variable per channel, such as `t2m`, in SI units, dims (time, latitude, longitude), or (latitude,
        longitude) for static channels such as `orography`. Times (UTC), latitudes and longitudes ascend.

    Raises:
        ConfigurationError: There is no such dataset, file or directory.
        MissingDataError: The dataset has not been archived yet, or the twin is missing or older than the archive.
        InvalidDataError: The data is damaged, or is not an analysis.
    """
    place = find_home(None if home is None else Path(home))
    if str(archive) in known_names(place):
        return _open_dataset(str(archive), place, series=series)
    if in_object_storage(archive):
        return reading.open_archive(object_path(archive))
    path = Path(archive).expanduser()
    if path.is_file() or (is_zarr(path) and not (path / LEDGER_NAME).exists()):
        return open_every_channel(path)
    if path.is_dir():
        return open_series(path) if series else reading.open_archive(path)
    known = ", ".join(known_names(place))
    raise ConfigurationError(f"archive '{archive}': expected a path or one of {known}, found neither")


def _open_dataset(name: str, home: Home, *, series: bool) -> xr.Dataset:
    entry, path = find_dataset(home, name), home.archive(name)
    if path.exists():
        return open_series(path) if series else reading.open_archive(path)
    if entry.source == "bundled":
        return open_source(entry)
    raise MissingDataError(f"archive of '{name}': expected {path}, found none; make it with 'plumecast ingest {name}'")
