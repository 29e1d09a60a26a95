"""The expected field at each time: an annual cycle where the past is a year long, and a slow trend where it is not."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_catalog.layout.times import hours_of_day

_YEAR = 365.2425
_WHOLE_YEAR_DAYS = 330
_HARMONICS = 2
_FEWEST_PER_TERM = 4
_CLIPPED_AT = 4.0


@dataclass(frozen=True)
class Seasons:
    """Coefficients of the expected field at each hour of the day.

    Attributes:
        coefficients: (term, latitude, longitude) by hour of the day; of hour -1 for every hour.
        start: First time of the fit.
        days: Length of the fit, days.
    """

    coefficients: dict[int, NDArray[np.float32]]
    start: np.datetime64
    days: float

    def expected(self, times: NDArray[np.datetime64]) -> NDArray[np.float32]:
        """Return the expected field at each time, (time, latitude, longitude)."""
        basis = _basis(times, self.start, self.days)
        one = next(iter(self.coefficients.values()))
        found = np.empty((len(times), *one.shape[1:]), np.float32)
        hours = hours_of_day(times)
        for hour in np.unique(hours):
            chosen = hours == hour
            terms = self.coefficients.get(int(hour), self.coefficients.get(-1, one))
            found[chosen] = np.tensordot(basis[chosen], terms, 1)
        return found


def fit_seasons(times: NDArray[np.datetime64], values: NDArray[np.float32]) -> Seasons:
    """Fit the expected field, robustly: what lies far off counts no more than what lies at four standard deviations.

    Args:
        times: (time,) ascending.
        values: (time, latitude, longitude); NaN counts as the mean.
    """
    start, days = times[0], float((times[-1] - times[0]) / np.timedelta64(1, "D"))
    basis = _basis(times, start, days)
    hours = hours_of_day(times)
    groups = {int(hour): hours == hour for hour in np.unique(hours)}
    if min(group.sum() for group in groups.values()) < _FEWEST_PER_TERM * basis.shape[1]:
        groups = {-1: np.ones(len(times), bool)}
    return Seasons({hour: _fitted(basis[at], values[at]) for hour, at in groups.items()}, start, days)


def _fitted(basis: NDArray[np.float64], values: NDArray[np.float32]) -> NDArray[np.float32]:
    weights = np.linalg.pinv(basis).astype(np.float32)
    filled = (
        np.where(np.isnan(values), np.nan_to_num(np.nanmean(values, axis=0)), values) if has_nan(values) else values
    )
    first = np.tensordot(weights, filled, 1)
    off = filled - np.tensordot(basis.astype(np.float32), first, 1)
    most = _CLIPPED_AT * np.sqrt(np.mean(off**2, axis=0))
    change = np.tensordot(weights, np.clip(off, -most, most), 1)
    return np.asarray(first + change, np.float32)


def has_nan(values: NDArray[np.float32]) -> bool:
    """Whether any value is missing, in one pass without an array of its own."""
    return bool(values.size) and bool(np.isnan(np.min(values)))


def _basis(times: NDArray[np.datetime64], start: np.datetime64, days: float) -> NDArray[np.float64]:
    """Terms of the expected field, (time, term)."""
    since = (times - start) / np.timedelta64(1, "D")
    if days < _WHOLE_YEAR_DAYS:
        along = np.clip(2 * since / max(days, 1.0) - 1, -1, 1)
        return np.stack([np.ones_like(along), along, along**2], axis=1)
    phase = 2 * np.pi * (times - np.datetime64("2000-01-01")) / np.timedelta64(1, "D") / _YEAR
    waves = [wave(number * phase) for number in range(1, _HARMONICS + 1) for wave in (np.cos, np.sin)]
    return np.stack([np.ones_like(phase), *waves], axis=1)
