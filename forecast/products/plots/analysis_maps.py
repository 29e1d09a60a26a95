"""Maps of an analysis: one field each, to be looked at side by side."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from forecast.products.plots.figures import save, typography
from forecast.products.plots.geography import Floats, map_frame
from forecast.products.plots.map_panels import canvas, map_panel, shade
from forecast.products.plots.maps import colour_bar, value_shading
from forecast.products.plots.palettes import PAPER
from forecast.products.plots.styles import style_of

_WIDTH_INCHES = 5.4
_MARGIN_INCHES = 0.08
_BAR_INCHES = 0.56


def plot_analysis_map(field: xr.DataArray, out: Path, *, beside: Sequence[xr.DataArray] = ()) -> Path:
    """Draw one field of an analysis; its heading is left to the page that shows it.

    Args:
        field: One channel, (latitude, longitude), in SI units; NaN where there is no value, which stays white.
        out: Path of the PNG.
        beside: Other fields of the channel that share the colours.

    Returns:
        `out`.
    """
    style = style_of(str(field.name))
    frame = map_frame(field["latitude"].values, field["longitude"].values)
    shown, *others = [_in_unit(one, style.factor) for one in (field, *beside)]
    map_width = _WIDTH_INCHES - 2 * _MARGIN_INCHES
    map_height = map_width / frame.aspect
    with typography():
        figure = Figure(figsize=(_WIDTH_INCHES, map_height + _BAR_INCHES + _MARGIN_INCHES), facecolor=PAPER)
        shading = value_shading(style, [_known(one) for one in (shown, *others)])
        shade(map_panel(canvas(figure), frame, _MARGIN_INCHES, _BAR_INCHES, map_width), shown, style, shading)
        colour_bar(figure, 0.12 * _WIDTH_INCHES, 0.4, 0.76 * _WIDTH_INCHES, shading)
        return save(figure, out)


def _in_unit(field: xr.DataArray, factor: float) -> Floats:
    return np.asarray(field.values * np.float64(factor), np.float64)


def _known(field: Floats) -> Floats:
    """The values that are there; 0 where there is none."""
    found = field[np.isfinite(field)]
    return found if found.size else np.zeros(1)
