"""Colours, and perceptually uniform colour maps: linear ramps of lightness along a path of hues, in CIE L*C*h.

They show no edges that the data does not have, and stay ordered when printed in grey.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import cycle

import numpy as np
import numpy.typing as npt
from matplotlib.colors import LinearSegmentedColormap

INK = "#14212b"
MUTED = "#5c6b76"
FAINT = "#c9d1d7"
PAPER = "#ffffff"
ACCENT = "#0a6c8f"
WARNING = "#a3420f"
MODEL_COLOURS = {
    "plumecast": ACCENT,
    "climatology": "#8b949b",
    "persistence": "#d08a2e",
    "linear": "#7d5ba6",
    "analogue": "#5d8a3a",
}
OTHER_COLOUR = "#b04a5a"
SERIES = (ACCENT, "#d08a2e", "#7d5ba6", "#5d8a3a", OTHER_COLOUR, "#4a5fb0", "#8b949b")
"""Colours of curves, for forecasters that have none of their own."""
# Each node: lightness 0-100, chroma, hue in degrees (0 red, 90 yellow, 180 green-blue, 270 blue).
Node = tuple[float, float, float]
PATHS: dict[str, tuple[Node, ...]] = {
    "height": ((20, 34, 295), (38, 36, 262), (56, 36, 215), (74, 40, 150), (92, 46, 95)),
    "spread": ((98, 3, 95), (86, 32, 85), (70, 52, 60), (52, 58, 30), (34, 50, 350), (18, 34, 315)),
    "moisture": ((98, 3, 110), (84, 26, 150), (66, 36, 190), (48, 38, 235), (30, 38, 270), (16, 32, 300)),
    "warmth": ((22, 46, 292), (48, 46, 268), (74, 28, 240), (96, 4, 100), (76, 38, 65), (50, 62, 40), (24, 46, 28)),
    "pressure": ((22, 40, 310), (48, 42, 290), (74, 24, 270), (96, 3, 100), (77, 34, 85), (52, 46, 70), (27, 36, 60)),
    "wind": ((24, 26, 210), (50, 34, 200), (76, 24, 190), (96, 2, 100), (77, 26, 60), (52, 42, 45), (26, 36, 35)),
}
# D65 white, and the matrix from XYZ to linear sRGB (IEC 61966-2-1).
WHITE = np.array([0.95047, 1.0, 1.08883])
XYZ_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])


@cache
def palette(name: str) -> LinearSegmentedColormap:
    """Return a colour map by its name: height, spread, moisture, warmth, pressure or wind."""
    return LinearSegmentedColormap.from_list(f"plumecast_{name}", _path_colours(PATHS[name]), N=256)


def colours_of(names: Iterable[str]) -> dict[str, str]:
    """Choose a colour for each name: that of the forecaster, or one that no other of the names has.

    Args:
        names: Names of forecasters or of anything else, each once.
    """
    listed = list(names)
    taken = {MODEL_COLOURS[name] for name in listed if name in MODEL_COLOURS}
    free = cycle([colour for colour in SERIES if colour not in taken] or [OTHER_COLOUR])
    return {name: MODEL_COLOURS[name] if name in MODEL_COLOURS else next(free) for name in listed}


def _path_colours(nodes: Sequence[Node], count: int = 256) -> npt.NDArray[np.float64]:
    """Space colours evenly along a path that is straight in L*a*b* between its nodes."""
    lightness, chroma, hue = np.array(nodes, dtype=np.float64).T
    angle = np.deg2rad(hue)
    corners = np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)])
    position = np.linspace(0, len(nodes) - 1, count)
    path = np.stack([np.interp(position, np.arange(len(nodes)), corner) for corner in corners], axis=1)
    return _lab_to_rgb(path)


def _lab_to_rgb(lab: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Convert CIE L*a*b* to sRGB; colours outside the gamut are clipped to it."""
    fy = (lab[:, 0] + 16) / 116
    f = np.stack([fy + lab[:, 1] / 500, fy, fy - lab[:, 2] / 200], axis=1)
    delta = 6 / 29
    xyz = np.where(f > delta, f**3, 3 * delta**2 * (f - 4 / 29)) * WHITE
    linear = np.clip(xyz @ XYZ_TO_RGB.T, 0.0, 1.0)
    rgb: npt.NDArray[np.float64] = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.clip(rgb, 0.0, 1.0)
