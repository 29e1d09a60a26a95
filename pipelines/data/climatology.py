"""Computes the climatology of an archive, for a command."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from data_catalog.archive.climatology import make_climatology, open_climatology
from data_catalog.archive.climatology_writing import ClimatologySettings
from data_catalog.archive.state import inspect_archive
from data_catalog.archive.workers import Workers
from data_catalog.statistics.daily_climatology import QUANTILES
from pipelines.terminal.progress import progress

_GIGABYTE = 1e9


def print_climatology(
    archive: Path,
    start: date | None,
    end: date | None,
    *,
    quantiles: Sequence[float] | None,
    memory_gb: float,
    workers: Workers | None = None,
) -> None:
    """Compute the climatology of an archive, unless it is up to date, and print where it is and what is in it.

    Args:
        archive: Path of the archive.
        start: First day; None for the archive's.
        end: Last day; None for the archive's.
        quantiles: Ascending; None for the usual ones.
        memory_gb: Memory to use, about.
        workers: What reads the archive and computes statistics; None for threads of this process.

    Raises:
        MissingDataError: There is no archive, or it has no time in the period.
        InvalidDataError: The archive is damaged, or its times leave days of the year without any.
    """
    chosen = QUANTILES if quantiles is None else tuple(quantiles)
    settings = ClimatologySettings(start, end, chosen, int(memory_gb * _GIGABYTE))
    channels = len(inspect_archive(archive, deep=False).channels)
    with progress(f"Climatology of {archive.stem}", channels, "channels") as advance:
        path = make_climatology(archive, settings, on_progress=advance, workers=workers)
    found = open_climatology(archive).attrs
    print(f"{path}: {channels} channels from {found['times']} times, {found['first_time']} to {found['last_time']}")
