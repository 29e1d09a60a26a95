"""Proves and mends the archive of a dataset, for a command."""

from collections.abc import Callable
from pathlib import Path

import xarray as xr

from data_catalog.archive.analysis import open_dataset_source
from data_catalog.archive.healing import archive_faults, counted, heal_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError
from pipelines.data.ingest import check_has_source


def print_proof(entry: DatasetEntry, archive: Path) -> None:
    """Read every byte of an archive, and print one line for each fault.

    Args:
        entry: Catalogue entry of the dataset.
        archive: Path of the archive.

    Raises:
        MissingDataError: There is no archive.
        InvalidDataError: The archive has faults; raised after they have been printed.
    """
    faults = archive_faults(archive)
    for fault in faults:
        print(fault)
    if faults:
        way_out = f"'plumecast archive heal {entry.name}' mends them"
        raise InvalidDataError(f"archive {archive}: expected no faults, found {len(faults)}; {way_out}")
    print(f"{archive}: sound, every byte read")


def mend(entry: DatasetEntry, archive: Path, *, source: str | None = None) -> None:
    """Mend an archive, and print one line for each fault that was mended.

    Args:
        entry: Catalogue entry of the dataset.
        archive: Path of the archive.
        source: Path or URL to use instead of the catalogue's source.

    Raises:
        MissingDataError: There is no archive.
        InvalidDataError: The source cannot mend all of it.
        ConfigurationError: A source is needed, and there is none.
    """
    mended = heal_archive(entry, archive, _opening(entry, source))
    for fault in mended:
        print(f"mended: {fault}")
    print(f"{archive}: sound, {counted(mended)} mended")


def _opening(entry: DatasetEntry, source: str | None) -> Callable[[], xr.Dataset]:
    def opened() -> xr.Dataset:
        check_has_source(entry, source)
        return open_dataset_source(entry, source)

    return opened
