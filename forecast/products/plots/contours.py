"""Contours of the ensemble mean on maps, with labels where the lines are straight."""

import matplotlib.patheffects as effects
import numpy as np
import shapely  # type: ignore[import-untyped]
from matplotlib.collections import PathCollection
from matplotlib.contour import QuadContourSet
from matplotlib.patches import Polygon
from matplotlib.transforms import Affine2D

from forecast.products.plots.geography import Floats
from forecast.products.plots.map_panels import MapPanel
from forecast.products.plots.palettes import INK, PAPER
from forecast.products.plots.styles import VariableStyle

LINE_POINTS, OPACITY, OPACITY_BESIDE = 0.55, 0.7, 0.3
MOST_CONTOURS = 10
HALF_LABEL_PIXELS = 14.0
"""Half of the length of line that a label covers, and that is to be straight."""
LABEL_PLACES = 15
"""Places along a line that are tried."""
SHORTEST_LINE, TO_EDGE, TO_OTHERS = 0.12, 0.035, 0.075
"""Length of the shortest line that is labelled, and smallest distances of a label, in widths of the map."""

HALO = effects.withStroke(linewidth=1.8, foreground=PAPER, alpha=0.8)


def draw_contours(
    panel: MapPanel, outline: Polygon, field: Floats, style: VariableStyle, levels: Floats
) -> QuadContourSet:
    """Draw labelled contours of a field on a map.

    Args:
        panel: Place of the map.
        outline: Outline of the map on the figure, from `shade`.
        field: In the unit of the style, (latitude, longitude).
        style: Style of the variable.
        levels: Levels of the colours, of which at most about ten get a contour.

    Returns:
        The contours.
    """
    every, frame = max(1, len(levels) // MOST_CONTOURS), panel.frame
    values = frame.project(field, polar_sign=style.polar_sign, smooth=not style.bounded)
    x = np.linspace(panel.left, panel.left + panel.width, frame.x.size)
    y = np.linspace(panel.bottom, panel.bottom + panel.height, frame.y.size)
    lines = panel.axes.contour(
        x, y, values, levels=levels[::every], colors=INK, linewidths=LINE_POINTS, alpha=OPACITY,
        negative_linestyles="dashed",
    )  # fmt: skip
    lines.set_clip_path(outline)
    _label(panel, lines)
    return lines


def repeat_contours(lines: QuadContourSet, panel: MapPanel, outline: Polygon, to_the_right: float) -> None:
    """Draw the contours of one map on another one, fainter and without labels.

    Args:
        lines: The contours, from `draw_contours`.
        panel: Place of the other map.
        outline: Its outline on the figure.
        to_the_right: Its distance, pixels.
    """
    again = PathCollection(
        lines.get_paths(), facecolors="none", edgecolors=INK, linewidths=LINE_POINTS, alpha=OPACITY_BESIDE,
        linestyles=lines.get_linestyle(), zorder=lines.get_zorder(),
        transform=Affine2D().translate(to_the_right, 0.0) + panel.axes.transData,
    )  # fmt: skip
    panel.axes.add_collection(again, autolim=False)
    again.set_clip_path(outline)


def _label(panel: MapPanel, lines: QuadContourSet) -> None:
    """Label each long line once, where it is straightest and no label touches the edge of the map or another one."""
    edge = shapely.LinearRing(panel.to_pixels.transform(panel.frame.outline))
    taken = np.full((1, 2), np.inf)
    for level, segments in zip(lines.levels, lines.allsegs, strict=True):
        for line in segments:
            middles, angles = _straight_places(line, SHORTEST_LINE * panel.width)
            free = shapely.distance(edge, shapely.points(middles)) >= TO_EDGE * panel.width
            free &= np.hypot(*(middles[:, None] - taken).T).min(axis=0) >= TO_OTHERS * panel.width
            for place in np.flatnonzero(free)[:1]:
                taken = np.concatenate([taken, middles[place : place + 1]])
                panel.axes.text(
                    middles[place, 0], middles[place, 1], f"{level:g}", rotation=angles[place], ha="center",
                    va="center", fontsize=6.5, color=INK, alpha=0.8, zorder=4.5, path_effects=[HALO],
                )  # fmt: skip


def _straight_places(line: Floats, shortest: float) -> tuple[Floats, Floats]:
    """Return places along a line, the straightest first, and its direction there in degrees, at most 90 either way.

    Args:
        line: Points in pixels, (point, 2).
        shortest: Length in pixels below which a line has no places.
    """
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    if along[-1] < max(shortest, 2 * HALF_LABEL_PIXELS):
        return np.empty((0, 2)), np.empty(0)
    at = np.linspace(HALF_LABEL_PIXELS, along[-1] - HALF_LABEL_PIXELS, LABEL_PLACES)
    before, middle, after = (
        np.column_stack([np.interp(at + shift, along, axis) for axis in line.T])
        for shift in (-HALF_LABEL_PIXELS, 0.0, HALF_LABEL_PIXELS)
    )
    chord = after - before
    order = np.argsort(-np.hypot(*chord.T), kind="stable")
    angles = np.degrees(np.arctan2(chord[:, 1], chord[:, 0]))
    return middle[order], ((angles + 90.0) % 180.0 - 90.0)[order]
