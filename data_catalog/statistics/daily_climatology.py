"""Climatology by hour of the day and day of the year, as WeatherBench2 has it: mean, spread and quantiles.

Each day of the year draws on the 61 days around it in all years, with weights that fall linearly with the distance.
Days are counted as the calendar does, 1 to 366; a common year gives its day 365 to day 366 as well.

Source: Rasp and others (2024), doi:10.1029/2023MS004019
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from data_catalog.layout.times import hours_of_day, iso, span
from data_catalog.statistics.windowed_quantiles import windowed_quantiles

DAYS = 366
WINDOW_DAYS = 61
"""Days of the window; the outermost two have no weight."""
QUANTILES = (0.01, 0.05, 0.1, 0.25, 1 / 3, 0.5, 2 / 3, 0.75, 0.9, 0.95, 0.99)
SPREAD, QUANTILE = "{}_std", "{}_quantile"
"""Names of the variables beside the mean, which has the name of its channel."""
_DAY = np.timedelta64(1, "D")
_DIMS = ("hour", "dayofyear")


@dataclass(frozen=True, eq=False)
class Calendar:
    """Which times count for which day of the year, at each hour of the day.

    Attributes:
        hours: Hours of the day of the times, ascending.
        rows: Positions of the times at each hour; a common year's last day stands there twice.
        days: Day of the year of each of them, from 0.
    """

    hours: NDArray[np.int64]
    rows: tuple[NDArray[np.intp], ...]
    days: tuple[NDArray[np.int64], ...]

    @classmethod
    def of(cls, times: NDArray[np.datetime64], *, where: str = "climatology") -> Self:
        """Sort times into the days of the year.

        Args:
            times: Increasing.
            where: Dataset, to begin an error with.

        Raises:
            InvalidDataError: At some hour of the day, a day of the year has no time in its window.
        """
        hour_of, day_of = hours_and_days(times)
        is_leap = _year_lengths(times) == DAYS
        last = np.flatnonzero((day_of == DAYS - 2) & ~is_leap)
        rows = np.concatenate([np.arange(len(times)), last])
        days = np.concatenate([day_of, np.full(len(last), DAYS - 1)])
        hours = np.unique(hour_of)
        chosen = [np.flatnonzero(hour_of[rows] == hour) for hour in hours]
        for hour, at in zip(hours, chosen, strict=True):
            counts = np.bincount(days[at], minlength=DAYS)
            if not (_weight_matrix() @ counts > 0).all():
                raise InvalidDataError(
                    f"{where}: expected times at {hour} UTC within {WINDOW_DAYS // 2} days of each day of the year, "
                    f"found {span(times)}"
                )
        return cls(hours, tuple(rows[at] for at in chosen), tuple(days[at] for at in chosen))


@dataclass(frozen=True, eq=False)
class DailyStatistics:
    """Statistics of one channel.

    Attributes:
        mean: (hour, day, point), float32.
        spread: Standard deviation, likewise.
        quantiles: (quantile, hour, day, point), float32.
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    quantiles: NDArray[np.float32]


def daily_statistics(
    values: NDArray[np.float32], calendar: Calendar, quantiles: Sequence[float] = QUANTILES
) -> DailyStatistics:
    """Compute mean, spread and quantiles for each hour of the day and day of the year.

    Args:
        values: (time, point); missing values count for nothing.
        calendar: Of the times.
        quantiles: Ascending, 0 to 1; may be none.
    """
    shape = len(calendar.hours), DAYS, values.shape[1]
    mean, spread = np.empty(shape, np.float32), np.empty(shape, np.float32)
    found = np.empty((len(quantiles), *shape), np.float32)
    for index, (rows, days) in enumerate(zip(calendar.rows, calendar.days, strict=True)):
        mean[index], spread[index] = _moments(values[rows], days)
        if len(quantiles):
            of_hour = windowed_quantiles(values[rows], days, _weights(), np.asarray(quantiles, np.float64))
            found[:, index] = of_hour
    return DailyStatistics(mean, spread, found)


def _moments(values: NDArray[np.float32], days: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weighted mean and standard deviation for each day, (day, point)."""
    present = ~np.isnan(values)
    weights, whole = _weight_matrix(), bool(present.all())
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = np.where(present, values, 0.0).sum(axis=0, dtype=np.float64) / present.sum(axis=0)
        apart = (values - middle) if whole else np.where(present, values - middle, 0.0)
        counts = _by_day((present[:, :1] if whole else present).astype(np.float64), days)
        total = weights @ counts
        offset = (weights @ _by_day(apart, days)) / total
        variance = (weights @ _by_day(apart**2, days)) / total - offset**2
        mean, spread = middle + offset, np.sqrt(np.maximum(variance, 0.0))
    return mean.astype(np.float32), np.where(total > 0, spread, np.nan).astype(np.float32)


def _by_day(values: NDArray[np.float64], days: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums of the values of each day of the year, (day, point)."""
    order = np.argsort(days, kind="stable")
    found, starts = np.unique(days[order], return_index=True)
    sums = np.zeros((DAYS, values.shape[1]))
    sums[found] = np.add.reduceat(values[order], starts, axis=0)
    return sums


def _weights() -> NDArray[np.float64]:
    """Weight of a day by its distance, 0 to half a year."""
    half = WINDOW_DAYS // 2
    weights: NDArray[np.float64] = np.clip(1.0 - np.arange(DAYS // 2 + 1) / half, 0.0, None)
    return weights


def _weight_matrix() -> NDArray[np.float64]:
    """Weight of each day in the window about each day, (day, day)."""
    apart = np.abs(np.arange(DAYS)[:, np.newaxis] - np.arange(DAYS))
    matrix: NDArray[np.float64] = _weights()[np.minimum(apart, DAYS - apart)]
    return matrix


def hours_and_days(times: NDArray[np.datetime64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return hour of the day and day of the year, from 0, of each time.

    Args:
        times: In any order.
    """
    days = (times.astype("datetime64[D]") - times.astype("datetime64[Y]").astype("datetime64[D]")) // _DAY
    return hours_of_day(times), days.astype(np.int64)


def _year_lengths(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    years = times.astype("datetime64[Y]")
    lengths: NDArray[np.int64] = ((years + 1).astype("datetime64[D]") - years.astype("datetime64[D]")).astype(np.int64)
    return lengths


def climatology_at(climatology: xr.Dataset, times: NDArray[np.datetime64]) -> xr.Dataset:
    """Return a climatology at given times.

    Args:
        climatology: By hour and day of the year, as `open_climatology` returns it.
        times: Of any year, at hours of the day that the climatology has.

    Returns:
        Each variable along `time` in place of hour and day of the year; lazy where the climatology is.

    Raises:
        InvalidDataError: A time is at another hour of the day.
    """
    times = np.atleast_1d(np.asarray(times)).astype("datetime64[ns]")
    hours, days = hours_and_days(times)
    known = climatology["hour"].values
    unknown = np.flatnonzero(~np.isin(hours, known))
    if unknown.size:
        raise InvalidDataError(
            f"climatology: expected an hour of the day among {known.tolist()}, found {iso(times[unknown[0]])}"
        )
    at_hour = xr.DataArray(np.searchsorted(known, hours), dims="time")
    at_day = xr.DataArray(days, dims="time")
    chosen = climatology.isel(hour=at_hour, dayofyear=at_day).drop_vars(_DIMS).assign_coords(time=times)
    return chosen.transpose("quantile", "time", ..., missing_dims="ignore")


def anomalies(analysis: xr.Dataset, climatology: xr.Dataset, *, standardised: bool = False) -> xr.Dataset:
    """Return the departures of an analysis from a climatology.

    Args:
        analysis: Channels along `time`, of which the climatology has some; others are left out.
        climatology: By hour and day of the year, on the same grid.
        standardised: Whether to divide by the standard deviation of each point, hour and day; missing where it is 0.

    Returns:
        Channels in their units, or without unit where standardised.

    Raises:
        InvalidDataError: They share no channel, lie on different grids, or a time is at an hour without climatology.
    """
    names = [name for name, field in analysis.items() if "time" in field.dims and name in climatology]
    if not names:
        raise InvalidDataError(f"climatology: expected a channel among {', '.join(map(str, analysis))}, found none")
    expected = climatology_at(climatology, analysis["time"].values)
    fields = {}
    for name in names:
        mean, spread = expected[name], expected[SPREAD.format(name)]
        try:
            mean, spread, field = xr.align(mean, spread, analysis[name], join="exact")
        except ValueError:
            raise InvalidDataError(f"{name}: expected analysis and climatology on one grid, found two") from None
        apart = field - mean
        units = "1" if standardised else field.attrs.get("units", "")
        apart = apart / spread.where(spread > 0) if standardised else apart
        fields[name] = apart.assign_attrs(units=units, long_name=f"anomaly of {field.attrs.get('long_name', name)}")
    return xr.Dataset(fields)
