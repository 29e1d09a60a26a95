"""Maps of an ensemble: its mean and spread, and stamps of all members."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import matplotlib.patheffects as effects
import numpy as np
import numpy.typing as npt
import shapely  # type: ignore[import-untyped]
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colorbar import Colorbar
from matplotlib.colors import BoundaryNorm, Colormap
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from forecast.products.files.derived import ensemble_mean, ensemble_spread
from forecast.products.plots.figures import (
    HEADING_INCHES,
    MARGIN_INCHES,
    Caption,
    clock,
    lead_words,
    new_figure,
    save,
    typography,
)
from forecast.products.plots.geography import Floats, MapFrame, map_frame
from forecast.products.plots.palettes import ACCENT, INK, MUTED, PAPER, palette
from forecast.products.plots.styles import VariableStyle, level_norm, spread_levels, style_of, title_of, value_levels

MAP_WIDTH_INCHES = 11.0
STAMP_EVERY = 2
MOST_STAMP_COLUMNS = 10


@dataclass(frozen=True)
class Shading:
    """Colours, levels and label of a set of maps.

    Attributes:
        levels: Ascending levels between which a colour is the same.
        norm: Norm of these levels.
        colours: Colour map.
        extend: Whether values above the last level have a colour of their own.
        label: Label of the colour bar, with the unit.
    """

    levels: Floats
    norm: BoundaryNorm
    colours: Colormap
    extend: Literal["neither", "max"]
    label: str


def plot_mean_and_spread(
    field: xr.DataArray, out: Path, *, caption: Caption, leads: Sequence[np.timedelta64] | None = None
) -> Path:
    """Draw ensemble mean (left) and spread (right) of one channel, a row for each lead time.

    Args:
        field: One channel with dims (member, lead_time, latitude, longitude); at least 2 members.
        out: Path of the PNG.
        caption: Heading.
        leads: Lead times to draw; None for all.

    Returns:
        `out`.
    """
    name, style = str(field.name), style_of(str(field.name))
    frame = map_frame(field["latitude"].values, field["longitude"].values)
    chosen = list(field["lead_time"].values if leads is None else leads)
    values = [field.sel(lead_time=lead).values * np.float64(style.factor) for lead in chosen]
    means, spreads = [ensemble_mean(each) for each in values], [ensemble_spread(each) for each in values]
    with typography():
        title = f"{title_of(name)}: ensemble mean and spread"
        gap, label, bar = 0.25, 0.3, 0.62
        map_width = (MAP_WIDTH_INCHES - 2 * MARGIN_INCHES - gap) / 2
        map_height = map_width / frame.aspect
        height = HEADING_INCHES + len(chosen) * (map_height + label) + bar
        figure = new_figure(MAP_WIDTH_INCHES, height, title, caption)
        shadings = value_shading(style, means), _spread_shading(style, spreads)
        for row, lead in enumerate(chosen):
            bottom = height - HEADING_INCHES - (row + 1) * (map_height + label)
            for column, shown in enumerate((means[row], spreads[row])):
                left = MARGIN_INCHES + column * (map_width + gap)
                axes = map_axes(figure, left, bottom, map_width, map_height)
                shade(axes, frame, shown, style, shadings[column])
                _contour(axes, frame, means[row], style, shadings[0].levels, labelled=column == 0)
            words = f"{lead_words(lead)}  ·  valid {clock(caption.init_time + lead)}"
            figure.text(
                MARGIN_INCHES / MAP_WIDTH_INCHES,
                (bottom + map_height + 0.07) / height,
                words,
                fontsize=9.5,
                va="bottom",
            )
        for column, shading in enumerate(shadings):
            left = MARGIN_INCHES + column * (map_width + gap)
            colour_bar(figure, left + 0.12 * map_width, 0.42, 0.76 * map_width, shading)
        return save(figure, out)


def plot_stamps(
    field: xr.DataArray,
    out: Path,
    *,
    caption: Caption,
    lead: np.timedelta64,
    analysis: xr.DataArray | None = None,
) -> Path:
    """Draw the ensemble mean, the analysis if known, and every member of one channel at one lead time as small maps.

    Args:
        field: One channel with dims (member, lead_time, latitude, longitude).
        out: Path of the PNG.
        caption: Heading.
        lead: Lead time to draw.
        analysis: The analysis at the valid time, (latitude, longitude).

    Returns:
        `out`.
    """
    name, style = str(field.name), style_of(str(field.name))
    frame = map_frame(field["latitude"].values, field["longitude"].values)
    members = field.sel(lead_time=lead).values * np.float64(style.factor)
    stamps = [("Ensemble mean", ensemble_mean(members))]
    if analysis is not None:
        stamps.append(("Analysis", analysis.values * np.float64(style.factor)))
    first = len(stamps)
    stamps += [(f"Member {number}", plane) for number, plane in zip(field["member"].values, members, strict=True)]
    columns = _columns(len(stamps), frame.aspect)
    with typography():
        gap, label, bar = 0.1, 0.19, 0.6
        width = (MAP_WIDTH_INCHES - 2 * MARGIN_INCHES - (columns - 1) * gap) / columns
        step = width / frame.aspect + label
        height = HEADING_INCHES + math.ceil(len(stamps) / columns) * step + bar
        title = f"{title_of(name)}: all members, {lead_words(lead).lower()}, valid {clock(caption.init_time + lead)}"
        figure = new_figure(MAP_WIDTH_INCHES, height, title, caption)
        shading = value_shading(style, [plane for _, plane in stamps])
        for index, (words, plane) in enumerate(stamps):
            left = MARGIN_INCHES + index % columns * (width + gap)
            bottom = height - HEADING_INCHES - (index // columns + 1) * step
            axes = map_axes(figure, left, bottom, width, step - label)
            shade(axes, frame, plane, style, shading, every=STAMP_EVERY)
            weight, colour = ("bold", ACCENT) if index < first else ("normal", MUTED)
            middle = (left + width / 2) / MAP_WIDTH_INCHES
            top = (bottom + step - label + 0.03) / height
            figure.text(middle, top, words, fontsize=7.5, ha="center", va="bottom", weight=weight, color=colour)
        colour_bar(figure, 0.25 * MAP_WIDTH_INCHES, 0.42, 0.5 * MAP_WIDTH_INCHES, shading)
        return save(figure, out)


def _columns(stamps: int, aspect: float) -> int:
    """Choose the number of columns that leaves few places empty and gives the figure a balanced shape."""
    candidates = range(3, MOST_STAMP_COLUMNS + 1)

    def cost(columns: int) -> float:
        rows = math.ceil(stamps / columns)
        shape = abs(math.log(columns * aspect / rows / 1.5))
        return (rows * columns - stamps) / stamps + shape

    return min(candidates, key=cost) if stamps > candidates.start else max(stamps, 1)


def value_shading(style: VariableStyle, fields: Sequence[Floats]) -> Shading:
    """Choose colours and levels for some fields.

    Args:
        style: Style of the variable.
        fields: In the unit of the style.
    """
    levels = value_levels(style, fields)
    extend: Literal["neither", "max"] = "max" if style.levels is not None else "neither"
    label = f"{style.quantity}, {style.unit}"
    return Shading(levels, level_norm(levels, style), palette(style.palette), extend, label)


def _spread_shading(style: VariableStyle, fields: Sequence[Floats]) -> Shading:
    levels = spread_levels(fields)
    label = f"spread (standard deviation of the members), {style.unit}"
    return Shading(levels, BoundaryNorm(levels, ncolors=256), palette("spread"), "neither", label)


def map_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Add axes without ticks for a map.

    Args:
        figure: The figure.
        left: Left edge, inches.
        bottom: Lower edge, inches.
        width: Width, inches.
        height: Height, inches.
    """
    total_width, total_height = figure.get_size_inches()
    axes = figure.add_axes((left / total_width, bottom / total_height, width / total_width, height / total_height))
    axes.set_axis_off()
    return axes


def shade(
    axes: Axes, frame: MapFrame, field: Floats, style: VariableStyle, shading: Shading, *, every: int = 1
) -> None:
    """Fill a map with colours and draw coastlines, graticule and outline over them.

    Args:
        axes: Axes without ticks.
        frame: The map.
        field: In the unit of the style, (latitude, longitude).
        style: Style of the variable.
        shading: Colours and levels.
        every: Draw every so many points of the map.
    """
    smooth = not style.bounded and bool(np.isfinite(field).all())  # a spline would spread a gap over the map
    values = frame.project(field, polar_sign=style.polar_sign, smooth=smooth, every=every)
    upper = np.inf if shading.extend == "max" else shading.levels[-1] - 1e-9 * np.ptp(shading.levels)
    lower = -np.inf if style.levels is not None else shading.levels[0]
    filled = axes.contourf(
        frame.x[::every], frame.y[::every], np.clip(values, lower, upper), levels=shading.levels,
        norm=shading.norm, cmap=shading.colours, extend=shading.extend, antialiased=False,
    )  # fmt: skip
    filled.set_clip_path(draw_frame(axes, frame, line=0.6 if every == 1 else 0.35))


def draw_frame(axes: Axes, frame: MapFrame, *, line: float = 0.6) -> Polygon:
    """Draw coastlines, graticule and outline of a map, and fit the axes to it.

    Args:
        axes: Axes without ticks.
        frame: The map.
        line: Width of the coastlines, points.

    Returns:
        The outline, to which what is drawn on the map may be clipped.
    """
    outline = Polygon(frame.outline, closed=True, facecolor="none", edgecolor=MUTED, linewidth=0.6, zorder=5)
    axes.add_patch(outline)
    axes.add_collection(LineCollection(frame.graticule, colors=INK, linewidths=0.3, alpha=0.16, zorder=3))
    axes.add_collection(LineCollection(frame.coastlines, colors=INK, linewidths=line, alpha=0.75, zorder=4))
    margin = 0.004 * np.ptp(frame.outline[:, 0])
    axes.set_xlim(frame.outline[:, 0].min() - margin, frame.outline[:, 0].max() + margin)
    axes.set_ylim(frame.outline[:, 1].min() - margin, frame.outline[:, 1].max() + margin)
    axes.set_aspect("equal")
    return outline


def _contour(
    axes: Axes, frame: MapFrame, field: Floats, style: VariableStyle, levels: npt.NDArray[np.float64], *, labelled: bool
) -> None:
    """Draw contours of the mean, labelled on the left map."""
    if style.levels is not None:
        return
    every = max(1, len(levels) // 10)
    values = frame.project(field, polar_sign=style.polar_sign, smooth=not style.bounded)
    lines = axes.contour(
        frame.x, frame.y, values, levels=levels[::every], colors=INK, linewidths=0.55, alpha=0.7 if labelled else 0.3,
        negative_linestyles="dashed",
    )  # fmt: skip
    if labelled:
        _label(axes, lines, frame)


def _label(axes: Axes, lines: QuadContourSet, frame: MapFrame) -> None:
    """Label the contours, leaving out labels that would touch the edge of the map or one another."""
    width = np.ptp(frame.outline[:, 0])
    edge = shapely.LinearRing(frame.outline)
    kept: list[Floats] = []
    for text in axes.clabel(lines, fontsize=6.5, fmt="%g", inline=False):
        place = np.array(text.get_position())
        to_edge = edge.distance(shapely.Point(place))
        to_others = min((float(np.hypot(*(other - place))) for other in kept), default=np.inf)
        if to_edge < 0.035 * width or to_others < 0.06 * width:
            text.remove()
            continue
        kept.append(place)
        text.set_path_effects([effects.withStroke(linewidth=1.8, foreground=PAPER, alpha=0.8)])


def colour_bar(figure: Figure, left: float, bottom: float, width: float, shading: Shading) -> None:
    """Draw a horizontal colour bar.

    Args:
        figure: The figure.
        left: Left end, inches.
        bottom: Lower edge, inches; its labels are below.
        width: Width, inches.
        shading: Levels and colours.
    """
    total_width, total_height = figure.get_size_inches()
    axes = figure.add_axes((left / total_width, bottom / total_height, width / total_width, 0.11 / total_height))
    bar = Colorbar(
        axes, norm=shading.norm, cmap=shading.colours, orientation="horizontal", extend=shading.extend,
        boundaries=shading.levels.tolist(), values=None, spacing="uniform",
    )  # fmt: skip
    every = max(1, math.ceil(len(shading.levels) / 12))
    bar.set_ticks(shading.levels[::every].tolist(), labels=[f"{level:g}" for level in shading.levels[::every]])
    bar.ax.tick_params(length=2, pad=2, labelsize=7.5)
    bar.outline.set_linewidth(0.4)
    bar.set_label(shading.label, fontsize=8, labelpad=2)
