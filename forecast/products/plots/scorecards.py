"""The figure of a scorecard: a table of triangles, one for each channel, lead time and region."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from forecast.products.plots.figures import HEADING_INCHES, MARGIN_INCHES, Heading, new_figure, save, typography
from forecast.products.plots.palettes import ACCENT, FAINT, INK, MUTED, WARNING

BETTER, WORSE = ACCENT, WARNING
STRIPE = "#f1f4f6"
CELL_INCHES = 0.27
ROOMY_CELL_INCHES = 0.5
ROOMY_ROWS = 3
"""Largest number of rows that leaves room for percentages below the triangles."""
LABEL_INCHES, GAP_INCHES, TITLE_INCHES, AXIS_INCHES, LEGEND_INCHES = 0.62, 0.28, 0.3, 0.4, 0.62
NOTE_INCHES, LETTER_INCHES = 0.16, 0.0595
PANELS_A_ROW = 3
LEAST_INCHES, LEAST_PANEL_INCHES = 6.2, 1.5
TITLE_LETTER_INCHES, BADGE_INCHES = 0.121, 1.8
SMALLEST, LARGEST = 9.0, 150.0
"""Areas of triangles, in square points."""
ROUND_PERCENTAGES = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 50.0, 75.0, 100.0)
SCORE_WORDS = {"crps": "fair CRPS", "rmse": "RMSE of the ensemble mean", "mae": "MAE of the ensemble mean"}
SIGNIFICANT = 0.05


def plot_scorecard(
    card: xr.Dataset, out: Path, *, names: tuple[str, str] | None = None, origin: str = "", simulated: bool = False,
    level: float = SIGNIFICANT,
) -> Path:  # fmt: skip
    """Draw a table of triangles: up is better, down is worse, filled is significant, and the area shows the change.

    Args:
        card: Result of `forecast.verification.scorecard`.
        out: Path of the PNG.
        names: Names of the forecaster and the reference; None for those in the archive.
        origin: Line under the title; empty for the number and period of the cycles.
        simulated: Whether to say that the weather is simulated.
        level: Significance level, after the adjustment for the number of tests.

    Returns:
        `out`.
    """
    regions, rows, columns = (card.sizes[name] for name in ("region", "channel", "lead_time"))
    across = min(regions, PANELS_A_ROW)
    cell = ROOMY_CELL_INCHES if rows <= ROOMY_ROWS else CELL_INCHES
    panel = max(columns * cell, LEAST_PANEL_INCHES), rows * cell
    ours, theirs = names or (card.attrs["forecaster"], card.attrs["reference"])
    title = f"{ours} against {theirs}: {SCORE_WORDS.get(card.attrs['score_name'], card.attrs['score_name'])}"
    across_inches = LABEL_INCHES + across * panel[0] + (across - 1) * GAP_INCHES
    heading_inches = len(title) * TITLE_LETTER_INCHES + (BADGE_INCHES if simulated else 0.0)
    width = 2 * MARGIN_INCHES + max(across_inches, heading_inches, LEAST_INCHES)
    block = TITLE_INCHES + panel[1] + AXIS_INCHES
    notes = _notes(card, level, width)
    height = HEADING_INCHES + -(-regions // across) * block + LEGEND_INCHES + len(notes) * NOTE_INCHES
    scale = _scale(card["change"].values)
    with typography():
        heading = Heading(origin or _cycles(card), simulated)
        figure = new_figure(width, height, title, heading)
        for index, region in enumerate(card["region"].values.tolist()):
            left = MARGIN_INCHES + LABEL_INCHES + index % across * (panel[0] + GAP_INCHES)
            bottom = height - HEADING_INCHES - index // across * block - TITLE_INCHES - panel[1]
            axes = figure.add_axes((left / width, bottom / height, panel[0] / width, panel[1] / height))
            _draw_region(axes, card.sel(region=region), scale, level)
            axes.set_title(_words(region), loc="left", fontsize=9, fontweight="bold", pad=4)
            axes.tick_params(labelleft=index % across == 0)
            axes.set_xlabel("lead time, days" if index + across >= regions else "", fontsize=8, color=MUTED, labelpad=2)
        _draw_legend(figure, (width, height), scale, len(notes))
        for index, note in enumerate(reversed(notes)):
            place = MARGIN_INCHES / width, (0.12 + index * NOTE_INCHES) / height
            figure.text(*place, note, fontsize=7.5, color=MUTED)
        return save(figure, out)


def _draw_region(axes: Axes, card: xr.Dataset, scale: float, level: float) -> None:
    ordered = card.transpose("channel", "lead_time")
    rows, columns = ordered["change"].shape
    days = ordered["lead_time"].values / np.timedelta64(1, "D")
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    for row in range(0, rows, 2):
        axes.axhspan(row - 0.5, row + 0.5, color=STRIPE, linewidth=0, zorder=0)
    change, p_value = ordered["change"].values, ordered["p_adjusted"].values
    x, y = np.meshgrid(np.arange(columns, dtype=np.float64), np.arange(rows, dtype=np.float64))
    roomy = rows <= ROOMY_ROWS
    _draw_triangles(axes, x, y - 0.12 if roomy else y, change, p_value < level, scale)
    for (row, column), value in np.ndenumerate(change):
        words = "–" if np.isnan(value) else _percentage(float(value)) if roomy else ""
        below = 0.32 if roomy and np.isfinite(value) else 0.0
        axes.text(column, row + below, words, ha="center", va="center", color=MUTED, fontsize=7, zorder=1)
    axes.set_xticks(range(columns), [f"{day:g}" for day in days], fontsize=7.5)
    axes.set_yticks(range(rows), ordered["channel"].values.tolist(), fontsize=8.5, color=INK)
    axes.tick_params(length=0, pad=3)
    axes.spines[:].set_color(FAINT)


def _draw_triangles(
    axes: Axes,
    x: NDArray[Any],
    y: NDArray[Any],
    change: NDArray[np.float64],
    significant: NDArray[np.bool_],
    scale: float,
) -> None:
    known = np.isfinite(change)
    for better in (True, False):
        for filled in (True, False):
            chosen = known & ((change < 0) == better) & (significant == filled) & (change != 0)
            colour = BETTER if better else WORSE
            axes.scatter(
                x[chosen], y[chosen], s=_areas(change[chosen], scale), marker="^" if better else "v",
                facecolors=colour if filled else "none", edgecolors=colour, linewidths=0.8, zorder=2,
            )  # fmt: skip


def _draw_legend(figure: Figure, inches: tuple[float, float], scale: float, notes: int) -> None:
    width, height = inches
    bottom = 0.16 + notes * NOTE_INCHES
    axes = figure.add_axes((MARGIN_INCHES / width, bottom / height, 1 - 2 * MARGIN_INCHES / width, 0.3 / height))
    axes.set_axis_off()
    axes.set_xlim(0, width - 2 * MARGIN_INCHES)
    axes.set_ylim(-1, 1)
    samples = [(-scale, True, "better"), (scale, True, "worse"), (-scale, False, "not significant")]
    samples += [(-scale * share, True, f"{scale * share:g} %") for share in (0.1, 0.5)]
    samples.append((-scale, True, f"{scale:g} % or more"))
    at = 0.1
    for change, filled, words in samples:
        _draw_triangles(axes, np.array([at]), np.zeros(1), np.array([change]), np.array([filled]), scale)
        axes.text(at + 0.15, 0, words, va="center", fontsize=8, color=INK)
        at += 0.36 + 0.068 * len(words)


def _notes(card: xr.Dataset, level: float, width: float) -> list[str]:
    """Return the notes below the table, in lines that fit its width."""
    tests = card.attrs["tests"]
    parts = [
        f"filled: significant at {level:g} by a paired t-test with AR(2) inflation",
        f"false discovery rate over {tests} test{'s' if tests != 1 else ''}",
    ]
    if not card.attrs["evenly_spaced"]:
        parts.append("the cycles are unevenly spaced, which the test does not take into account")
    untested = int((card["change"].notnull() & card["p_value"].isnull()).sum())
    if untested:
        parts.append(f"{untested} cell{'s' if untested != 1 else ''} with too few cycles not tested")
    lines = [parts[0]]
    for part in parts[1:]:
        joined = f"{lines[-1]}; {part}"
        fits = len(joined) * LETTER_INCHES <= width - 2 * MARGIN_INCHES
        lines = [*lines[:-1], joined] if fits else [*lines, part]
    return lines


def _percentage(change: float) -> str:
    return f"{change:+.{1 if abs(change) < 9.95 else 0}f} %".replace("-", "−")


def _areas(change: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    return SMALLEST + (LARGEST - SMALLEST) * np.minimum(np.abs(change) / scale, 1.0)


def _scale(change: NDArray[np.float64]) -> float:
    """Choose the percentage of the largest triangles: a round number that few changes exceed."""
    known = np.abs(change[np.isfinite(change)])
    wanted = float(np.quantile(known, 0.9)) if known.size else 0.0
    return next((percentage for percentage in ROUND_PERCENTAGES if percentage >= wanted), ROUND_PERCENTAGES[-1])


def _cycles(card: xr.Dataset) -> str:
    about = card.attrs
    return f"{about['cycles']} cycles, {about['first_init_time'][:10]} to {about['last_init_time'][:10]}"


def _words(name: str) -> str:
    """Format the name of a region as a title: `north-america` becomes `North America`."""
    parts = name.split("-")
    proper = name in ("europe", "north-america")
    return " ".join(part.capitalize() if proper or index == 0 else part for index, part in enumerate(parts))
