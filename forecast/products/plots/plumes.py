"""Plumes: the members at one place by lead time, with analysis and climatology if they are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from data_catalog.errors import ConfigurationError
from data_catalog.layout.variables import channel
from forecast.products.plots.figures import (
    HEADING_INCHES,
    NOTHING_KNOWN,
    Caption,
    KnownWeather,
    new_figure,
    save,
    typography,
    without_formulas,
)
from forecast.products.plots.palettes import ACCENT, FAINT, INK, MUTED
from forecast.products.plots.styles import style_of, title_of
from forecast.system.products import Point

PLUME_WIDTH_INCHES = 8.2
PANEL_INCHES = 1.75
FANS = ((0.1, 0.9, 0.2), (0.25, 0.75, 0.42))
CLIMATE_BAND = (0.1, 0.9)
HOUR = np.timedelta64(1, "h")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Panel:
    """One channel at one place, in the units of the figure.

    Attributes:
        hours: Lead times of the members, in hours.
        members: (member, hour).
        analysis_hours: Lead times of the analysis, in hours.
        analysis: (hour).
        climate: Lower and upper edge of the climatological band, (2, hour).
        climate_hours: Lead times of the band, in hours.
    """

    hours: Floats
    members: Floats
    analysis_hours: Floats
    analysis: Floats
    climate: Floats | None
    climate_hours: Floats


def plot_plume(
    forecast: xr.Dataset,
    out: Path,
    *,
    caption: Caption,
    point: Point,
    channels: Sequence[str],
    known: KnownWeather = NOTHING_KNOWN,
) -> Path:
    """Write the figure that `plume_figure` makes of the same arguments as PNG; return `out`, its path."""
    with typography():
        return save(plume_figure(forecast, caption=caption, point=point, channels=channels, known=known), out)


def plume_figure(
    forecast: xr.Dataset,
    *,
    caption: Caption,
    point: Point,
    channels: Sequence[str],
    known: KnownWeather = NOTHING_KNOWN,
) -> Figure:
    """Draw the members and their quantiles at the grid point nearest to a place, a panel for each channel.

    Args:
        forecast: Channels with dims (member, lead_time, latitude, longitude).
        caption: Heading.
        point: The place.
        channels: Channels, one panel each.
        known: Analysis, drawn at the init time and the lead times, and climatology, drawn as a band.

    Returns:
        The figure; not one of pyplot's.

    Raises:
        ConfigurationError: The place lies outside the grid.
    """
    row, column = nearest(forecast, point)
    here = {"latitude": row, "longitude": column}
    place = place_words(float(forecast["latitude"][row]), float(forecast["longitude"][column]))
    with typography():
        legend, axis = 0.28, 0.55
        height = HEADING_INCHES + legend + len(channels) * PANEL_INCHES + axis
        figure = new_figure(PLUME_WIDTH_INCHES, height, f"{without_formulas(point.name)}: plume at {place}", caption)
        for index, name in enumerate(channels):
            bottom = height - HEADING_INCHES - legend - (index + 1) * PANEL_INCHES
            axes = figure.add_axes((0.085, (bottom + 0.14) / height, 0.893, (PANEL_INCHES - 0.42) / height))
            panel = _panel(forecast, name, here, caption, known)
            _draw(axes, panel)
            style = style_of(name)
            axes.set_title(f"{title_of(name)}, {style.unit}", loc="left", fontsize=9, pad=3)
            if style.bounded:
                axes.set_ylim(bottom=0.0)
            _name_days(axes, caption, panel, named=index == len(channels) - 1)
        _legend(figure, height, known, caption.members)
    return figure


def nearest(grid: xr.Dataset, point: Point) -> tuple[int, int]:
    """Find the grid point nearest to a place, also across the date line.

    Args:
        grid: Dataset with latitude and longitude, degrees, ascending.
        point: The place.

    Returns:
        Row and column.

    Raises:
        ConfigurationError: The place lies more than a grid step outside the grid.
    """
    latitude, longitude = grid["latitude"].values, grid["longitude"].values
    north = np.abs(latitude - point.latitude)
    east = np.abs((longitude - point.longitude + 180.0) % 360.0 - 180.0)
    row, column = int(np.argmin(north)), int(np.argmin(east))
    for name, distance, values in (("latitude", north[row], latitude), ("longitude", east[column], longitude)):
        if values.size > 1 and distance > np.diff(values).max():
            limits = f"{values[0]:g} to {values[-1]:g}"
            raise ConfigurationError(
                f"point {point.name}: expected a {name} from {limits}, found {getattr(point, name):g}"
            )
    return row, column


def _panel(forecast: xr.Dataset, name: str, here: Mapping[str, int], caption: Caption, known: KnownWeather) -> _Panel:
    factor = np.float64(style_of(name).factor)
    hours = np.asarray(forecast["lead_time"].values / HOUR, dtype=np.float64)
    members = forecast[name].isel(here).transpose("member", "lead_time").values * factor
    analysis_hours, analysis = np.empty(0), np.empty(0)
    if known.analysis is not None:
        instantaneous = channel(name).variable.cell_methods == "time: point"
        analysis_hours = np.asarray((known.analysis["time"].values - caption.init_time) / HOUR, dtype=np.float64)
        shown = np.isin(analysis_hours, np.concatenate([[0.0], hours]) if instantaneous else hours)
        analysis_hours, analysis = analysis_hours[shown], known.analysis[name].isel(here).values[shown] * factor
        if analysis_hours.size and analysis_hours[0] == 0:
            hours = np.concatenate([[0.0], hours])
            members = np.concatenate([np.full((members.shape[0], 1), analysis[0]), members], axis=1)
    return _Panel(hours, members, analysis_hours, analysis, *_climate_band(known.climatology, name, here, factor))


def _climate_band(
    climatology: xr.Dataset | None, name: str, here: Mapping[str, int], factor: np.float64
) -> tuple[Floats | None, Floats]:
    if climatology is None:
        return None, np.empty(0)
    past = climatology[name].isel(here).transpose("member", "lead_time").values * factor
    hours = np.asarray(climatology["lead_time"].values / HOUR, dtype=np.float64)
    return np.quantile(past, CLIMATE_BAND, axis=0), hours


def _draw(axes: Axes, panel: _Panel) -> None:
    if panel.climate is not None:
        axes.fill_between(panel.climate_hours, *panel.climate, color=FAINT, alpha=0.5, linewidth=0, zorder=1)
    for low, high, alpha in FANS:
        edges = np.quantile(panel.members, (low, high), axis=0)
        axes.fill_between(panel.hours, *edges, color=ACCENT, alpha=alpha, linewidth=0, zorder=2)
    members = [np.column_stack([panel.hours, values]) for values in panel.members]
    axes.add_collection(LineCollection(members, colors=INK, linewidths=0.45, alpha=0.28, zorder=3))
    axes.plot(panel.hours, np.median(panel.members, axis=0), color=ACCENT, linewidth=2.0, zorder=4)
    axes.plot(panel.analysis_hours, panel.analysis, "o-", color=INK, markersize=3.6, linewidth=1.1, zorder=5)
    axes.grid(axis="both", color=FAINT, linewidth=0.5, zorder=0)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _name_days(axes: Axes, caption: Caption, panel: _Panel, *, named: bool) -> None:
    """Put a tick at each day, labelled with weekday and date below the last panel only."""
    last = panel.hours[-1]
    days = np.arange(0, last + 1, 24.0 * max(1, int(np.ceil(last / 24 / 14))))
    dates = [(caption.init_time + np.timedelta64(int(hour), "h")).astype("datetime64[s]").item() for hour in days]
    months = [date.month for date in dates]
    words = [
        f"{date:%a}\n{date.day}{f' {date:%b}' if index == 0 or months[index - 1] != date.month else ''}"
        for index, date in enumerate(dates)
    ]
    axes.set_xticks(days, labels=words if named else [""] * len(words))
    axes.set_xlim(0.0, last + 0.01 * last)


def _legend(figure: Figure, height: float, known: KnownWeather, members: int) -> None:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=INK, linewidth=0.8, alpha=0.5, label=f"{members} members"),
        Line2D([], [], color=ACCENT, linewidth=2.0, label="median"),
        Patch(facecolor=ACCENT, alpha=0.55, label="middle 50 %"),
        Patch(facecolor=ACCENT, alpha=0.2, label="middle 80 %"),
    ]
    if known.climatology is not None:
        handles.append(Patch(facecolor=FAINT, alpha=0.7, label="climatology, middle 80 %"))
    if known.analysis is not None:
        handles.append(Line2D([], [], color=INK, marker="o", markersize=3.6, linewidth=1.1, label="analysis"))
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.02, 1 - (HEADING_INCHES - 0.04) / height),
        ncols=len(handles),
        handlelength=1.6,
        columnspacing=1.4,
        borderpad=0.0,
        labelcolor=MUTED,
    )


def place_words(latitude: float, longitude: float) -> str:
    """Return a place as text, such as `51.5°N 0.1°W`.

    Args:
        latitude: Degrees north.
        longitude: Degrees east, from -180 or from 0 on.
    """
    east = (longitude + 180.0) % 360.0 - 180.0
    north_south, east_west = "N" if latitude >= 0 else "S", "E" if east >= 0 else "W"
    return f"{abs(latitude):.1f}°{north_south} {abs(east):.1f}°{east_west}"
