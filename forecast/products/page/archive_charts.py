"""Charts of the page of an archive as shapes of inline SVG: a calendar of verdicts, and ranges of values over time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GOOD, NOT_JUDGED, MISSING, SUSPECT = range(4)
"""States of a time, the graver the higher."""
STATE_NAMES = ("good", "unjudged", "missing", "suspect")
_LEAST_WIDTHS = (1, 1, 3, 4)
ROW = 12
"""Height of a year of a calendar."""
_MOST_LABELLED_YEARS = 16
_MOST_BINS = 120
_NEAR = 0.6
_DIGITS = 4


@dataclass(frozen=True)
class Run:
    """Successive days of one state: where they lie in a calendar, days and rows of 12, and the name of the state."""

    x: float
    y: int
    width: float
    state: str


@dataclass(frozen=True)
class Calendar:
    """A calendar with a row for each year and a column for each day.

    Attributes:
        runs: What is to be drawn, the gravest last.
        years: Label of each row; empty for a row without one.
        counts: Number of times of each state.
    """

    runs: tuple[Run, ...]
    years: tuple[str, ...]
    counts: tuple[int, ...]

    @property
    def height(self) -> int:
        """Height of all rows."""
        return ROW * len(self.years)

    @property
    def words(self) -> str:
        """What the calendar shows."""
        named = zip(self.counts, ("good", "not judged", "missing", "suspect"), strict=True)
        return ", ".join(f"{count} times {name}" for count, name in named if count)


def calendar(times: NDArray[np.datetime64], states: NDArray[np.intp]) -> Calendar:
    """Lay out a calendar; the gravest state of a day counts.

    Args:
        times: (time,) ascending, also those that are missing.
        states: State of each.
    """
    days, inverse = np.unique(times.astype("datetime64[D]"), return_inverse=True)
    gravest = np.zeros(len(days), np.intp)
    np.maximum.at(gravest, inverse, states)
    years = days.astype("datetime64[Y]").astype(int) + 1970
    of_year = (days - days.astype("datetime64[Y]")).astype(int)
    rows = np.arange(years[0], years[-1] + 1)
    breaks = np.flatnonzero((np.diff(days).astype(int) != 1) | (np.diff(gravest) != 0) | (np.diff(years) != 0)) + 1
    runs = [
        _run(int(of_year[part[0]]), ROW * int(years[part[0]] - rows[0]), len(part), int(gravest[part[0]]))
        for part in np.split(np.arange(len(days)), breaks)
    ]
    runs.sort(key=lambda run: STATE_NAMES.index(run.state))
    every = 1 if len(rows) <= _MOST_LABELLED_YEARS else 5
    labels = tuple(str(year) if year % every == 0 or year == rows[0] else "" for year in rows.tolist())
    return Calendar(tuple(runs), labels, tuple(int((states == state).sum()) for state in range(4)))


def _run(first: int, y: int, days: int, state: int) -> Run:
    """Days of one state; a single bad day is widened, so that it is seen."""
    width = max(days, _LEAST_WIDTHS[state])
    return Run(max(0.0, min(first - (width - days) / 2, 366 - width)), y, width, STATE_NAMES[state])


@dataclass(frozen=True)
class RangeChart:
    """Lowest, mean and highest values over time, in a box of 100 by 100.

    Attributes:
        band: Points of the outline between lowest and highest values.
        mean: Points of the line of means.
        marks: Places of suspect times along the box.
        bounds: Heights of the variable's bounds, of those that are near.
        labels: Lowest, middle and highest number of the scale.
        ends: First and last time.
    """

    band: str
    mean: str
    marks: tuple[float, ...]
    bounds: tuple[float, ...]
    labels: tuple[str, str, str]
    ends: tuple[str, str]


@dataclass(frozen=True)
class Ranges:
    """Values of a channel, in the unit of its charts.

    Attributes:
        times: (time,) ascending.
        lowest: Of each time.
        mean: Of each time.
        highest: Of each time.
        bounds: What is believable, in the same unit.
    """

    times: NDArray[np.datetime64]
    lowest: NDArray[np.float64]
    mean: NDArray[np.float64]
    highest: NDArray[np.float64]
    bounds: tuple[float, float]


def range_chart(ranges: Ranges, suspect: Sequence[np.datetime64]) -> RangeChart:
    """Lay out a chart of values over time.

    Args:
        ranges: Values.
        suspect: Suspect times.
    """
    groups = np.array_split(np.arange(len(ranges.times)), min(_MOST_BINS, len(ranges.times)))
    low, high = (np.array([reduce(values[group]) for group in groups]) for reduce, values in
                 ((np.nanmin, ranges.lowest), (np.nanmax, ranges.highest)))  # fmt: skip
    mean = np.array([np.nanmean(ranges.mean[group]) for group in groups])
    bottom, top = _scale(float(low.min()), float(high.max()), ranges.bounds)
    span = max(float((ranges.times[-1] - ranges.times[0]) / np.timedelta64(1, "h")), 1.0)

    def across(time: np.datetime64) -> float:
        return round(100 * float((time - ranges.times[0]) / np.timedelta64(1, "h")) / span, 2)

    def up(value: float) -> float:
        return round(100 * (top - value) / (top - bottom), 2)

    places = [across(ranges.times[group[len(group) // 2]]) for group in groups]
    outline = [*zip(places, map(up, high), strict=True), *reversed([*zip(places, map(up, low), strict=True)])]
    return RangeChart(
        _points(outline),
        _points([*zip(places, map(up, mean), strict=True)]),
        tuple(across(time) for time in suspect),
        tuple(up(bound) for bound in ranges.bounds if bottom <= bound <= top),
        (f"{bottom:.{_DIGITS}g}", f"{(bottom + top) / 2:.{_DIGITS}g}", f"{top:.{_DIGITS}g}"),
        (str(ranges.times[0])[:10], str(ranges.times[-1])[:10]),
    )


def _scale(low: float, high: float, bounds: tuple[float, float]) -> tuple[float, float]:
    """Lowest and highest value of a chart, which reaches to a bound that is near."""
    extent = max(high - low, 1e-9 * max(abs(high), 1.0))
    bottom, top = low - 0.06 * extent, high + 0.06 * extent
    if low - bounds[0] < _NEAR * extent:
        bottom = min(bottom, bounds[0] - 0.03 * extent)
    if bounds[1] - high < _NEAR * extent:
        top = max(top, bounds[1] + 0.03 * extent)
    return bottom, top


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)
