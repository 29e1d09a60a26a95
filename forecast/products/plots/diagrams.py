"""Common parts of the diagrams of scores: axes placed in inches, curves named in a legend, checks of what is drawn."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from data_catalog.errors import InvalidDataError
from forecast.products.plots.figures import (
    HEADING_INCHES,
    MARGIN_INCHES,
    Heading,
    clock,
    lead_words,
    new_figure,
    save,
    typography,
)
from forecast.products.plots.palettes import FAINT, INK, MUTED, PAPER, colours_of

Floats = npt.NDArray[np.float64]
T = TypeVar("T")
Results = Mapping[str, xr.Dataset]
"""Results of a score, by the name of the forecast."""
Curves = Mapping[str, xr.DataArray]
"""Scores along one dimension, by the name of the forecast."""
SQUARE_INCHES = 4.4
"""Side of the axes of a diagram whose two axes are alike."""
LEFT_INCHES, BOTTOM_INCHES, NOTE_INCHES, LINE_INCHES, GAP_INCHES = 0.72, 0.55, 0.17, 0.2, 0.82
LEAST_WIDTH_INCHES, LETTER_INCHES, TITLE_LETTER_INCHES = 5.6, 0.068, 0.121
BADGE_INCHES = 1.8
DASHED = (0, (4, 3))
MARKER: dict[str, Any] = {"marker": "o", "markersize": 5.0, "markeredgecolor": PAPER, "markeredgewidth": 0.8}
"""Points of a curve, each with a rim that parts it from the others."""


SQUARE = ((SQUARE_INCHES, SQUARE_INCHES),)
WIDE = ((6.0, 3.2),)
BARE = Heading("", False)
"""Heading with nothing under the title."""


@dataclass(frozen=True)
class Diagram:
    """What a diagram looks like before anything is drawn.

    Attributes:
        title: Title of the figure.
        heading: Line under the title, and whether the weather is simulated.
        sizes: Width and height of the axes in inches, from left to right; all of one height.
        labels: Labels of the horizontal and the vertical axis of each.
        note: Text below.
        strip_inches: Height to leave free below the axes, for a further strip of axes.
    """

    title: str
    heading: Heading
    sizes: tuple[tuple[float, float], ...]
    labels: tuple[tuple[str, str], ...]
    note: str = ""
    strip_inches: float = 0.0


@dataclass(frozen=True)
class Frame:
    """A figure of one or more axes side by side, with a heading above, and room for a legend and notes below.

    Attributes:
        figure: The figure.
        axes: Axes from left to right.
        below_inches: Height of what lies below the axes and their labels, from the lower edge of the figure.
    """

    figure: Figure
    axes: tuple[Axes, ...]
    below_inches: float


Draw = Callable[[Frame, Mapping[str, Any], Mapping[str, str]], None]
"""Draws curves by name in colours by name."""


def draw_diagram(
    curves: Mapping[str, Any], out: Path, diagram: Diagram, draw: Draw, words: Mapping[str, str] | None = None
) -> Path:
    """Draw a diagram of several curves, with a legend of their names, and write it.

    Args:
        curves: What each curve is drawn of, by name.
        out: Path of the PNG.
        diagram: What it looks like.
        draw: Draws the curves.
        words: What the legend says for each name; the name itself when None.

    Returns:
        `out`.
    """
    colours = colours_of(curves)
    with typography():
        frame = new_frame(diagram, list(words.values() if words else curves))
        for axes, (across, up) in zip(frame.axes, diagram.labels, strict=True):
            axes.set_xlabel(across)
            axes.set_ylabel(up)
        draw(frame, curves, colours)
        name_curves(frame, colours, words)
        return save(frame.figure, out)


def new_frame(diagram: Diagram, names: Sequence[str] = ()) -> Frame:
    """Make the figure of a diagram with its axes, and write the note.

    Args:
        diagram: What it looks like.
        names: What the legend will say, so that there is room for it.
    """
    across = (
        LEFT_INCHES + sum(each for each, _ in diagram.sizes) + (len(diagram.sizes) - 1) * GAP_INCHES + MARGIN_INCHES
    )
    badge = BADGE_INCHES if diagram.heading.simulated else 0.0
    width = max(LEAST_WIDTH_INCHES, across, 2 * MARGIN_INCHES + len(diagram.title) * TITLE_LETTER_INCHES + badge)
    lines = _lines(diagram.note, width - 2 * MARGIN_INCHES)
    below = 0.1 + len(lines) * NOTE_INCHES + (len(legend_rows(names, width)) * LINE_INCHES + 0.06 if names else 0.0)
    bottom = below + diagram.strip_inches + BOTTOM_INCHES
    height = bottom + diagram.sizes[0][1] + 0.22 + HEADING_INCHES
    figure = new_figure(width, height, diagram.title, diagram.heading)
    for index, line in enumerate(reversed(lines)):
        place = MARGIN_INCHES / width, (0.12 + index * NOTE_INCHES) / height
        figure.text(*place, line, fontsize=7.5, color=MUTED)
    left = LEFT_INCHES + max(0.0, width - across) / 2
    return Frame(figure, tuple(_placed(figure, (left, bottom), diagram.sizes)), below)


def _placed(figure: Figure, corner: tuple[float, float], sizes: Sequence[tuple[float, float]]) -> Iterator[Axes]:
    """Axes side by side from a corner on, in inches."""
    (left, bottom), (width, height) = corner, figure.get_size_inches()
    for each, tall in sizes:
        axes = figure.add_axes((left / width, bottom / height, each / width, tall / height))
        finish(axes)
        yield axes
        left += each + GAP_INCHES


def finish(axes: Axes) -> None:
    """Give axes a faint grid and no upper and right edge.

    Args:
        axes: The axes.
    """
    axes.grid(color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.label.set_color(MUTED)
    axes.yaxis.label.set_color(MUTED)


def unit_square(axes: Axes, *, diagonal: bool = True) -> None:
    """Let both axes go from 0 to 1, with a diagonal if wanted.

    Args:
        axes: Square axes.
        diagonal: Whether to draw the diagonal.
    """
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.0)
    ticks = np.linspace(0.0, 1.0, 6)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    if diagonal:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=DASHED, zorder=1)


def name_curves(frame: Frame, colours: Mapping[str, str], words: Mapping[str, str] | None = None) -> None:
    """Name the curves in a legend between the axes and the notes.

    Args:
        frame: The figure, made with the same names.
        colours: Colour of each name.
        words: What the legend says for each name; the name itself when None.
    """
    width, height = frame.figure.get_size_inches()
    named, first = list(colours), 0
    for index, row in enumerate(legend_rows([(words or {}).get(name, name) for name in named], width)):
        names = named[first : first + len(row)]
        handles = [
            Line2D([], [], color=colours[name], linewidth=1.8, label=word)
            for name, word in zip(names, row, strict=True)
        ]
        place = MARGIN_INCHES / width, (frame.below_inches - index * LINE_INCHES) / height
        frame.figure.legend(
            handles=handles, loc="upper left", ncols=len(row), handlelength=1.8, columnspacing=1.6, borderpad=0.0,
            bbox_to_anchor=place, labelcolor=INK, borderaxespad=0.0,
        )  # fmt: skip
        first += len(row)


def legend_rows(names: Sequence[str], width_inches: float) -> list[list[str]]:
    """Divide the entries of a legend into rows that fit the width of a figure.

    Args:
        names: Entries in order.
        width_inches: Width of the figure, inches.
    """
    rows: list[list[str]] = [[]]
    used = 0.0
    for name in names:
        needed = 0.55 + len(name) * LETTER_INCHES
        if rows[-1] and used + needed > width_inches - 2 * MARGIN_INCHES:
            rows.append([])
            used = 0.0
        rows[-1].append(name)
        used += needed
    return rows


def curve(name: str, scores: xr.Dataset | xr.DataArray, *wanted: str) -> str:
    """Return the name of the one dimension that a curve is drawn along.

    Args:
        name: Name of the curve, with which a message begins.
        scores: What is drawn.
        wanted: Variables that the Dataset has to have.

    Raises:
        InvalidDataError: A variable is missing, or there is another number of dimensions than one.
    """
    if isinstance(scores, xr.Dataset):
        missing = [each for each in wanted if each not in scores]
        if missing:
            found = sorted(map(str, scores.data_vars))
            raise InvalidDataError(f"{name}: expected variables {list(wanted)}, found {found}")
        scores = scores[wanted[0]]
    if scores.ndim != 1:
        raise InvalidDataError(
            f"{name}: expected one dimension to draw a curve along, found {list(scores.dims)}; choose with .sel()"
        )
    return str(scores.dims[0])


def first_of(curves: Mapping[str, T], what: str) -> T:
    """Return what the first curve is drawn of; refuse an empty figure, and what is no mapping of names.

    Args:
        curves: What each curve is drawn of, by name.
        what: What is drawn, with which a message begins.

    Raises:
        InvalidDataError: There is no curve.
    """
    if not isinstance(curves, Mapping) or isinstance(curves, xr.Dataset) or not curves:
        found = "none" if isinstance(curves, Mapping) and not curves else type(curves).__name__
        raise InvalidDataError(f"{what}: expected a mapping of names to scores, found {found}")
    return next(iter(curves.values()))


def unit_words(quantity: str, *scores: xr.DataArray) -> str:
    """Name a quantity with the unit that one of its fields states.

    Args:
        quantity: Name of the quantity.
        scores: Fields that may have an attribute `units`.

    Returns:
        Such as `threshold, K`; the quantity alone where no unit is known or it is 1.
    """
    units = [str(score.attrs["units"]) for score in scores if score.attrs.get("units", "1") != "1"]
    return f"{quantity}, {units[0]}" if units else quantity


def label_words(labels: xr.DataArray) -> list[str]:
    """Format the labels of points: lead times in days or hours, times, numbers and text.

    Args:
        labels: One dimension.
    """
    if labels.dtype.kind == "m":
        return [lead_words(lead) for lead in labels.values]
    if labels.dtype.kind == "M":
        return [clock(time) for time in labels.values]
    return [f"{label:g}" if labels.dtype.kind in "fiu" else str(label) for label in labels.values]


def _lines(text: str, width_inches: float) -> list[str]:
    """Break a note into lines that fit."""
    lines = [""] if text else []
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        fits = len(joined) * 0.0595 <= width_inches
        lines = [*lines[:-1], joined] if fits or not lines[-1] else [*lines, word]
    return lines
