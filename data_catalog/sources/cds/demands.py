"""What to ask the Climate Data Store for: ERA5 on a dataset's grid, month by month.

Source: ECMWF, "How to download ERA5" and "ERA5: data documentation"
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_catalog.errors import ConfigurationError
from data_catalog.layout.variables import channel

ON_LEVELS = "reanalysis-era5-pressure-levels"
SINGLE = "reanalysis-era5-single-levels"
ON_LEVEL = frozenset({"z", "t", "u", "v", "w", "q", "r"})
ON_SINGLE_LEVEL = frozenset(
    {"t2m", "d2m", "u10", "v10", "u100", "v100", "msl", "sp", "tcwv", "sst", "siconc", "swvl1", "cape", "tcc", "skt"}
)
"""Fields at a time; sums and means of an hour are not those of a dataset's step."""
STATIC_NAMES = {"orography": "geopotential", "lsm": "land_sea_mask"}
STATIC_DAY = date(2020, 1, 1)
"""Any day: these fields are the same at all times."""
MEMBERS = 10
"""Members of the ensemble of data assimilations, every 3 hours."""
DELAY_DAYS = 5
"""Days after which the preliminary release, ERA5T, is there."""


@dataclass(frozen=True)
class Demand:
    """A request to the Climate Data Store: some variables on some days of a month.

    Attributes:
        collection: Name of the dataset there.
        variables: Its names of the variables.
        levels: Pressure levels, hPa; none of single levels.
        days: Days of one month.
        hours: Hours of each day.
        options: Product, format, area and grid, as the service takes them.
    """

    collection: str
    variables: tuple[str, ...]
    levels: tuple[int, ...]
    days: tuple[date, ...]
    hours: tuple[int, ...]
    options: tuple[tuple[str, Any], ...]

    def inputs(self) -> dict[str, Any]:
        """Return the request as the service takes it."""
        levels = {"pressure_level": [str(level) for level in self.levels]} if self.levels else {}
        return {
            "variable": [*self.variables],
            **levels,
            "year": [f"{self.days[0].year}"],
            "month": [f"{self.days[0].month:02d}"],
            "day": [f"{day.day:02d}" for day in self.days],
            "time": [f"{hour:02d}:00" for hour in self.hours],
            **{name: [*value] if isinstance(value, tuple) else value for name, value in self.options},
        }

    @property
    def key(self) -> str:
        """What the request is remembered by."""
        text = json.dumps([self.collection, self.inputs()], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def words(self) -> str:
        """The request in a few words."""
        return f"{self.collection} of {self.days[0]} to {self.days[-1]}"

    def halves(self) -> tuple["Demand", ...]:
        """Return two requests for half of the days each; none for a single day."""
        middle = len(self.days) // 2
        return (replace(self, days=self.days[:middle]), replace(self, days=self.days[middle:])) if middle else ()


def demands_for(
    channels: Sequence[str], days: Sequence[date], step_hours: int, options: dict[str, Any], *, where: str
) -> list[Demand]:
    """Return a request for each month and kind of level.

    Args:
        channels: Channels with times.
        days: Days, ascending.
        step_hours: Hours between times.
        options: From `options_of`.
        where: URL; errors start with it.

    Raises:
        ConfigurationError: A channel is none that the service has at a time.
    """
    _check_names(channels, where)
    hours, found = tuple(range(0, 24, step_hours)) if step_hours < 24 else (0,), []
    wanted = [channel(name) for name in channels]
    at_levels = [one for one in wanted if one.level_hpa is not None]
    on_levels = tuple(dict.fromkeys(one.variable.era5_name for one in at_levels))
    levels = tuple(sorted({one.level_hpa for one in at_levels if one.level_hpa is not None}))
    single = tuple(one.variable.era5_name for one in wanted if one.level_hpa is None)
    fixed = _fixed(options)
    for month in _months(days):
        if on_levels:
            found.append(Demand(ON_LEVELS, on_levels, levels, month, hours, fixed))
        if single:
            found.append(Demand(SINGLE, single, (), month, hours, fixed))
    return found


def static_demand(static: Sequence[str], options: dict[str, Any], *, where: str) -> Demand:
    """Return the request for fields without time.

    Args:
        static: Their channels.
        options: From `options_of`.
        where: URL; errors start with it.

    Raises:
        ConfigurationError: A channel is none of these fields.
    """
    for name in static:
        if name not in STATIC_NAMES:
            raise ConfigurationError(f"{where}: expected static fields of {', '.join(STATIC_NAMES)}, found {name}")
    names = tuple(STATIC_NAMES[name] for name in static)
    return Demand(SINGLE, names, (), (STATIC_DAY,), (0,), _fixed(options | {"product_type": ["reanalysis"]}))


def _fixed(options: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((name, tuple(value) if isinstance(value, list) else value) for name, value in options.items()))


def options_of(
    grid: tuple[NDArray[np.float64], NDArray[np.float64]] | None, *, members: int | None, data_format: str, where: str
) -> dict[str, Any]:
    """Return product, format, area and grid of a request.

    Args:
        grid: Latitudes and longitudes of the dataset; None for the store's own grid.
        members: Number of members, 10, or None for the analysis.
        data_format: `grib` or `netcdf`.
        where: URL; errors start with it.

    Raises:
        ConfigurationError: The service cannot make the grid, or has not so many members.
    """
    if members not in (None, MEMBERS):
        raise ConfigurationError(f"{where}: expected members = {MEMBERS}, which ERA5 has, found {members}")
    product = "reanalysis" if members is None else "ensemble_members"
    options: dict[str, Any] = {"product_type": [product], "data_format": data_format, "download_format": "unarchived"}
    if grid is None:
        return options
    steps = [_step(axis, where) for axis in grid]
    (south, *_, north), (west, *_, east) = grid
    if east - west + steps[1] < 360 - 1e-6 or north - south < 180 - 1e-6:
        options["area"] = [float(north), float(west), float(south), float(east)]
    return options | {"grid": steps[::-1]}  # west to east first


def _step(axis: NDArray[np.float64], where: str) -> float:
    steps = np.diff(axis)
    if not steps.size or np.abs(steps - steps.mean()).max() > 1e-6:
        raise ConfigurationError(
            f"{where}: expected a grid of two or more evenly spaced rows and columns, found another; name a method to "
            "regrid with in the dataset file"
        )
    return round(float(steps.mean()), 6)


def days_until(start: date, end: date, today: date) -> list[date]:
    """Return the days of a period that the service may have.

    Args:
        start: First day.
        end: Last day.
        today: Today, UTC.
    """
    last = min(end, today - timedelta(days=DELAY_DAYS))
    return [start + timedelta(days=number) for number in range((last - start).days + 1)]


def _months(days: Sequence[date]) -> Iterator[tuple[date, ...]]:
    for _, month in groupby(days, lambda day: (day.year, day.month)):
        yield tuple(month)


def _check_names(channels: Sequence[str], where: str) -> None:
    for name in channels:
        one = channel(name)
        known = ON_SINGLE_LEVEL if one.level_hpa is None else ON_LEVEL
        if one.variable.short_name not in known:
            raise ConfigurationError(f"{where}: expected channels of {', '.join(sorted(known))}, found {name}")
