"""Figures of forecast quality: CRPS, RMSE and spread by lead time, and rank histograms."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from forecast.products.plots.figures import HEADING_INCHES, MARGIN_INCHES, Caption, new_figure, save, typography
from forecast.products.plots.palettes import ACCENT, FAINT, INK, MODEL_COLOURS, MUTED, OTHER_COLOUR
from forecast.products.plots.styles import style_of, title_of

MODEL = "plumecast"
SKILL_WIDTH_INCHES = 9.6
ROW_INCHES = 2.35
MOST_HISTOGRAMS = 5
BAR_WIDTH = 0.86
# Forecaster -> channel -> score -> lead hours -> value, as in an evaluation file; None where a score is undefined.
Scores = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]


def plot_skill(scores: Scores, out: Path, *, caption: Caption, channels: Sequence[str]) -> Path:
    """Draw the CRPS and RMSE of all forecasters and the spread of the model by lead time, a row for each channel.

    Args:
        scores: Scores by forecaster, channel, score and lead hours.
        out: Path of the PNG.
        caption: Heading.
        channels: Channels, one row each.

    Returns:
        `out`.
    """
    with typography():
        legend = 0.3
        height = HEADING_INCHES + legend + len(channels) * ROW_INCHES + 0.3
        figure = new_figure(SKILL_WIDTH_INCHES, height, "Skill and spread by lead time", caption)
        for row, name in enumerate(channels):
            bottom = (height - HEADING_INCHES - legend - (row + 1) * ROW_INCHES + 0.3) / height
            left_axes = figure.add_axes((0.065, bottom, 0.42, (ROW_INCHES - 0.62) / height))
            right_axes = figure.add_axes((0.565, bottom, 0.42, (ROW_INCHES - 0.62) / height))
            unit = style_of(name).unit
            _draw_scores(left_axes, scores, name)
            left_axes.set_title(f"{title_of(name)}: fair CRPS, {unit}", loc="left", fontsize=9, pad=4)
            _draw_spread(right_axes, scores, name)
            right_axes.set_title(f"RMSE of the ensemble mean, and spread, {unit}", loc="left", fontsize=9, pad=4)
            if row == len(channels) - 1:
                for axes in (left_axes, right_axes):
                    axes.set_xlabel("lead time, days", color=MUTED)
        _legend(figure, height, scores)
        return save(figure, out)


def plot_rank_histograms(
    histograms: Mapping[str, Sequence[float]], out: Path, *, caption: Caption, channel_name: str
) -> Path:
    """Draw how often the analysis had each rank among the members; the histogram of a reliable ensemble is flat.

    Args:
        histograms: Count of each rank by lead hours; there is one more rank than members.
        out: Path of the PNG.
        caption: Heading.
        channel_name: Channel of the histograms.

    Returns:
        `out`.
    """
    leads = _spread_out(sorted(histograms, key=float), MOST_HISTOGRAMS)
    with typography():
        width = 2.0 * max(len(leads), 3) + 0.7
        height = HEADING_INCHES + 2.4
        figure = new_figure(width, height, f"{title_of(channel_name)}: rank of the analysis", caption)
        panels: list[Axes] = []
        for index, lead in enumerate(leads):
            left = (0.5 + index * (width - 0.6) / len(leads)) / width
            size = (width - 0.6) / len(leads) / width - 0.12 / width
            axes = figure.add_axes((left, 0.5 / height, size, 1.6 / height), sharey=panels[0] if panels else None)
            _draw_ranks(axes, np.asarray(histograms[lead], dtype=np.float64))
            axes.set_title(f"Day {float(lead) / 24:g}", loc="left", fontsize=9, pad=4)
            axes.tick_params(axis="y", labelleft=index == 0)
            panels.append(axes)
        panels[0].set_ylim(bottom=0.0)
        words = (
            "frequency relative to a flat histogram: a U shape means too little spread, a dome too much, a slope a bias"
        )
        figure.text(MARGIN_INCHES / width, 0.1 / height, words, fontsize=8, color=MUTED)
        return save(figure, out)


def _draw_ranks(axes: Axes, counts: npt.NDArray[np.float64]) -> None:
    heights, half = counts / counts.mean(), BAR_WIDTH / 2
    bars = [[(at - half, 0), (at - half, high), (at + half, high), (at + half, 0)] for at, high in enumerate(heights)]
    axes.add_collection(PolyCollection(bars, facecolors=ACCENT, alpha=0.75))
    axes.autoscale_view()
    axes.axhline(1.0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_xticks([0, counts.size - 1], labels=["lowest", "highest"])
    lowest, highest = axes.get_xticklabels()
    lowest.set_horizontalalignment("left")
    highest.set_horizontalalignment("right")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_scores(axes: Axes, scores: Scores, name: str) -> None:
    for forecaster, days, values in _curves(scores, name, "crps"):
        _line(axes, forecaster, days, values)
    _finish(axes)


def _draw_spread(axes: Axes, scores: Scores, name: str) -> None:
    for forecaster, days, values in _curves(scores, name, "rmse"):
        _line(axes, forecaster, days, values)
    for forecaster, days, values in _curves(scores, name, "spread"):
        if forecaster == MODEL:
            axes.plot(days, values, "--", color=MODEL_COLOURS[MODEL], linewidth=1.8)
    _finish(axes)


def _curves(scores: Scores, name: str, score: str) -> Iterator[tuple[str, list[float], list[float]]]:
    """Yield the forecasters that have a score, in the units of the figure; the model last, so that it lies on top."""
    factor = style_of(name).factor
    for forecaster in sorted(scores, key=lambda each: (each == MODEL, each)):
        by_lead = scores[forecaster].get(name, {}).get(score, {})
        known = sorted((float(lead), float(value)) for lead, value in by_lead.items() if value is not None)
        if known:
            yield forecaster, [hours / 24 for hours, _ in known], [value * factor for _, value in known]


def _line(axes: Axes, forecaster: str, days: list[float], values: list[float]) -> None:
    model = forecaster == MODEL
    axes.plot(
        days, values, "o-" if model else "-", color=MODEL_COLOURS.get(forecaster, OTHER_COLOUR),
        linewidth=2.2 if model else 1.4, markersize=3.4, zorder=4 if model else 2,
    )  # fmt: skip


def _legend(figure: Figure, height: float, scores: Scores) -> None:
    handles = [
        Line2D([], [], color=MODEL_COLOURS.get(forecaster, OTHER_COLOUR), linewidth=1.8, label=forecaster.capitalize())
        for forecaster in sorted(scores, key=lambda each: (each != MODEL, each))
    ]
    if MODEL in scores:
        model = MODEL_COLOURS[MODEL]
        handles.insert(1, Line2D([], [], color=model, linewidth=1.8, linestyle="--", label="its spread"))
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.016, 1 - (HEADING_INCHES - 0.04) / height),
        ncols=len(handles), handlelength=2.0, columnspacing=1.6, borderpad=0.0, labelcolor=MUTED,
    )  # fmt: skip


def _finish(axes: Axes) -> None:
    axes.set_ylim(bottom=0.0)
    axes.grid(color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _spread_out(leads: list[str], most: int) -> list[str]:
    """Choose at most `most` lead times, evenly spaced, including the first and the last."""
    if len(leads) <= most:
        return leads
    return [leads[round(index)] for index in np.linspace(0, len(leads) - 1, most)]
