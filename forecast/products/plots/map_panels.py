"""Maps on a figure: shaded fields, coastlines, graticule and outline, drawn in pixels on one pair of axes.

Axes of their own for each of fifty maps would cost more than all that is drawn on them.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm, Colormap
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.transforms import Affine2D, Transform

from forecast.products.plots.figures import DPI
from forecast.products.plots.geography import Floats, MapFrame
from forecast.products.plots.palettes import INK, MUTED
from forecast.products.plots.styles import VariableStyle

COAST_POINTS = 0.6
"""Width of the coastlines, points."""


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


@dataclass(frozen=True)
class MapPanel:
    """The place of one map on a figure, in whole pixels.

    Attributes:
        axes: Axes of the whole figure, whose units are pixels.
        frame: The map.
        left: Left edge.
        bottom: Lower edge.
        width: Width.
        height: Height.
    """

    axes: Axes
    frame: MapFrame
    left: int
    bottom: int
    width: int
    height: int

    @property
    def to_pixels(self) -> Affine2D:
        """Transform from projection coordinates to pixels of the figure."""
        x, y = self.frame.outline.T
        scale = self.width / np.ptp(x), self.height / np.ptp(y)
        return Affine2D().translate(-x.min(), -y.min()).scale(*scale).translate(self.left, self.bottom)


class _Pixels(Artist):
    """Colours that are copied to the figure pixel by pixel.

    Args:
        colours: RGBA, (row, column, 4), the lowest row first.
        left: Pixel column of the left edge.
        bottom: Pixel row of the lower edge.
    """

    def __init__(self, colours: npt.NDArray[np.uint8], left: int, bottom: int) -> None:
        super().__init__()
        self._colours, self._left, self._bottom = colours, left, bottom

    def draw(self, renderer: RendererBase) -> None:
        """Copy the colours."""
        context = renderer.new_gc()
        renderer.draw_image(context, self._left, self._bottom, self._colours)
        context.restore()


def canvas(figure: Figure) -> Axes:
    """Add axes over the whole figure, without ticks, whose units are pixels.

    Args:
        figure: The figure; it is saved at `DPI`.
    """
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    width, height = figure.get_size_inches() * DPI
    axes.set(xlim=(0.0, width), ylim=(0.0, height))
    return axes


def map_panel(axes: Axes, frame: MapFrame, left: float, bottom: float, width: float) -> MapPanel:
    """Choose the place of a map.

    Args:
        axes: Axes of the whole figure, from `canvas`.
        frame: The map.
        left: Left edge, inches.
        bottom: Lower edge, inches.
        width: Width, inches.
    """
    pixels = (round(length * DPI) for length in (left, bottom, width, width / frame.aspect))
    return MapPanel(axes, frame, *pixels)


def shade(panel: MapPanel, field: Floats, style: VariableStyle, shading: Shading, *, small: bool = False) -> Polygon:
    """Fill a map with colours and draw coastlines, graticule and outline over them.

    Args:
        panel: Place of the map.
        field: In the unit of the style, (latitude, longitude).
        style: Style of the variable.
        shading: Colours and levels.
        small: Whether it is one of many small maps, with thinner coastlines and fewer points.

    Returns:
        The outline, to which what is drawn on the map may be clipped.
    """
    smooth = not style.bounded and bool(np.isfinite(field).all())  # a spline would spread a gap over the map
    size = panel.width, panel.height
    values = panel.frame.at_pixels(field, size, polar_sign=style.polar_sign, smooth=smooth, every=2 if small else 1)
    opacity = panel.frame.opacity(size) * np.isfinite(values)
    if style.levels is not None:
        opacity = opacity * (values >= shading.levels[0])
    upper = np.inf if shading.extend == "max" else shading.levels[-1] - 1e-9 * np.ptp(shading.levels)
    colours = shading.colours(shading.norm(np.clip(np.nan_to_num(values), shading.levels[0], upper)), bytes=True)
    colours[..., 3] = opacity
    panel.axes.add_artist(_Pixels(np.ascontiguousarray(colours), panel.left, panel.bottom))
    line = 0.6 * COAST_POINTS if small else COAST_POINTS
    return draw_frame(panel.axes, panel.frame, panel.to_pixels + panel.axes.transData, line=line)


def draw_frame(axes: Axes, frame: MapFrame, place: Transform, *, line: float = COAST_POINTS) -> Polygon:
    """Draw coastlines, graticule and outline of a map.

    Args:
        axes: Axes without ticks.
        frame: The map.
        place: Transform of projection coordinates to those of the display.
        line: Width of the coastlines, points.

    Returns:
        The outline.
    """
    outline = Polygon(frame.outline, facecolor="none", edgecolor=MUTED, linewidth=0.6, zorder=5, transform=place)
    axes.add_artist(outline)
    for lines, width, alpha, order in ((frame.graticule, 0.3, 0.16, 3), (frame.coastlines, line, 0.75, 4)):
        drawn = LineCollection(lines, colors=INK, linewidths=width, alpha=alpha, zorder=order, transform=place)
        axes.add_collection(drawn, autolim=False)
    return outline
