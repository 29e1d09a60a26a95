"""Map of a score at stations."""

from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.ticker import MaxNLocator

from data_catalog.errors import InvalidDataError
from forecast.products.plots.diagrams import BARE, curve, unit_words
from forecast.products.plots.figures import HEADING_INCHES, MARGIN_INCHES, Heading, new_figure, save, typography
from forecast.products.plots.geography import Floats, MapFrame, frame_around
from forecast.products.plots.map_panels import Shading, canvas, draw_frame, map_panel
from forecast.products.plots.maps import colour_bar
from forecast.products.plots.palettes import INK, MUTED, palette

MAP_WIDTH_INCHES, TALLEST_INCHES, BAR_INCHES = 7.4, 6.0, 0.72
LARGEST, SMALLEST = 60.0, 8.0
"""Areas of points in square points, of few stations and of many."""
COLOURS_A_BAR = 10


def plot_station_scores(
    score: xr.DataArray, out: Path, *, quantity: str = "score", centre: float | None = None,
    title: str = "Scores at stations", heading: Heading = BARE,
) -> Path:  # fmt: skip
    """Draw a score at stations as a coloured point at each, and a cross where it is missing.

    Args:
        score: Along one dimension of stations, with their `latitude` and `longitude`, as `at_stations` gives.
        out: Path of the PNG.
        quantity: Name of the score, such as `fair CRPS`; its unit is added from the score.
        centre: Value in the pale middle of the colours, such as 0 for a bias; None takes colours from pale to dark.
        title: Title of the figure, such as `CRPS of 2 m temperature, day 3`.
        heading: Line under the title, and whether the weather is simulated.

    Returns:
        `out`.

    Raises:
        InvalidDataError: The score has other dimensions than one of stations, lacks their places, or is all missing.
        MissingDataError: The coastlines that are bundled with the package are not there.
    """
    latitude, longitude = _places(score)
    frame, values = frame_around(latitude, longitude), score.values.astype(np.float64)
    shading = _shading(values, centre, unit_words(quantity, score))
    return _draw_map(frame, frame.place(latitude, longitude), values, shading, (title, heading, out))


def _draw_map(
    frame: MapFrame, places: Floats, values: Floats, shading: Shading, about: tuple[str, Heading, Path]
) -> Path:
    title, heading, out = about
    width = min(MAP_WIDTH_INCHES, TALLEST_INCHES * frame.aspect)
    total = MAP_WIDTH_INCHES + 2 * MARGIN_INCHES
    with typography():
        figure = new_figure(total, HEADING_INCHES + width / frame.aspect + BAR_INCHES + 0.1, title, heading)
        panel = map_panel(canvas(figure), frame, (total - width) / 2, BAR_INCHES, width)
        draw_frame(panel.axes, frame, panel.to_pixels + panel.axes.transData)
        _draw_stations(panel.axes, panel.to_pixels.transform(places), values, shading)
        colour_bar(figure, 0.2 * total, 0.46, 0.6 * total, shading)
        return save(figure, out)


def _places(score: xr.DataArray) -> tuple[Floats, Floats]:
    along = curve("station scores", score)
    for name in ("latitude", "longitude"):
        if name not in score.coords or score[name].dims != (along,):
            raise InvalidDataError(f"station scores: expected coordinate '{name}' along '{along}', found none")
    if not bool(score.notnull().any()):
        raise InvalidDataError(f"station scores: expected a score at one of {score.size} stations, found none")
    return score["latitude"].values.astype(np.float64), score["longitude"].values.astype(np.float64)


def _shading(values: Floats, centre: float | None, label: str) -> Shading:
    """Round levels over all values, on both sides alike of the centre."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if centre is not None:
        reach = max(abs(low - centre), abs(high - centre), 1e-9)
        low, high = centre - reach, centre + reach
    levels = np.asarray(MaxNLocator(COLOURS_A_BAR, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    colours = palette("spread" if centre is None else "wind")
    return Shading(levels, BoundaryNorm(levels, ncolors=256), colours, "neither", label)


def _draw_stations(axes: Axes, places: Floats, values: Floats, shading: Shading) -> None:
    size = float(np.clip(LARGEST * np.sqrt(60 / len(values)), SMALLEST, LARGEST))
    known = np.isfinite(values)
    x, y = places.T
    axes.scatter(x[~known], y[~known], marker="x", s=size / 2, color=MUTED, linewidths=1.0, zorder=6)
    axes.scatter(
        x[known], y[known], c=values[known], s=size, cmap=shading.colours, norm=shading.norm, edgecolors=INK,
        linewidths=0.5, zorder=7,
    )  # fmt: skip
