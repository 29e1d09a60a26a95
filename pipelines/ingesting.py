"""Source to archive."""

import logging
from datetime import date
from pathlib import Path

from data_catalog.archive import IngestSummary, ingest, inspect_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.sources import open_source
from pipelines.progress import progress

logger = logging.getLogger("plumecast")


def ingest_dataset(
    entry: DatasetEntry,
    archive: Path,
    *,
    source: str | None = None,
    start: date | None = None,
    end: date | None = None,
) -> IngestSummary:
    """Bring a dataset's archive up to date: append what is new, heal holes, go on where a killed ingest stopped.

    Args:
        entry: What to ingest.
        archive: The archive, made if absent.
        source: Path or URL in place of the catalogue's.
        start: First time wanted; the dataset's first when None.
        end: Last time wanted; the latest that there is when None.

    Raises:
        MissingDataError: The source has nothing for these times yet.
        InvalidDataError: The source is wrong, or contradicts what is archived.
        ConfigurationError: The source is unknown.
    """
    analysis = open_source(entry, source, start, end)
    total = int(analysis.sizes["time"])
    with progress(f"Ingest {entry.name}", total, "times") as advance:
        return ingest(entry, analysis, archive, on_progress=lambda done, _: advance(done))


def first_wanted(archive: Path) -> date | None:
    """Time from which a scheduled ingest asks its source: the archive's first hole, else its last time.

    The last time is asked for again so that a source that changed its mind is noticed. None without an archive.
    """
    if not archive.exists():
        return None
    state = inspect_archive(archive, deep=False)
    return min(state.holes, default=state.last_time)
