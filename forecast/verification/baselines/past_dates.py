"""Climatology as an ensemble: what the weather was on real past dates of the same season and hour."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.layout.times import iso
from forecast.verification.checks import UnscorableError

HALF_WINDOW_DAYS = 15
DAYS_IN_YEAR = 365.25
WHOLE_YEAR = 0.9
"""A year that lacks more than a tenth of its dates is not used."""
STEPS_PER_DEVIATION = 16
"""States are kept to 1/16 of a channel's standard deviation: a rounding error of 1.8 %, seen by no score."""


@dataclass(frozen=True)
class PastDates:
    """States of past dates.

    Attributes:
        times: (date,), increasing.
        levels: (date, space); whole steps above `base`.
        base: (space,); whole steps.
        step: (space,); size of a step in the channel's unit.
    """

    times: NDArray[np.datetime64]
    levels: NDArray[np.int16]
    base: NDArray[np.int32]
    step: NDArray[np.float64]

    def states(self, dates: NDArray[np.int64]) -> NDArray[np.float64]:
        """(len(dates), space): states in the channels' units."""
        return (self.levels[dates].astype(np.int32) + self.base) * self.step

    def candidates(self, valid_time: np.datetime64) -> NDArray[np.int64]:
        """(year, candidate): the dates of each year that may stand for a time, nearest in season first.

        Every year gives as many, so that the size of the ensemble is the same all year round: as many as fit within
        15 days on either side, one at least.

        Args:
            valid_time: To be stood for.
        """
        same_hour = np.flatnonzero(seconds_of_day(self.times) == seconds_of_day(np.asarray([valid_time]))[0])
        years = self.times[same_hour].astype("datetime64[Y]")
        distance = np.abs(_season(self.times[same_hour]) - _season(np.asarray([valid_time])))
        distance = np.minimum(distance, DAYS_IN_YEAR - distance)
        by_year = [same_hour[years == year][_nearest(distance[years == year])] for year in np.unique(years)]
        most = max(map(len, by_year), default=0)
        if most == 0:
            when = iso(valid_time)
            raise UnscorableError(f"climatology at {when}: expected past dates at that hour of the day, found none")
        full = [dates for dates in by_year if len(dates) >= WHOLE_YEAR * most]
        count = max(round((2 * HALF_WINDOW_DAYS + 1) * most / DAYS_IN_YEAR), 1)
        return np.stack([dates[:count] for dates in full])

    def to_dataset(self) -> xr.Dataset:
        """All of it."""
        return xr.Dataset(
            {
                "date": ("past_date", self.times),
                "date_levels": (("past_date", "space"), self.levels),
                "date_base": ("space", self.base),
                "date_step": ("space", self.step),
            }
        )

    @classmethod
    def from_dataset(cls, stored: xr.Dataset) -> Self:
        """What `to_dataset` gave.

        Args:
            stored: May hold more.
        """
        return cls(
            times=stored["date"].values.astype("datetime64[ns]"),
            levels=stored["date_levels"].values,
            base=stored["date_base"].values,
            step=stored["date_step"].values,
        )


def thinned(times: NDArray[np.datetime64], every: int) -> NDArray[np.int64]:
    """Positions of one day in `every`, counted from the start of each year so that all years keep the same dates.

    Args:
        times: Increasing.
        every: 1 keeps all.
    """
    day_of_year = (times.astype("datetime64[D]") - times.astype("datetime64[Y]").astype("datetime64[D]")).astype(int)
    return np.flatnonzero(day_of_year % every == 0)


def keep_dates(times: NDArray[np.datetime64], states: NDArray[Any], deviations: NDArray[np.float64]) -> PastDates:
    """Round states to whole steps.

    Args:
        times: (date,), increasing.
        states: (date, space), in the channels' units.
        deviations: (space,); standard deviation of the point's channel.
    """
    step = deviations / STEPS_PER_DEVIATION
    base = np.rint(states.mean(axis=0, dtype=np.float64) / step).astype(np.int32)
    levels = np.rint(states / step) - base
    limits = np.iinfo(np.int16)
    return PastDates(times, np.clip(levels, limits.min, limits.max).astype(np.int16), base, step)


def seconds_of_day(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Seconds since midnight."""
    seconds: NDArray[np.int64] = (times.astype("datetime64[s]") - times.astype("datetime64[D]")).astype(np.int64)
    return seconds


def _season(times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    years = times.astype("datetime64[Y]")
    length = (years + 1).astype("datetime64[s]") - years.astype("datetime64[s]")
    fraction: NDArray[np.float64] = (times.astype("datetime64[s]") - years.astype("datetime64[s]")) / length
    return fraction * DAYS_IN_YEAR


def _nearest(distance: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.argsort(distance, kind="stable")
