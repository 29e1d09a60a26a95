"""Asks a source again for the times that an archive lacks."""

import logging
from datetime import datetime
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.archive.analysis import open_dataset_source
from data_catalog.archive.ingest import ingest, note_asked
from data_catalog.archive.ledger import Ledger
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError, MissingDataError, NeverAvailableError, UnreachableError
from data_catalog.layout.coordinates import at_times
from data_catalog.layout.times import iso
from data_catalog.sources.absences import Absence, absences_of

logger = logging.getLogger("plumecast")


def fill_holes(entry: DatasetEntry, archive: Path, source: str | None = None) -> int:
    """Ask a source for times that an archive lacks between its first and its last, and for final values of old ones.

    A hole that the source states it will never have is left out; one that it does not have now is recorded with the
    reason, and is asked for again the next time. Nothing is recorded of an outage. What is wrong with a hole's values
    never stops an ingest.

    Args:
        entry: Catalogue entry of the dataset.
        archive: Path of the archive.
        source: Path or URL to use instead of the catalogue's source.

    Returns:
        The number of times that were filled.

    Raises:
        MissingDataError: There is no archive, or another process is writing to it.
        InvalidDataError: The archive is damaged.
    """
    ledger = Ledger.read(archive)
    windows = ledger.holes.wanted(ledger.arrival_times())
    filled = sum(_filled(entry, archive, source, first, last) for first, last in windows)
    for first, last in ledger.releases.wanted():
        _make_final(entry, archive, source, first, last)
    return filled


def _make_final(
    entry: DatasetEntry, archive: Path, source: str | None, first: np.datetime64, last: np.datetime64
) -> None:
    """Ask for times that are preliminary, and replace those that are final now."""
    try:
        replaced = ingest(entry, open_dataset_source(entry, source, moment(first), moment(last)), archive).replaced
    except (MissingDataError, InvalidDataError) as error:
        logger.info("%s: still preliminary from %s to %s: %s", archive, iso(first), iso(last), error)
    else:
        logger.info("%s: %s preliminary times from %s to %s replaced", archive, replaced, iso(first), iso(last))


def _filled(entry: DatasetEntry, archive: Path, source: str | None, first: np.datetime64, last: np.datetime64) -> int:
    """Ask for one window of holes; return how many were filled."""
    try:
        offered = open_dataset_source(entry, source, moment(first), moment(last))
        absences, lacking = absences_of(offered), _lacking(offered, archive)
        added = ingest(entry, at_times(offered, lacking), archive).added if lacking.size else 0
    except UnreachableError as error:  # says nothing about the data: what the ledger says of the hole stays
        logger.info("%s: %s to %s not asked for: %s", archive, iso(first), iso(last), error)
        return 0
    except (MissingDataError, InvalidDataError) as error:
        logger.info("%s: still nothing from %s to %s: %s", archive, iso(first), iso(last), error)
        absences, added = (Absence("", "", str(error), isinstance(error, NeverAvailableError)),), 0
    note_asked(archive, first, last, absences)
    return added


def _lacking(offered: xr.Dataset, archive: Path) -> NDArray[np.intp]:
    """Positions of the times of an analysis that an archive does not have."""
    return np.flatnonzero(~np.isin(offered["time"].values, Ledger.read(archive).arrival_times()))


def moment(time: np.datetime64) -> datetime:
    """Return a time as Python's own."""
    found = time.astype("datetime64[us]").item()
    assert isinstance(found, datetime)
    return found
