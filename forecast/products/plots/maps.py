"""Maps of an ensemble: its mean and spread, and stamps of all members."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr
from matplotlib.colorbar import Colorbar
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

from forecast.products.files.derived import MEMBERS_OF_A_SPREAD, ensemble_mean, ensemble_spread
from forecast.products.plots.contours import draw_contours, repeat_contours
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
from forecast.products.plots.geography import Floats, map_frame
from forecast.products.plots.map_panels import Shading, canvas, map_panel, shade
from forecast.products.plots.palettes import ACCENT, MUTED, palette
from forecast.products.plots.styles import (
    VariableStyle,
    departure_levels,
    level_norm,
    spread_levels,
    style_of,
    title_of,
    value_levels,
)

MAP_WIDTH_INCHES = 11.0
MOST_STAMP_COLUMNS = 10


def plot_mean_and_spread(
    field: xr.DataArray, out: Path, *, caption: Caption, leads: Sequence[np.timedelta64] | None = None
) -> Path:
    """Write the figure that `mean_and_spread_figure` makes of the same arguments as PNG; return `out`, its path."""
    with typography():
        return save(mean_and_spread_figure(field, caption=caption, leads=leads), out)


def mean_and_spread_figure(
    field: xr.DataArray, *, caption: Caption, leads: Sequence[np.timedelta64] | None = None
) -> Figure:
    """Draw ensemble mean (left) and spread (right) of one channel, a row for each lead time.

    Args:
        field: One channel with dims (member, lead_time, latitude, longitude); at least 2 members.
        caption: Heading.
        leads: Lead times to draw; None for all.

    Returns:
        The figure; not one of pyplot's.
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
        axes = canvas(figure)
        for row, lead in enumerate(chosen):
            bottom = height - HEADING_INCHES - (row + 1) * (map_height + label)
            left, right = (
                map_panel(axes, frame, MARGIN_INCHES + column * (map_width + gap), bottom, map_width)
                for column in (0, 1)
            )
            outline, beside = (
                shade(left, means[row], style, shadings[0]),
                shade(right, spreads[row], style, shadings[1]),
            )
            if style.levels is None:
                lines = draw_contours(left, outline, means[row], style, shadings[0].levels)
                repeat_contours(lines, right, beside, right.left - left.left)
            words = f"{lead_words(lead)}  ·  valid {clock(caption.init_time + lead)}"
            figure.text(
                MARGIN_INCHES / MAP_WIDTH_INCHES,
                (bottom + map_height + 0.07) / height,
                words,
                fontsize=9.5,
                va="bottom",
            )
        for column, shading in enumerate(shadings):
            start = MARGIN_INCHES + column * (map_width + gap)
            colour_bar(figure, start + 0.12 * map_width, 0.42, 0.76 * map_width, shading)
    return figure


def plot_stamps(
    field: xr.DataArray,
    out: Path,
    *,
    caption: Caption,
    lead: np.timedelta64,
    analysis: xr.DataArray | None = None,
) -> Path:
    """Write the figure that `stamps_figure` makes of the same arguments as PNG; return `out`, its path."""
    with typography():
        return save(stamps_figure(field, caption=caption, lead=lead, analysis=analysis), out)


def stamps_figure(
    field: xr.DataArray,
    *,
    caption: Caption,
    lead: np.timedelta64,
    analysis: xr.DataArray | None = None,
) -> Figure:
    """Draw the ensemble mean, and how the analysis, if known, and every member depart from it, as small maps.

    Amounts, such as rain, and a single member are drawn as they are.

    Args:
        field: One channel with dims (member, lead_time, latitude, longitude).
        caption: Heading.
        lead: Lead time to draw.
        analysis: The analysis at the valid time, (latitude, longitude).

    Returns:
        The figure; not one of pyplot's.
    """
    name, style = str(field.name), style_of(str(field.name))
    frame = map_frame(field["latitude"].values, field["longitude"].values)
    stamps, shadings = _stamps(field.sel(lead_time=lead), analysis, style)
    columns = _columns(len(stamps), frame.aspect)
    with typography():
        gap, label, bar = 0.1, 0.19, 0.6
        width = (MAP_WIDTH_INCHES - 2 * MARGIN_INCHES - (columns - 1) * gap) / columns
        step = width / frame.aspect + label
        height = HEADING_INCHES + math.ceil(len(stamps) / columns) * step + bar
        title = f"{title_of(name)}: all members, {lead_words(lead).lower()}, valid {clock(caption.init_time + lead)}"
        figure = new_figure(MAP_WIDTH_INCHES, height, title, caption)
        axes = canvas(figure)
        for index, (words, plane, shading) in enumerate(stamps):
            left = MARGIN_INCHES + index % columns * (width + gap)
            bottom = height - HEADING_INCHES - (index // columns + 1) * step
            shade(map_panel(axes, frame, left, bottom, width), plane, style, shading, small=True)
            weight, colour = ("normal", MUTED) if words.startswith("Member") else ("bold", ACCENT)
            middle = (left + width / 2) / MAP_WIDTH_INCHES
            top = (bottom + step - label + 0.03) / height
            figure.text(middle, top, words, fontsize=7.5, ha="center", va="bottom", weight=weight, color=colour)
        share = 1 / len(shadings)
        for index, shading in enumerate(shadings):
            width = (0.8 if len(shadings) > 1 else 0.5) * share * MAP_WIDTH_INCHES
            left = (index + 0.5) * share * MAP_WIDTH_INCHES - width / 2
            colour_bar(figure, left, 0.42, width, shading)
    return figure


def _stamps(
    members: xr.DataArray, analysis: xr.DataArray | None, style: VariableStyle
) -> tuple[list[tuple[str, Floats, Shading]], list[Shading]]:
    """Title, field and colours of each stamp, and the different colours.

    What is not the mean is drawn as its departure from the mean: the differences between members are far smaller than
    those between places. Amounts, such as rain, and a single member are drawn as they are.
    """
    factor = np.float64(style.factor)
    planes = members.values * factor
    mean = ensemble_mean(planes)
    others = [] if analysis is None else [("Analysis", analysis.values * factor)]
    others += [(f"Member {number}", plane) for number, plane in zip(members["member"].values, planes, strict=True)]
    if style.levels is not None or len(planes) < MEMBERS_OF_A_SPREAD:
        shading = value_shading(style, [mean, *(plane for _, plane in others)])
        return [(words, plane, shading) for words, plane in [("Ensemble mean", mean), *others]], [shading]
    departures = [(words, plane - mean) for words, plane in others]
    levels = departure_levels([plane for _, plane in departures])
    centred = replace(style, centre=0.0)
    words = f"departure from the ensemble mean, {style.unit}"
    apart = Shading(levels, level_norm(levels, centred), palette("warmth"), "neither", words)
    of_mean = value_shading(style, [mean])
    stamps = [("Ensemble mean", mean, of_mean), *((words, plane, apart) for words, plane in departures)]
    return stamps, [of_mean, apart]


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
