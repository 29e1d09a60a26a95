"""Analyses that lie in a GRIB file a time below a URL, with an index beside each file."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

import numpy as np
import xarray as xr

from data_catalog.clock import utc_now
from data_catalog.errors import ConfigurationError, MissingDataError
from data_catalog.layout.times import iso
from data_catalog.sources.grib.remote import Index, IndexedFile, open_indexed
from data_catalog.sources.remote_files import RemoteFiles, in_parallel

HOURS_BETWEEN = 6
"""Hours between the analyses of a global centre."""
_HOUR = np.timedelta64(1, "h")
ReadIndex: TypeAlias = Callable[[bytes, str], Index]
"""Reads an index, given its content and its URL."""


@dataclass(frozen=True)
class Address:
    """Where the analysis of a time lies.

    Attributes:
        path: Path of the GRIB file below the root.
        index_path: Path of its index.
    """

    path: str
    index_path: str


@dataclass(frozen=True)
class Layout:
    """How files are named from some time on.

    Attributes:
        since: First analysis, UTC.
        pattern: Path below the root, with `{day}` as YYYYMMDD, `{hour}` as HH, and `{lead}`.
    """

    since: np.datetime64
    pattern: str

    def path(self, start: np.datetime64, lead_hours: int = 0) -> str:
        """Return the path of a file.

        Args:
            start: Time of the analysis, or start of the forecast, UTC.
            lead_hours: Lead time.
        """
        return self.pattern.format(day=compact_day(start), hour=f"{hour_of(start):02d}", lead=lead_hours)


def compact_day(start: np.datetime64) -> str:
    """Return the day of a time as YYYYMMDD.

    Args:
        start: UTC.
    """
    return str(start.astype("M8[D]")).replace("-", "")


def hour_of(start: np.datetime64) -> int:
    """Return the hour of a time.

    Args:
        start: UTC.
    """
    return int(start.astype("M8[h]").astype(int) % 24)


def likely_layouts(layouts: Sequence[Layout], start: np.datetime64) -> list[Layout]:
    """Return the layouts that a file may have: that of its time, then others unless the last has been used for a month.

    Centres say on which day a layout changes, and buckets have had both around it.

    Args:
        layouts: Layouts, the earliest first.
        start: Time of the analysis, UTC.
    """
    newest_first = list(reversed(layouts))
    if start >= newest_first[0].since + 30 * 24 * _HOUR:
        return newest_first[:1]
    return sorted(newest_first, key=lambda layout: layout.since > start)


def open_analyses(
    location: str,
    channels: Sequence[str],
    static: Sequence[str],
    *,
    starts: Sequence[np.datetime64],
    addresses: Callable[[np.datetime64, int], Sequence[Address]],
    read_index: ReadIndex,
    members: int | None = None,
) -> xr.Dataset:
    """Open the analyses of some times as a checked, lazy analysis; those that are not there are holes.

    Args:
        location: Root of the store.
        channels: Channels to read.
        static: Channels without time, which are read from the first file.
        starts: Times, UTC.
        addresses: Where the analysis of a time and member may lie, the likeliest first.
        read_index: Reads an index.
        members: How many members each analysis has; None for single analyses. A time that lacks one is a hole.

    Raises:
        InvalidDataError: A file lacks a channel.
        MissingDataError: None of these times is there, or the store cannot be reached.
    """
    store = RemoteFiles(location.rstrip("/"))

    def indexed(wanted: tuple[np.datetime64, int]) -> IndexedFile | None:
        start, member = wanted
        for address in addresses(start, member):
            index = store.read_small(address.index_path, read_index)
            if index is not None:
                return IndexedFile(start, start, address.path, index, member)
        return None

    numbers = range(members or 1)
    found = [file for file in in_parallel(indexed, [(start, one) for start in starts for one in numbers]) if file]
    there = Counter(file.init_time for file in found)
    files = [file for file in found if there[file.init_time] == len(numbers)]
    if not files:
        span = f"from {iso(starts[0])} to {iso(starts[-1])}" if starts else "of a period"
        raise MissingDataError(f"{location}: expected analyses {span}, found none there")
    return open_indexed(store.location, files, channels, static, ensemble=members is not None)


def wanted_times(
    start: date, end: date | None, step_hours: int, *, where: str, hours_between: int = HOURS_BETWEEN
) -> list[np.datetime64]:
    """Return the times of a period at multiples of a step after 00 UTC.

    Args:
        start: First time.
        end: Last time, inclusive (for a date, the whole day); None for now.
        step_hours: Hours between times.
        where: URL; the error starts with it.
        hours_between: Hours between the times that there are.

    Raises:
        ConfigurationError: The step is no multiple of the hours between the times that there are.
    """
    if step_hours % hours_between:
        raise ConfigurationError(
            f"{where}: expected a step that is a multiple of {hours_between} h, found {step_hours} h"
        )
    first = np.datetime64(start, "h")
    last = np.datetime64(utc_now().replace(tzinfo=None), "h") if end is None else np.datetime64(end, "h")
    if end is not None and not isinstance(end, datetime):
        last += 23 * _HOUR
    hours = np.arange(first, last + _HOUR, _HOUR)
    return list(hours[hours.astype(np.int64) % step_hours == 0])
