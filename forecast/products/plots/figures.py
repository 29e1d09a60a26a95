"""Common parts of all figures: typography, headings, times and lead times as text, and writing PNG files."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from data_catalog.storage.atomic_files import atomic_path
from forecast.products.plots.palettes import INK, MUTED, PAPER, WARNING

DPI = 150
COLOURS, KEPT_COLOURS = 256, 128
"""Colours of a picture, and how many of them are its most frequent ones, unchanged."""
COMPRESSION = 6
HEADING_INCHES = 0.76
MARGIN_INCHES = 0.22
SIMULATED = "SIMULATED WEATHER"
TYPOGRAPHY: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.titlesize": 10.0,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
}


@dataclass(frozen=True)
class Caption:
    """The heading of the figures of a run.

    Attributes:
        system_title: Title of the system.
        init_time: Init time.
        members: Number of members.
        simulated: Whether to say that the weather is simulated.
    """

    system_title: str
    init_time: np.datetime64
    members: int
    simulated: bool

    @property
    def origin(self) -> str:
        """One line with system, number of members and init time."""
        count = f"{self.members} members" if self.members > 1 else "1 member"
        return f"{self.system_title}  ·  {count} from {clock(self.init_time)}"


@dataclass(frozen=True)
class Heading:
    """The heading of a figure that does not belong to one run.

    Attributes:
        origin: Line under the title.
        simulated: Whether to say that the weather is simulated.
    """

    origin: str
    simulated: bool


@dataclass(frozen=True)
class KnownWeather:
    """Analysis and climatology that a forecast is drawn against, as far as they are known.

    Attributes:
        analysis: Channels with dims (time, latitude, longitude).
        climatology: A climatological ensemble with the channels and dims of the forecast.
    """

    analysis: xr.Dataset | None = None
    climatology: xr.Dataset | None = None


NOTHING_KNOWN = KnownWeather()


@contextmanager
def typography() -> Iterator[None]:
    """Apply the fonts, sizes and colours of all figures inside the block."""
    with mpl.rc_context(TYPOGRAPHY):
        yield


def new_figure(width_inches: float, height_inches: float, title: str, caption: Caption | Heading) -> Figure:
    """Make a figure with its heading.

    Args:
        width_inches: Width, inches.
        height_inches: Height including the heading, inches.
        title: Title of the figure.
        caption: Forecast that is shown, and whether its weather is simulated.
    """
    figure = Figure(figsize=(width_inches, height_inches), dpi=DPI)
    FigureCanvasAgg(figure)  # without one, Matplotlib would make a canvas for each text that it measures
    left = MARGIN_INCHES / width_inches
    figure.text(left, 1 - 0.18 / height_inches, title, fontsize=13, fontweight="bold", va="top", ha="left")
    origin = without_formulas(caption.origin)
    figure.text(left, 1 - 0.48 / height_inches, origin, fontsize=9, color=MUTED, va="top", ha="left")
    if caption.simulated:
        figure.text(
            1 - left, 1 - 0.2 / height_inches, SIMULATED, fontsize=8.5, fontweight="bold", va="top", ha="right",
            color=PAPER, bbox={"boxstyle": "round,pad=0.35", "facecolor": WARNING, "edgecolor": "none"},
        )  # fmt: skip
    return figure


def without_formulas(text: str) -> str:
    """Return words of a user's as they stand, where Matplotlib would read what is between dollar signs as a formula.

    Args:
        text: Such as the title of a system or the name of a place.
    """
    return text.replace("$", r"\$")


def save(figure: Figure, out: Path) -> Path:
    """Write a figure as PNG, atomically.

    The file has a palette of 256 colours, which makes it a third as large, and no date or version, so equal figures
    give equal files.

    Args:
        figure: The figure.
        out: Path of the PNG to create or replace.

    Returns:
        `out`.
    """
    canvas: Any = FigureCanvasAgg(figure)
    figure.set_dpi(DPI)
    canvas.draw()
    picture = with_palette(np.asarray(canvas.buffer_rgba()))
    with atomic_path(out) as partial:
        picture.save(partial, format="png", dpi=(DPI, DPI), compress_level=COMPRESSION)
    return out


def with_palette(picture: npt.NDArray[np.uint8]) -> Image.Image:
    """Reduce a picture to 256 colours: those that cover most of it stay as they are, the rest share what is left.

    Args:
        picture: Red, green, blue and an opacity that is not looked at, (row, column, 4).
    """
    pixels = np.ascontiguousarray(picture).view(np.uint32).ravel()
    starts = np.flatnonzero(np.diff(pixels, prepend=~pixels[:1]))  # of runs of equal pixels, which are few
    lengths = np.diff(starts, append=pixels.size)
    codes, packed = pd.factorize(pixels[starts])
    colours = packed.view(np.uint8).reshape(-1, 4)[:, :3]
    by_area = np.argsort(-np.bincount(codes, weights=lengths), kind="stable")
    kept, rest = by_area[:KEPT_COLOURS], by_area[KEPT_COLOURS:]
    index, palette = np.empty(len(colours), np.uint8), colours[kept]
    index[kept] = np.arange(len(kept))
    if rest.size:
        edges = Image.fromarray(np.ascontiguousarray(colours[rest][None]))
        few = edges.quantize(COLOURS - KEPT_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        index[rest] = KEPT_COLOURS + np.asarray(few)[0]
        palette = np.concatenate([palette, np.array(few.getpalette(), np.uint8).reshape(-1, 3)])
    reduced = Image.fromarray(np.repeat(index[codes], lengths).reshape(picture.shape[:2]))
    reduced.putpalette(palette.tobytes())
    return reduced


def clock(time: np.datetime64) -> str:
    """Format a time for figures and pages, such as `Tue 15 Jan 2008 00 UTC`."""
    moment = time.astype("datetime64[s]").item()
    return f"{moment:%a} {moment.day} {moment:%b %Y %H}{'' if moment.minute == 0 else f':{moment:%M}'} UTC"


def lead_words(lead_time: np.timedelta64) -> str:
    """Format a lead time for figures: `Day 2` for whole days, else `+36 h`."""
    hours = float(lead_time / np.timedelta64(1, "h"))
    return f"Day {hours / 24:.0f}" if hours % 24 == 0 else f"+{hours:.0f} h"
