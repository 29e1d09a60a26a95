"""What all pictures share: typography, the heading, and how a figure becomes a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from data_catalog.storage.atomic_files import atomic_path
from forecast.products.plots.palettes import INK, MUTED, PAPER, WARNING

DPI = 150
COLOURS = 256
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
    """What the heading of every picture of a run says."""

    system_title: str
    init_time: np.datetime64
    members: int
    simulated: bool

    @property
    def origin(self) -> str:
        """One line: system, members and initial time."""
        count = f"{self.members} members" if self.members > 1 else "1 member"
        return f"{self.system_title}  ·  {count} from {clock(self.init_time)}"


@dataclass(frozen=True)
class Heading:
    """What the heading of a picture of many runs says.

    Attributes:
        origin: One line under the title.
        simulated: Whether to say that the weather is simulated.
    """

    origin: str
    simulated: bool


@contextmanager
def typography() -> Iterator[None]:
    """Apply the fonts, sizes and colours of all pictures, and take them back afterwards."""
    with mpl.rc_context(TYPOGRAPHY):
        yield


def new_figure(width_inches: float, height_inches: float, title: str, caption: Caption | Heading) -> Figure:
    """A figure with its heading: what is shown, of which forecast, and whether the weather is simulated."""
    figure = Figure(figsize=(width_inches, height_inches))
    left = MARGIN_INCHES / width_inches
    figure.text(left, 1 - 0.18 / height_inches, title, fontsize=13, fontweight="bold", va="top", ha="left")
    figure.text(left, 1 - 0.48 / height_inches, caption.origin, fontsize=9, color=MUTED, va="top", ha="left")
    if caption.simulated:
        figure.text(
            1 - left, 1 - 0.2 / height_inches, SIMULATED, fontsize=8.5, fontweight="bold", va="top", ha="right",
            color=PAPER, bbox={"boxstyle": "round,pad=0.35", "facecolor": WARNING, "edgecolor": "none"},
        )  # fmt: skip
    return figure


def save(figure: Figure, out: Path) -> Path:
    """Write a figure as PNG; the file appears whole or not at all, and holds neither date nor version.

    Pictures of flat colours need no more than a palette, which makes them a third as large.
    """
    canvas: Any = FigureCanvasAgg(figure)
    figure.set_dpi(DPI)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    with_palette = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    with atomic_path(out) as partial:
        with_palette.save(partial, format="png", dpi=(DPI, DPI))
    return out


def clock(time: np.datetime64) -> str:
    """A time for readers, such as `Tue 15 Jan 2008 00 UTC`."""
    moment = time.astype("datetime64[s]").item()
    return f"{moment:%a} {moment.day} {moment:%b %Y %H}{'' if moment.minute == 0 else f':{moment:%M}'} UTC"


def lead_words(lead_time: np.timedelta64) -> str:
    """A lead for readers: whole days as days, else hours."""
    hours = float(lead_time / np.timedelta64(1, "h"))
    return f"Day {hours / 24:.0f}" if hours % 24 == 0 else f"+{hours:.0f} h"
