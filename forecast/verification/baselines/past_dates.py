"""Climatology as an ensemble: states of past dates of the same season and hour of the day."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.layout.times import DAYS_IN_YEAR, iso, season_distance, seconds_of_day
from forecast.verification.checks import UnscorableError

HALF_WINDOW_DAYS = 15
"""Days of the season on either side of a date that its members are taken from."""
WHOLE_YEAR = 0.9
"""Share of the dates of a full year that a year must have to be used."""
STEPS_PER_DEVIATION = 16
"""States are stored in steps of 1/16 of a standard deviation: rounding errors of 1.8 % of it, which no score shows."""


@dataclass(frozen=True)
class PastDates:
    """States of past dates, rounded to whole steps.

    Attributes:
        times: Dates, increasing: (date,).
        levels: Whole steps above `base`: (date, space).
        base: Mean state in whole steps: (space,).
        step: Size of a step in the channel's unit: (space,).
    """

    times: NDArray[np.datetime64]
    levels: NDArray[np.int16]
    base: NDArray[np.int32]
    step: NDArray[np.float64]

    def states(self, dates: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the states of some dates in the channels' units: (date, space).

        Args:
            dates: Positions of the dates.
        """
        return (self.levels[dates].astype(np.int32) + self.base) * self.step

    def candidates(self, valid_time: np.datetime64) -> NDArray[np.int64]:
        """Return the dates of each year that climatology takes as members, those nearest in season first.

        Every year gives equally many, so that the ensemble has the same size all year round: as many as lie within 15
        days on either side, and at least one.

        Args:
            valid_time: Time that is forecast.

        Returns:
            Positions of the dates: (year, candidate).

        Raises:
            UnscorableError: There is no date at that hour of the day.
        """
        return dates_of_season(self.times, valid_time)

    def to_dataset(self) -> xr.Dataset:
        """Return the states as variables to store."""
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
        """Restore states from stored variables.

        Args:
            stored: Dataset with the variables of `to_dataset`, and perhaps others.
        """
        return cls(
            times=stored["date"].values.astype("datetime64[ns]"),
            levels=stored["date_levels"].values,
            base=stored["date_base"].values,
            step=stored["date_step"].values,
        )


def dates_of_season(times: NDArray[np.datetime64], valid_time: np.datetime64) -> NDArray[np.int64]:
    """Return the dates of each year that climatology takes as members, those nearest in season first.

    Every year gives equally many: as many as lie within 15 days on either side, and at least one.

    Args:
        times: Past dates, increasing.
        valid_time: Time that is forecast.

    Returns:
        Positions of the dates: (year, candidate).

    Raises:
        UnscorableError: There is no date at that hour of the day.
    """
    by_year = _by_year(times, valid_time)
    most = max(map(len, by_year), default=0)
    if most == 0:
        when = iso(valid_time)
        raise UnscorableError(f"climatology at {when}: expected past dates at that hour of the day, found none")
    full = [dates for dates in by_year if len(dates) >= WHOLE_YEAR * most]
    count = max(round((2 * HALF_WINDOW_DAYS + 1) * most / DAYS_IN_YEAR), 1)
    return np.stack([dates[:count] for dates in full])


def _by_year(times: NDArray[np.datetime64], valid_time: np.datetime64) -> list[NDArray[np.int64]]:
    """Positions of each year's dates at an hour of the day, those nearest in season first."""
    same_hour = np.flatnonzero(seconds_of_day(times) == seconds_of_day(np.asarray([valid_time]))[0])
    years = times[same_hour].astype("datetime64[Y]")
    distance = season_distance(times[same_hour], np.asarray([valid_time]))
    return [same_hour[years == year][np.argsort(distance[years == year], kind="stable")] for year in np.unique(years)]


def thinned(times: NDArray[np.datetime64], every: int) -> NDArray[np.int64]:
    """Return the positions of one day in so many, counted from the start of each year so that all years keep the same.

    Args:
        times: Times, increasing.
        every: Number of days of which one is kept; 1 keeps all.
    """
    day_of_year = (times.astype("datetime64[D]") - times.astype("datetime64[Y]").astype("datetime64[D]")).astype(int)
    return np.flatnonzero(day_of_year % every == 0)


def keep_dates(times: NDArray[np.datetime64], states: NDArray[Any], deviations: NDArray[np.float64]) -> PastDates:
    """Round states to whole steps.

    Args:
        times: Dates, increasing: (date,).
        states: States in the channels' units: (date, space).
        deviations: Standard deviation of the channel of each point, in its unit: (space,).
    """
    step = deviations / STEPS_PER_DEVIATION
    base = np.rint(states.mean(axis=0, dtype=np.float64) / step).astype(np.int32)
    levels = np.rint(states / step) - base
    limits = np.iinfo(np.int16)
    return PastDates(times, np.clip(levels, limits.min, limits.max).astype(np.int16), base, step)
