"""Opens the data of a catalogue entry with the adapter for its kind of source."""

from datetime import date, datetime
from importlib.metadata import entry_points

import numpy as np
import xarray as xr

from data_catalog.catalog import SOURCE_GROUP, DatasetEntry, source_names
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError, NeverAvailableError
from data_catalog.layout.canonical import canonicalise
from data_catalog.layout.checks import check_analysis
from data_catalog.layout.coordinates import at_times
from data_catalog.layout.times import FIRST_YEAR, LAST_YEAR, iso, span
from data_catalog.sources.absences import absence_at, absences_of
from data_catalog.sources.any_grid import open_any_grid
from data_catalog.sources.arco_era5 import open_arco_era5
from data_catalog.sources.bundled import open_bundled
from data_catalog.sources.cds.opening import open_cds
from data_catalog.sources.ecmwf_open_data import open_ecmwf_open_data
from data_catalog.sources.files import open_files
from data_catalog.sources.gefs import open_gefs
from data_catalog.sources.gfs import open_gfs
from data_catalog.sources.ncep_r1 import open_ncep_r1
from data_catalog.sources.speedy.opening import open_speedy
from data_catalog.sources.weatherbench2 import open_weatherbench2
from data_catalog.statistics.regridding import regrid

_DATED = {"ecmwf-open-data": open_ecmwf_open_data, "gfs": open_gfs, "ncep-r1": open_ncep_r1}
"""Sources that look for each time of a period."""
MONTHLY_SOURCES = frozenset({"ecmwf-open-data", "gfs", "gefs", "cds"})
"""Sources that ask for something of each time before they open: they are opened a month at a time."""
YEARLY_SOURCES = frozenset({"ncep-r1", "speedy"})
"""Sources with files of a year each, or that take long to make a year."""
_WITH_STEPS = {"arco-era5": open_arco_era5, "weatherbench2": open_weatherbench2}
"""Sources that take only the times of the dataset's step."""


def open_source(
    entry: DatasetEntry, location: str | None = None, start: date | None = None, end: date | None = None
) -> xr.Dataset:
    """Open the data of a catalogue entry as a checked, lazy analysis.

    Args:
        entry: Catalogue entry of the dataset.
        location: Path or URL to read instead of the entry's own location.
        start: First day; None for the first available day (of a remote source: the first in the entry's period).
        end: Last day, inclusive; None for the last available day.

    Returns:
        Exactly the entry's channels and static channels, at the selected times, on the entry's grid if it names a
        method of regridding.

    Raises:
        ConfigurationError: The entry has no location and none was given.
        InvalidDataError: The source does not match the entry.
        MissingDataError: Nothing has been published yet for these days, or the source cannot be reached.
    """
    place = location or entry.location
    if place is None and entry.source == "bundled":
        analysis = open_bundled(entry.channels, entry.static)
    elif entry.source == "speedy":
        analysis = open_speedy(
            place, entry.channels, entry.static, step_hours=entry.step_hours, start=start or entry.period_start,
            end=end or entry.period_end,
        )  # fmt: skip
    elif place is None:
        raise ConfigurationError(f"{entry.name}: expected the location of its data, found none (it has no default)")
    elif entry.source in _WITH_STEPS:
        analysis = _WITH_STEPS[entry.source](place, entry.channels, entry.static, step_hours=entry.step_hours)
    elif entry.source in (*_DATED, "gefs", "cds"):
        analysis = _opened_dated(entry, place, start or entry.period_start, end or entry.period_end)
    elif entry.source in ("files", "bundled"):
        if entry.regrid is None:
            analysis = open_files(
                place, entry.channels, entry.static, ensemble=entry.members is not None,
                chunks_below=entry.chunks_below, years=_years(start, end),
            )  # fmt: skip
        else:
            analysis = open_any_grid(place, entry.channels, entry.static, chunks_below=entry.chunks_below)
    else:
        analysis = _from_plugin(entry, place)
    if entry.is_remote:
        start = start or entry.period_start
        end = end or entry.period_end
    where = f"{entry.name} ({place or entry.source})"
    return on_dataset_grid(entry, between(analysis, start, end, where=where), where=where)


def _years(start: date | None, end: date | None) -> tuple[int, int] | None:
    """First and last year of a period; None for all."""
    if start is None and end is None:
        return None
    return FIRST_YEAR if start is None else start.year, LAST_YEAR if end is None else end.year


def _opened_dated(entry: DatasetEntry, place: str, first: date, last: date | None) -> xr.Dataset:
    if entry.source == "gefs":
        return open_gefs(
            place, entry.channels, entry.static, step_hours=entry.step_hours, start=first, end=last,
            members=entry.members,
        )  # fmt: skip
    hours = entry.step_hours
    if entry.source == "cds":
        grid = None if entry.grid is None or entry.regrid is not None else entry.grid.coordinates()
        return open_cds(
            place, entry.channels, entry.static, step_hours=hours, start=first, end=last, grid=grid,
            members=entry.members,
        )  # fmt: skip
    return _DATED[entry.source](place, entry.channels, entry.static, step_hours=hours, start=first, end=last)


def on_dataset_grid(entry: DatasetEntry, analysis: xr.Dataset, *, where: str) -> xr.Dataset:
    """Bring an analysis to the grid of its dataset, if the dataset names a method of regridding.

    Args:
        entry: Catalogue entry of the dataset.
        analysis: In canonical layout, or on a curvilinear grid.
        where: File or dataset; errors start with it.

    Raises:
        InvalidDataError: The analysis does not cover the grid.
        ConfigurationError: The method cannot be used with the grid of the analysis.
    """
    if entry.regrid is None or entry.grid is None:
        return analysis
    return regrid(analysis, *entry.grid.coordinates(), entry.regrid, where=where)


def _from_plugin(entry: DatasetEntry, place: str) -> xr.Dataset:
    """Open a location with the source of another package; what it returns is made canonical and checked here."""
    found = next(iter(entry_points(group=SOURCE_GROUP, name=entry.source)), None)
    if found is None:
        raise ConfigurationError(
            f"{entry.name}: source: expected one of {', '.join(source_names())}, found '{entry.source}'; "
            "install the package that has it"
        )
    where = f"{entry.name} ({place})"
    try:
        opened = found.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"{entry.name}: source '{entry.source}': expected {found.value}, found {error}"
        ) from error
    raw = opened(place, entry.channels, entry.static, step_hours=entry.step_hours)
    if not isinstance(raw, xr.Dataset):
        raise ConfigurationError(f"{where}: expected a Dataset of source '{entry.source}', found {type(raw).__name__}")
    ensemble = entry.members is not None
    return check_analysis(canonicalise(raw, entry.channels, entry.static, where=where, ensemble=ensemble), where=where)


def between(analysis: xr.Dataset, start: date | None, end: date | None, *, where: str) -> xr.Dataset:
    """Select the times of an analysis from `start` to `end`.

    Args:
        analysis: Analysis with increasing `time`.
        start: First time; None for the first available time.
        end: Last time, inclusive (for a date, the whole day); None for the last available time.
        where: File or dataset; errors start with it.

    Raises:
        MissingDataError: The analysis ends before `start`.
        NeverAvailableError: The source states that it will never have a time in this range.
        InvalidDataError: The analysis has no time in this range for another reason.
    """
    times = analysis["time"].values
    first = None if start is None else np.datetime64(start, "ns")
    last = None if end is None else end_of(end)
    inside = np.ones(len(times), bool) if first is None else times >= first
    chosen = np.flatnonzero(inside if last is None else inside & (times <= last))
    if chosen.size == len(times):
        return analysis
    if not chosen.size:
        wanted = [f"{word} {iso(time)}" for word, time in (("from", first), ("to", last)) if time is not None]
        stated = None if first is None or last is None else absence_at(absences_of(analysis), first, last)
        if stated is not None and stated.never:
            raise NeverAvailableError(f"{where}: expected times {' '.join(wanted)}, found none: {stated.reason}")
        kind = MissingDataError if first is not None and first > times[-1] else InvalidDataError
        raise kind(f"{where}: expected times {' '.join(wanted)}, found {span(times)}")
    return at_times(analysis, chosen)


def end_of(end: date) -> np.datetime64:
    """Return the last moment of a day, or the moment itself if a time of day is given.

    Args:
        end: Day, or time in UTC.
    """
    moment = np.datetime64(end, "ns")
    return moment if isinstance(end, datetime) else moment + np.timedelta64(1, "D") - np.timedelta64(1, "ns")
