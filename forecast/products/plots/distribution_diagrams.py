"""Figures of values and their distribution: quantiles, coverage of intervals, Murphy diagrams, spread against error."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from data_catalog.errors import InvalidDataError
from forecast.products.plots.diagrams import (
    BARE,
    DASHED,
    MARKER,
    SQUARE,
    WIDE,
    Diagram,
    Frame,
    Results,
    curve,
    draw_diagram,
    first_of,
    unit_square,
    unit_words,
)
from forecast.products.plots.figures import Heading
from forecast.products.plots.palettes import MUTED

PANELS = ((3.5, 3.5), (3.5, 3.5))
BOTH = ("analyses", "forecasts")
MOST_POINTS = 25
"""Number of points of a curve beyond which they are drawn smaller."""
QUANTILES_NOTE = "A point for each level. Above the diagonal, forecasts of that level are too high."
MURPHY_NOTE = "Smaller is better. Where curves cross, it depends on the user's threshold which forecast is better."
SPREAD_AND_ERROR_NOTE = (
    "A point for each bin, larger the more cases it holds. Above the diagonal the spread is too small."
)
COVERAGE_NOTE = (
    "Left: below the diagonal, intervals are too narrow. Right: of two that cover alike, the narrower is sharper."
)


def plot_quantiles(quantiles: Results, out: Path, *, title: str = "Quantiles", heading: Heading = BARE) -> Path:
    """Draw a quantile-quantile plot: quantiles of all forecasts against those of all analyses.

    Args:
        quantiles: Result of `quantile_quantile`, along its levels alone, by the name of the forecast.
        out: Path of the PNG.
        title: Title of the figure, such as `Quantiles of 24 h precipitation`.
        heading: Line under the title, and whether the weather is simulated.

    Returns:
        `out`.

    Raises:
        InvalidDataError: A result lacks a variable or has further dimensions, or there is none.
    """
    one = first_of(quantiles, "quantiles")
    analyses, forecasts = (unit_words(f"quantiles of the {name}", *one.data_vars.values()) for name in BOTH)
    return draw_diagram(
        quantiles, out, Diagram(title, heading, SQUARE, ((analyses, forecasts),), QUANTILES_NOTE), _draw_quantiles
    )


def plot_coverage(
    intervals: Results, out: Path, *, title: str = "Coverage and width of intervals", heading: Heading = BARE
) -> Path:
    """Draw how many analyses lie in prediction intervals, and how wide these are, by their level.

    Args:
        intervals: Results of `interval_score` joined along a dimension whose coordinate is the level, by the name of
            the forecast.
        out: Path of the PNG.
        title: Title of the figure, such as `Intervals of 2 m temperature`.
        heading: Line under the title, and whether the weather is simulated.

    Returns:
        `out`.

    Raises:
        InvalidDataError: A result lacks a variable or has further dimensions, or there is none.
    """
    one = first_of(intervals, "coverage")
    width, level = unit_words("mean width", *one.data_vars.values()), "level of the interval"
    labels = (level, "share of analyses within"), (level, width)
    return draw_diagram(intervals, out, Diagram(title, heading, PANELS, labels, COVERAGE_NOTE), _draw_coverage)


def plot_murphy(
    diagrams: Results, out: Path, *, quantity: str = "threshold", title: str = "Murphy diagram", heading: Heading = BARE
) -> Path:
    """Draw elementary scores by threshold: a forecast whose curve is lower everywhere is better for every user.

    Args:
        diagrams: Result of `murphy_diagram`, along its thresholds alone, by the name of the forecast.
        out: Path of the PNG.
        quantity: What the thresholds are of, with its unit, such as `2 m temperature, K`.
        title: Title of the figure.
        heading: Line under the title, and whether the weather is simulated.

    Returns:
        `out`.

    Raises:
        InvalidDataError: A result lacks a variable or has further dimensions, or there is none.

    Source: Ehm et al. (2016), doi:10.1111/rssb.12154
    """
    one = first_of(diagrams, "murphy")
    labels = quantity, unit_words("mean elementary score", *one.data_vars.values())
    return draw_diagram(diagrams, out, Diagram(title, heading, WIDE, (labels,), MURPHY_NOTE), _draw_elementary)


def plot_spread_and_error(
    bins: Results, out: Path, *, title: str = "Spread and error", heading: Heading = BARE
) -> Path:
    """Draw the error of the ensemble mean by the spread of the members, in bins of the spread.

    Args:
        bins: Result of `spread_skill_binned`, along its bins alone, by the name of the forecast.
        out: Path of the PNG.
        title: Title of the figure, such as `Spread and error, day 3`.
        heading: Line under the title, and whether the weather is simulated.

    Returns:
        `out`.

    Raises:
        InvalidDataError: A result lacks a variable or has further dimensions, or there is none.

    Source: Leutbecher and Palmer (2008), doi:10.1016/j.jcp.2007.02.014
    """
    one = first_of(bins, "spread and error")
    names = "spread of the members", "RMSE of the ensemble mean"
    spread, error = (unit_words(name, *one.data_vars.values()) for name in names)
    return draw_diagram(
        bins, out, Diagram(title, heading, SQUARE, ((spread, error),), SPREAD_AND_ERROR_NOTE), _draw_spreads
    )


def _draw_quantiles(frame: Frame, quantiles: Results, colours: Mapping[str, str]) -> None:
    axes = frame.axes[0]
    for name, each in quantiles.items():
        curve(name, each, "forecast", "analysis")
        small = {**MARKER, "markersize": 5.0 if each["forecast"].size <= MOST_POINTS else 3.2, "markeredgewidth": 0.4}
        axes.plot(each["analysis"], each["forecast"], color=colours[name], linewidth=1.0, zorder=3, **small)
    _equal_axes(axes)


def _draw_coverage(frame: Frame, intervals: Results, colours: Mapping[str, str]) -> None:
    left, right = frame.axes
    unit_square(left)
    for name, each in intervals.items():
        level = _levels(name, each)
        left.plot(level, each["coverage"], color=colours[name], linewidth=1.8, clip_on=False, zorder=3, **MARKER)
        right.plot(level, each["width"], color=colours[name], linewidth=1.8, zorder=3, **MARKER)
    right.set_xlim(0.0, 1.0)
    right.set_xticks(left.get_xticks(), [text.get_text() for text in left.get_xticklabels()])
    right.set_ylim(bottom=0.0)


def _draw_elementary(frame: Frame, diagrams: Results, colours: Mapping[str, str]) -> None:
    axes = frame.axes[0]
    for name, each in diagrams.items():
        axes.plot(each[curve(name, each, "score")], each["score"], color=colours[name], linewidth=1.8, zorder=3)
    axes.margins(x=0.0)
    axes.set_ylim(bottom=0.0)


def _draw_spreads(frame: Frame, bins: Results, colours: Mapping[str, str]) -> None:
    axes = frame.axes[0]
    for name, each in bins.items():
        curve(name, each, "spread", "rmse", "weight")
        axes.plot(each["spread"], each["rmse"], color=colours[name], linewidth=1.4, zorder=2)
        sizes = 12 + 90 * each["weight"] / each["weight"].max()
        axes.scatter(each["spread"], each["rmse"], s=sizes, color=colours[name], linewidth=0, zorder=3)
    _equal_axes(axes, from_zero=True)


def _levels(name: str, intervals: xr.Dataset) -> xr.DataArray:
    along = curve(name, intervals, "coverage", "width")
    level = intervals[along]
    if level.dtype.kind != "f" or not bool(((level > 0) & (level < 1)).all()):
        raise InvalidDataError(
            f"{name}: expected levels between 0 and 1 along '{along}', found {level.values.tolist()}"
        )
    return level


def _equal_axes(axes: Axes, *, from_zero: bool = False) -> None:
    """Give both axes one range that holds all points, and draw the diagonal."""
    limits = np.array([axes.get_xlim(), axes.get_ylim()])
    low, high = (0.0 if from_zero else limits.min()), limits.max()
    axes.plot([low, high], [low, high], color=MUTED, linewidth=0.9, linestyle=DASHED, zorder=1)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_yticks(axes.get_xticks())
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
