"""The climatology of an archive, a Zarr group beside it that knows which values it was computed from.

<dataset>.climatology.zarr/     dims (hour, dayofyear, latitude, longitude), as WeatherBench2 has them
  t2m  t2m_std  t2m_quantile ...
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from data_catalog.archive.climatology_writing import ClimatologySettings, write_climatology
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.reading import open_archive
from data_catalog.archive.workers import Workers
from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.layout.times import day, minute
from data_catalog.sources.open_source import between
from data_catalog.sources.reading import in_stored_chunks
from data_catalog.sources.zarr_stores import is_zarr, open_complete
from data_catalog.statistics.daily_climatology import WINDOW_DAYS, Calendar
from data_catalog.storage.atomic_files import atomic_path, disk_errors
from data_catalog.storage.locks import lock

_STATE, _FIRST, _LAST = "values_identity", "first_time", "last_time"


def climatology_path(archive: Path) -> Path:
    """Return the path of an archive's climatology, beside it.

    Args:
        archive: Directory of the archive.
    """
    return archive.with_name(f"{archive.stem}.climatology.zarr")


def make_climatology(
    archive: Path,
    settings: ClimatologySettings | None = None,
    *,
    on_progress: Callable[[int], None] | None = None,
    workers: Workers | None = None,
) -> Path:
    """Compute the climatology of an archive and write it beside the archive; one that is up to date stays.

    Args:
        archive: Directory of the archive.
        settings: Period, quantiles and memory.
        on_progress: Called with the number of channels that are done.
        workers: What reads the archive and computes statistics; None for threads of this process.

    Returns:
        Its path.

    Raises:
        MissingDataError: There is no archive, it has no time in the period, or another process is at work on this.
        InvalidDataError: The archive is damaged, or its times leave days of the year without any.
        ConfigurationError: The disk cannot be written.
    """
    wanted = settings or ClimatologySettings()
    path = climatology_path(archive)
    analysis = between(open_archive(archive), wanted.start, wanted.end, where=str(archive))
    if "member" in analysis.dims:
        raise InvalidDataError(f"{archive}: expected single analyses, found ensembles of {analysis.sizes['member']}")
    attributes = _attributes(analysis, Ledger.read(archive), wanted)
    with lock(path.with_name(f"{path.name}.lock"), f"{path}: climatology"):
        if path.exists() and _stored_attributes(path) == attributes:
            return path
        calendar = Calendar.of(analysis["time"].values, where=str(archive))
        with atomic_path(path) as partial, disk_errors(path):
            described = analysis.drop_attrs(deep=False).assign_attrs(attributes)
            write_climatology(described, calendar, wanted, partial, on_progress, workers)
    return path


def open_climatology(archive: Path) -> xr.Dataset:
    """Open the climatology of an archive lazily, if the archive still holds the values that it was computed from.

    Args:
        archive: Directory of the archive.

    Returns:
        By channel: mean, `<channel>_std` and `<channel>_quantile`, dims ([quantile,] hour, dayofyear, latitude,
        longitude), units of the channel. Attributes name the period.

    Raises:
        MissingDataError: There is no climatology yet.
        InvalidDataError: Values of its period have changed, or have been added, since it was made.
    """
    path = climatology_path(archive)
    ledger = Ledger.read(archive)
    way_out = f"'plumecast climatology {ledger.header.dataset}' makes it"
    if not is_zarr(path):
        raise MissingDataError(f"{path}: expected the climatology of the archive, found none; {way_out}")
    dataset = open_complete(path)
    first, last = (np.datetime64(str(dataset.attrs.get(key, "NaT")), "ns") for key in (_FIRST, _LAST))
    if dataset.attrs.get(_STATE) != _values_identity(ledger, first, last):
        raise InvalidDataError(
            f"{path}: expected a climatology of the values in the archive, found one of values before they were "
            f"corrected or completed; 'plumecast climatology {ledger.header.dataset} --start {day(first)} --end "
            f"{day(last)}' makes it anew"
        )
    return in_stored_chunks(dataset, str(path))


def _values_identity(ledger: Ledger, first: np.datetime64, last: np.datetime64) -> str:
    """SHA-256 of the values of a period, independent of what is before and after it."""
    record = ledger.header.as_record()
    kept = {key: record[key] for key in ("dataset", "channels", "latitude", "longitude")}
    sha = hashlib.sha256(json.dumps(kept, sort_keys=True).encode())
    for time, digest in sorted(ledger.digest_by_time().items()):
        if first <= time <= last:
            sha.update(f"{time} {digest}\n".encode())
    return sha.hexdigest()


def _attributes(analysis: xr.Dataset, ledger: Ledger, settings: ClimatologySettings) -> dict[str, Any]:
    times = analysis["time"].values
    first, last = times[0], times[-1]
    return {
        "Conventions": "CF-1.11",
        "title": f"Climatology of {analysis.attrs.get('title', ledger.header.dataset)}",
        "dataset": ledger.header.dataset,
        "simulated": analysis.attrs.get("simulated", "false"),
        "license": analysis.attrs.get("license", ""),
        "references": "doi:10.1029/2023MS004019",
        "comment": f"triangular window of {WINDOW_DAYS} days; day 366 of a common year is its day 365",
        "quantiles": [float(quantile) for quantile in settings.quantiles],
        "times": len(times),
        _FIRST: minute(first),
        _LAST: minute(last),
        _STATE: _values_identity(ledger, first, last),
    }


def _stored_attributes(path: Path) -> Mapping[str, Any]:
    try:
        return dict(open_complete(path).attrs)
    except (InvalidDataError, MissingDataError):
        return {}
