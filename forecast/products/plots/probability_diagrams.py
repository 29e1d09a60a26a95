"""Figures of forecasts of an event: reliability, relative operating characteristic, performance and economic value."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from forecast.products.plots.diagrams import (
    BARE,
    DASHED,
    MARKER,
    SQUARE,
    Diagram,
    Floats,
    Frame,
    Results,
    curve,
    draw_diagram,
    finish,
    first_of,
    label_words,
    unit_square,
)
from forecast.products.plots.figures import Heading
from forecast.products.plots.palettes import FAINT, INK, MUTED, PAPER

STRIP_INCHES = 0.95
BESIDE = 0.009
"""Distance between the bars of two forecasts, as a probability."""
BIASES = (0.25, 0.5, 0.8, 1.0, 1.25, 2.0, 4.0)
SUCCESS_INDICES = np.arange(0.1, 1.0, 0.1)
MOST_POINTS = 25
"""Number of points of a curve beyond which they are not marked."""
ROC_NOTE = "On the diagonal a forecast does not tell events from others; each point acts from another probability on."
ECONOMIC_VALUE_NOTE = "1: value of perfect knowledge; 0: of acting always or never, whichever is better."
RELIABILITY_NOTE = (
    "Bars: where a reliable forecast's frequencies would mostly lie. Below: share of the forecasts in each class."
)
PERFORMANCE_NOTE = (
    "Curves: critical success index (CSI). Dashed: frequency bias, forecast over observed events. Best: top right."
)
RATES = "false alarm rate: share of other cases that were forecast", "hit rate: share of events that were forecast"


def plot_reliability(diagrams: Results, out: Path, *, title: str = "Reliability", heading: Heading = BARE) -> Path:
    """Draw how often an event happened by its forecast probability, and how often each probability was forecast.

    Args:
        diagrams: Result of `reliability` or `reliability_of_probability`, along its classes alone, by the name of the
            forecast.
        out: Path of the PNG.
        title: Title of the figure, such as `Reliability: frost`.
        heading: Line under the title, and whether the weather is simulated.

    Returns:
        `out`.

    Raises:
        InvalidDataError: A result lacks a variable or has further dimensions, or there is none.
    """
    first_of(diagrams, "reliability")
    diagram = Diagram(title, heading, SQUARE, (("", "observed frequency"),), RELIABILITY_NOTE, STRIP_INCHES)
    return draw_diagram(diagrams, out, diagram, _draw_reliabilities)


def plot_roc(
    curves: Results, out: Path, *, title: str = "Relative operating characteristic", heading: Heading = BARE
) -> Path:
    """Draw hit rate against false alarm rate, with the area under each curve.

    Args:
        curves: Result of `roc` or `roc_of_probability`, along its thresholds alone, by the name of the forecast.
        out: Path of the PNG.
        title: Title of the figure, such as `ROC: frost`.
        heading: Line under the title, and whether the weather is simulated.

    Returns:
        `out`.

    Raises:
        InvalidDataError: A result lacks a variable or has further dimensions, or there is none.
    """
    first_of(curves, "roc")
    words = {name: f"{name}: area {_area(name, each):.3f}" for name, each in curves.items()}
    return draw_diagram(curves, out, Diagram(title, heading, SQUARE, (RATES,), ROC_NOTE), _draw_rates, words)


def plot_performance(scores: Results, out: Path, *, title: str = "Performance", heading: Heading = BARE) -> Path:
    """Draw probability of detection against success ratio, with lines of equal frequency bias and of equal CSI.

    Args:
        scores: Result of `contingency_scores`, by the name of the forecast: of one table, or of tables along one
            dimension, such as thresholds or lead times, whose points are joined and named.
        out: Path of the PNG.
        title: Title of the figure, such as `Performance: rain`.
        heading: Line under the title, and whether the weather is simulated.

    Returns:
        `out`.

    Raises:
        InvalidDataError: Scores lack `pod` or `far` or have several dimensions, or there are none.

    Source: Roebber (2009), doi:10.1175/2008WAF2222159.1
    """
    first_of(scores, "performance")
    labels = ("success ratio (1 - false alarm ratio)", "probability of detection")
    return draw_diagram(scores, out, Diagram(title, heading, SQUARE, (labels,), PERFORMANCE_NOTE), _draw_tables)


def plot_economic_value(
    values: Results, out: Path, *, title: str = "Relative economic value", heading: Heading = BARE
) -> Path:
    """Draw the relative economic value of acting on a forecast by the user's ratio of cost and loss.

    Args:
        values: Result of `relative_economic_value`, for one event, by the name of the forecast.
        out: Path of the PNG.
        title: Title of the figure, such as `Economic value: frost`.
        heading: Line under the title, and whether the weather is simulated.

    Returns:
        `out`.

    Raises:
        InvalidDataError: A result lacks a variable or has further dimensions, or there is none.
    """
    first_of(values, "economic value")
    labels = ("cost of protection over the loss that it avoids", "relative economic value")
    return draw_diagram(
        values, out, Diagram(title, heading, ((5.6, 3.2),), (labels,), ECONOMIC_VALUE_NOTE), _draw_values
    )


def _draw_reliabilities(frame: Frame, diagrams: Results, colours: Mapping[str, str]) -> None:
    axes, strip = frame.axes[0], _strip(frame)
    unit_square(axes)
    axes.tick_params(labelbottom=False)
    for order, (name, diagram) in enumerate(diagrams.items()):
        shift = BESIDE * (order - (len(diagrams) - 1) / 2)
        _draw_reliability(axes, name, diagram, colours[name], shift)
        _draw_shares(strip, diagram, colours[name], shift)


def _area(name: str, rates: xr.Dataset) -> float:
    curve(name, rates, "hit_rate", "false_alarm_rate", "area")
    return float(rates["area"])


def _draw_rates(frame: Frame, curves: Results, colours: Mapping[str, str]) -> None:
    unit_square(frame.axes[0])
    for name, each in curves.items():
        style: dict[str, Any] = MARKER if each["hit_rate"].size <= MOST_POINTS else {}
        style = {"color": colours[name], "linewidth": 1.8, "clip_on": False, "zorder": 3, **style}
        frame.axes[0].plot(each["false_alarm_rate"], each["hit_rate"], **style)


def _draw_tables(frame: Frame, scores: Results, colours: Mapping[str, str]) -> None:
    axes = frame.axes[0]
    unit_square(axes, diagonal=False)
    axes.grid(visible=False)
    _draw_success_indices(axes)
    _draw_biases(axes)
    for name, each in scores.items():
        _draw_table(axes, name, each, colours[name])


def _draw_values(frame: Frame, values: Results, colours: Mapping[str, str]) -> None:
    unit_square(frame.axes[0], diagonal=False)
    for name, each in values.items():
        along = curve(name, each, "value")
        frame.axes[0].plot(each[along], each["value"], color=colours[name], linewidth=1.8, **MARKER)


def _strip(frame: Frame) -> Axes:
    """Axes below the square, with the same probabilities."""
    box, height = frame.axes[0].get_position(), frame.figure.get_size_inches()[1]
    bottom = box.y0 - (STRIP_INCHES - 0.15) / height
    strip = frame.figure.add_axes((box.x0, bottom, box.width, (STRIP_INCHES - 0.3) / height))
    finish(strip)
    strip.set_xlim(0.0, 1.0)
    strip.set_xticks(np.linspace(0.0, 1.0, 6), [f"{tick:g}" for tick in np.linspace(0.0, 1.0, 6)])
    strip.set_xlabel("forecast probability")
    strip.set_ylabel("share")
    strip.set_yscale("log")
    strip.set_ylim(1e-3, 1.0)
    strip.set_yticks([1e-3, 1e-2, 1e-1, 1.0], ["0.1 %", "1 %", "10 %", "100 %"])
    strip.minorticks_off()
    return strip


def _draw_reliability(axes: Axes, name: str, diagram: xr.Dataset, colour: str, shift: float) -> None:
    curve(name, diagram, "observed_frequency", "share", "consistency_low", "consistency_high")
    at, seen = _probability(diagram), diagram["observed_frequency"].values
    low, high = diagram["consistency_low"], diagram["consistency_high"]
    axes.vlines(at + shift, low, high, color=colour, alpha=0.35, linewidth=3.2, zorder=2)
    issued = np.isfinite(at) & np.isfinite(seen)
    axes.plot(at[issued], seen[issued], color=colour, linewidth=1.8, clip_on=False, zorder=3, **MARKER)


def _draw_shares(strip: Axes, diagram: xr.Dataset, colour: str, shift: float) -> None:
    at, share = _probability(diagram), diagram["share"].values
    issued = np.isfinite(at) & (share > 0)
    strip.vlines(at[issued] + shift, 1e-3, np.maximum(share[issued], 1e-3), color=colour, linewidth=2.2, clip_on=False)


def _probability(diagram: xr.Dataset) -> Floats:
    """Mean probability of each class."""
    along = diagram["observed_frequency"].dims[0]
    return diagram["forecast_probability" if "forecast_probability" in diagram else along].values.astype(np.float64)


def _draw_success_indices(axes: Axes) -> None:
    success, detection = np.meshgrid(np.linspace(0.001, 1, 400), np.linspace(0.001, 1, 400))
    index = 1 / (1 / success + 1 / detection - 1)
    axes.contour(success, detection, index, levels=SUCCESS_INDICES, colors=MUTED, linewidths=0.6, alpha=0.5)
    for level in SUCCESS_INDICES:
        # Where the curve meets success = detection, which its label is written across.
        place = 2 * level / (1 + level)
        axes.text(
            place, place, f"{level:.1f}", fontsize=7, color=MUTED, ha="center", va="center", rotation=-45,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none"}, zorder=2,
        )  # fmt: skip


def _draw_biases(axes: Axes) -> None:
    for bias in BIASES:
        axes.plot([0, 1 / max(bias, 1.0)], [0, min(bias, 1.0)], color=FAINT, linewidth=0.9, linestyle=DASHED, zorder=1)
        steep = bias > 1
        place = (1 / bias, 1.012) if steep else (1.012, min(bias, 1.0))
        axes.text(
            *place, f"{bias:g}", fontsize=7, color=MUTED, ha="center" if steep else "left",
            va="bottom" if steep else "center",
        )  # fmt: skip


def _draw_table(axes: Axes, name: str, scores: xr.Dataset, colour: str) -> None:
    alone = "pod" in scores and scores["pod"].ndim == 0
    labels = [""] if alone else label_words(scores[curve(name, scores, "pod", "far")])
    success, detection = np.atleast_1d(1 - scores["far"].values), np.atleast_1d(scores["pod"].values)
    axes.plot(success, detection, color=colour, linewidth=1.4, clip_on=False, zorder=4, **{**MARKER, "markersize": 7.0})
    for x, y, words in zip(success, detection, labels, strict=True):
        if np.isfinite(x) and np.isfinite(y):
            axes.annotate(words, (x, y), xytext=(6, -9), textcoords="offset points", fontsize=7.5, color=INK, zorder=5)
