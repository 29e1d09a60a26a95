"""Weighted quantiles in a window of days that moves through the year, compiled with numba."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

_DAYS_AT_ONCE = 31
"""Days whose windows share one sorting of their values."""


def windowed_quantiles(
    values: NDArray[np.float32], days: NDArray[np.int64], weights: NDArray[np.float64], quantiles: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return quantiles for each day of the year, of the values of the days around it, weighted by their distance.

    Of values in order, each with a weight, one stands at the middle of its weight: at (weights before it + half of its
    own) / all weights. Between two such places a quantile is interpolated; beyond them it is the first or last value.
    With equal weights this is Hazen's definition. Missing values count for nothing.

    Args:
        values: (time, point).
        days: Day of the year of each time, from 0: (time,).
        weights: Weight of a value by its distance in days round the year, for distances from 0 to half a year; the
            number of days in the year is `2 * (len(weights) - 1)`.
        quantiles: Ascending, 0 to 1.

    Returns:
        (quantile, day, point); NaN where there is no value within the window.

    Source: Hazen (1914), doi:10.1061/taceat.0002563, for the places; Hyndman and Fan (1996), doi:10.2307/2684934
    """
    year = 2 * (len(weights) - 1)
    reach = int(np.flatnonzero(weights)[-1])
    result = np.full((len(quantiles), year, values.shape[1]), np.nan, np.float32)
    for first in range(0, year, _DAYS_AT_ONCE):
        last = min(first + _DAYS_AT_ONCE, year)
        middle, half = (first + last - 1) / 2, (last - 1 - first) / 2
        apart = np.abs((days - middle + year / 2) % year - year / 2)
        near = np.flatnonzero(apart <= half + reach)
        columns = np.ascontiguousarray(values[near].T, np.float32)
        for_points(columns, days[near], weights, quantiles, result[:, first:last], first)
    return result


def _quantiles_of_points(
    columns: NDArray[np.float32],
    days: NDArray[np.int64],
    weights: NDArray[np.float64],
    quantiles: NDArray[np.float64],
    result: NDArray[np.float32],
    first: int,
) -> None:
    """Set the quantiles of some days, beginning with `first`, at all points: (quantile, day, point)."""
    year = 2 * (len(weights) - 1)
    of_value = np.empty(len(days))
    for point in range(len(columns)):
        rows = np.flatnonzero(~np.isnan(columns[point]))
        present = columns[point][rows]
        order = np.argsort(present)
        ordered, ordered_days = present[order], days[rows[order]]
        for day in range(result.shape[1]):
            total = 0.0
            for index in range(len(ordered)):
                apart = abs(ordered_days[index] - first - day)
                of_value[index] = weights[min(apart, year - apart)]
                total += of_value[index]
            if total > 0:
                one_day(ordered, of_value, total, quantiles, result[:, day, point])


def _quantiles_of_a_day(
    ordered: NDArray[np.float32],
    of_value: NDArray[np.float64],
    total: float,
    quantiles: NDArray[np.float64],
    result: NDArray[np.float32],
) -> None:
    """Set the quantiles of values in order, in one walk through them."""
    wanted, before, place_before, value_before = 0, 0.0, -1.0, 0.0
    for index in range(len(ordered)):
        if of_value[index] == 0.0:
            continue
        place, value = (before + of_value[index] / 2) / total, float(ordered[index])
        while wanted < len(quantiles) and quantiles[wanted] <= place:
            share = 1.0 if place_before < 0 else (quantiles[wanted] - place_before) / (place - place_before)
            result[wanted] = value_before + share * (value - value_before)
            wanted += 1
        if wanted == len(quantiles):
            return
        before, place_before, value_before = before + of_value[index], place, value
    result[wanted:] = value_before


one_day: Any = numba.njit(nogil=True, error_model="numpy")(_quantiles_of_a_day)
for_points: Any = numba.njit(nogil=True, error_model="numpy")(_quantiles_of_points)
