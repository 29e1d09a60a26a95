"""The figure of physics gates: a table of coloured numbers for each gate, those beyond their limits framed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from data_catalog.errors import InvalidDataError
from forecast.products.plots.figures import HEADING_INCHES, MARGIN_INCHES, Heading, new_figure, save, typography
from forecast.products.plots.palettes import INK, MUTED, PAPER, palette

Floats = npt.NDArray[np.float64]
CELL_INCHES = 0.3, 0.215
LABEL_LETTER_INCHES = 0.068
TITLE_INCHES, FOOT_INCHES, NOTE_INCHES, GAP_INCHES = 0.8, 0.12, 0.36, 0.1
LEAST_WIDTH_INCHES = 6.6
NOTE = "Colour: how far a number is off what it should be, full at twice its limit. Framed: beyond its limit."


@dataclass(frozen=True)
class GateTable:
    """The numbers of one gate as a table: rows, and columns in groups.

    Attributes:
        title: Name of the gate, and what came of it.
        measure: What is measured.
        rows: Labels of the rows, such as channels.
        groups: Labels of the groups of columns, such as bands of wavenumbers.
        columns: Labels of the columns of each group, such as lead times.
        values: The numbers: (row, group, column); NaN where there is none.
        off: How far they are off: 1 at the upper and -1 at the lower limit; infinite where there should be a number.
    """

    title: str
    measure: str
    rows: Sequence[str]
    groups: Sequence[str]
    columns: Sequence[str]
    values: Floats
    off: Floats

    @property
    def size_inches(self) -> tuple[float, float]:
        """Width and height of the cells."""
        across = len(self.groups) * (len(self.columns) * CELL_INCHES[0] + GAP_INCHES) - GAP_INCHES
        return across, len(self.rows) * CELL_INCHES[1]


def plot_gates(tables: Sequence[GateTable], out: Path, *, title: str, heading: Heading) -> Path:
    """Draw the gates of a model, one table below the other.

    Args:
        tables: The tables; at least one.
        out: Path of the PNG.
        title: Title of the figure.
        heading: Line under the title, and whether the weather is simulated.

    Returns:
        `out`.

    Raises:
        InvalidDataError: There is no table.
    """
    if not tables:
        raise InvalidDataError("gates: expected at least one with figures to draw, found none")
    left = MARGIN_INCHES + LABEL_LETTER_INCHES * max(len(row) for table in tables for row in table.rows) + 0.1
    width = max(left + max(table.size_inches[0] for table in tables) + MARGIN_INCHES, LEAST_WIDTH_INCHES)
    tall = sum(TITLE_INCHES + table.size_inches[1] + FOOT_INCHES for table in tables)
    height = HEADING_INCHES + tall + NOTE_INCHES
    with typography():
        figure = new_figure(width, height, title, heading)
        top = height - HEADING_INCHES
        for table in tables:
            across, down = table.size_inches
            bottom = top - TITLE_INCHES - down
            axes = figure.add_axes((left / width, bottom / height, across / width, down / height))
            place = MARGIN_INCHES / width, (top - 0.1) / height
            figure.text(*place, table.title, fontsize=9, fontweight="bold", va="top")
            figure.text(place[0], (top - 0.27) / height, table.measure, fontsize=8, color=MUTED, va="top")
            _draw(axes, table)
            top = bottom - FOOT_INCHES
        figure.text(MARGIN_INCHES / width, 0.14 / height, NOTE, fontsize=7.5, color=MUTED)
        return save(figure, out)


def _draw(axes: Axes, table: GateTable) -> None:
    axes.set_xlim(0, table.size_inches[0])
    axes.set_ylim(len(table.rows), 0)
    colours = palette("wind")(np.clip(0.5 + np.nan_to_num(table.off, posinf=2.0) / 4, 0, 1))
    for (row, group, column), value in np.ndenumerate(table.values):
        if not np.isnan(table.off[row, group, column]):
            place = group * (len(table.columns) * CELL_INCHES[0] + GAP_INCHES) + column * CELL_INCHES[0]
            beyond = bool(abs(table.off[row, group, column]) > 1)
            _draw_cell(axes, (place, row), colours[row, group, column], value, beyond)
    axes.set_yticks(np.arange(len(table.rows)) + 0.5, list(table.rows), color=INK, fontsize=8)
    _label_columns(axes, table)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_cell(axes: Axes, corner: tuple[float, float], colour: Floats, value: float, beyond: bool) -> None:
    x, y = corner
    inset = 0.025
    size = CELL_INCHES[0] - inset, 0.88
    edge = INK if beyond else "none"
    axes.add_patch(Rectangle((x + inset / 2, y + 0.06), *size, facecolor=colour, edgecolor=edge, linewidth=1.2))
    words = "?" if not np.isfinite(value) else f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"
    dark = float(np.dot(colour[:3], (0.3, 0.6, 0.1))) < 0.55
    axes.text(x + CELL_INCHES[0] / 2, y + 0.52, words, ha="center", va="center", fontsize=6.2,
              color=PAPER if dark else INK)  # fmt: skip


def _label_columns(axes: Axes, table: GateTable) -> None:
    wide = len(table.columns) * CELL_INCHES[0]
    places = [
        group * (wide + GAP_INCHES) + (column + 0.5) * CELL_INCHES[0]
        for group in range(len(table.groups))
        for column in range(len(table.columns))
    ]
    axes.xaxis.tick_top()
    axes.set_xticks(places, [*table.columns] * len(table.groups), fontsize=6.5)
    axes.tick_params(axis="x", pad=0)
    lift = -(0.17 / CELL_INCHES[1])
    for index, name in enumerate(table.groups):
        middle = index * (wide + GAP_INCHES) + wide / 2
        axes.text(middle, lift, name, ha="center", va="bottom", fontsize=7.5, color=INK)
