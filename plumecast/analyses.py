"""Analyses as datasets."""

from pathlib import Path

import xarray as xr

from data_catalog.archive import reading
from data_catalog.catalog import dataset, dataset_names
from data_catalog.errors import ConfigurationError, MissingDataError
from data_catalog.sources.open_source import open_source
from pipelines.workspace.home import home as find_home


def open_archive(archive: str | Path, *, home: str | Path | None = None) -> xr.Dataset:
    """Open an analysis, lazily.

    Every chunk is checked against its hash when it is read, so a damaged or missing one is an error and never a NaN.

    Args:
        archive: Name of a dataset of the catalogue, or the directory of an archive (`<dataset>.zarr`). A name means
            the dataset's archive in `home`; where nothing has been archived of a dataset that the package ships a
            sample of (`speedy-5p6`), it means that sample.
        home: Directory that holds `archives/`; PLUMECAST_HOME, or else ./plumecast-data, when None.

    Returns:
        One float32 variable per channel, such as `t2m`, in SI units, dims (time, latitude, longitude), or (latitude,
        longitude) for what never changes, such as `orography`. Times (UTC), latitudes and longitudes ascend.

    Raises:
        ConfigurationError: It is neither the name of a dataset nor a directory.
        MissingDataError: The dataset has not been archived yet.
        InvalidDataError: The archive is damaged.
    """
    if str(archive) in dataset_names():
        return _open_dataset(str(archive), None if home is None else Path(home))
    path = Path(archive).expanduser()
    if not path.is_dir():
        known = ", ".join(dataset_names())
        raise ConfigurationError(f"archive '{archive}': expected a directory or one of {known}, found neither")
    return reading.open_archive(path)


def _open_dataset(name: str, home: Path | None) -> xr.Dataset:
    entry, path = dataset(name), find_home(home).archive(name)
    if path.exists():
        return reading.open_archive(path)
    if entry.source == "bundled":
        return open_source(entry)
    raise MissingDataError(f"archive of '{name}': expected {path}, found none; make it with 'plumecast ingest {name}'")
