"""The figure of a denoiser's loss by noise level, with the noise levels that training draws."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from forecast.products.plots.figures import HEADING_INCHES, MARGIN_INCHES, Heading, new_figure, save, typography
from forecast.products.plots.palettes import ACCENT, FAINT, INK, MUTED, PAPER, palette

WIDTH_INCHES, HEIGHT_INCHES = 7.4, 4.3
AXES_LEFT_INCHES, AXES_BOTTOM_INCHES, NAMES_INCHES = 0.66, 0.95, 0.72
NAME_GAP = 0.042
"""Smallest distance between labels at the ends of lines, as a share of the height of the axes."""
NOTE = (
    "1: as good as a denoiser that only knows the variance. Right end: share of the residual's variance that\n"
    "cannot be predicted. Shaded: ranges of 50 % and 98 % of the noise levels in training; white line: their median."
)


def relative_errors(record: Mapping[str, Any]) -> dict[str, npt.NDArray[np.float64]]:
    """Divide squared errors by those of the best denoiser that knows only the variance.

    Args:
        record: `noise_levels` of a stage in a checkpoint's training record.

    Returns:
        Relative squared error at each noise level, by channel.

    Source: Karras et al. (2022), equation 8 and table 1 with sigma_data = 1, arXiv:2206.00364
    """
    variance = np.square(np.array(record["sigma"], dtype=np.float64))
    weight = (variance + 1.0) / variance
    return {name: weight * np.array(values) for name, values in record["squared_error"].items()}


def plot_noise_levels(record: Mapping[str, Any], out: Path, *, origin: str, simulated: bool) -> Path:
    """Draw a denoiser's loss by noise level, a line for each channel and a thick one for their mean.

    Args:
        record: `noise_levels` of a stage in a checkpoint's training record.
        out: Path of the PNG.
        origin: Line under the title.
        simulated: Whether to say that the weather is simulated.

    Returns:
        `out`.
    """
    errors, sigma = relative_errors(record), np.array(record["sigma"])
    with typography():
        figure = new_figure(WIDTH_INCHES, HEIGHT_INCHES, "Loss by noise level", Heading(origin, simulated))
        axes = figure.add_axes(
            (
                AXES_LEFT_INCHES / WIDTH_INCHES,
                AXES_BOTTOM_INCHES / HEIGHT_INCHES,
                1 - (AXES_LEFT_INCHES + NAMES_INCHES + MARGIN_INCHES) / WIDTH_INCHES,
                1 - (AXES_BOTTOM_INCHES + HEADING_INCHES + 0.08) / HEIGHT_INCHES,
            )
        )
        _draw_training_levels(axes, record["drawn"])
        _draw_lines(axes, sigma, errors)
        axes.set_xlabel("noise level sigma, standard deviations of the residual", color=MUTED)
        axes.set_ylabel("relative squared error", color=MUTED)
        figure.text(MARGIN_INCHES / WIDTH_INCHES, 0.1 / HEIGHT_INCHES, NOTE, fontsize=7.5, color=MUTED, va="bottom")
        return save(figure, out)


def _draw_training_levels(axes: Axes, drawn: Sequence[float]) -> None:
    lowest, low, middle, high, highest = drawn
    axes.axvspan(lowest, highest, color=FAINT, alpha=0.25, linewidth=0)
    axes.axvspan(low, high, color=FAINT, alpha=0.45, linewidth=0)
    axes.axvline(middle, color=PAPER, linewidth=1.2)


def _draw_lines(axes: Axes, sigma: npt.NDArray[np.float64], errors: Mapping[str, npt.NDArray[np.float64]]) -> None:
    mean = np.mean(list(errors.values()), axis=0)
    several = len(errors) > 1
    colours = palette("height")(np.linspace(0.1, 0.8, len(errors)))
    axes.axhline(1.0, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    if several:
        for colour, values in zip(colours, errors.values(), strict=True):
            axes.plot(sigma, values, color=colour, linewidth=1.0)
    axes.plot(sigma, mean, color=INK if several else ACCENT, linewidth=2.2, marker="o", markersize=3.5)
    axes.set_xscale("log")
    axes.set_xlim(sigma[0], sigma[-1])
    axes.set_ylim(0.0, max(1.08, 1.05 * max(float(values.max()) for values in errors.values())))
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_formatter("{x:g}")
    ends = {name: float(values[-1]) for name, values in errors.items()} | ({"mean": float(mean[-1])} if several else {})
    inks = dict(zip(errors, colours, strict=True)) | {"mean": INK}
    for name, height in kept_apart(ends, axes.get_ylim()[1]).items():
        weight = "bold" if name == "mean" else "normal"
        axes.annotate(
            name, (1.015, height), xycoords=("axes fraction", "data"), color=inks[name], fontsize=8, va="center",
            fontweight=weight, annotation_clip=False,
        )  # fmt: skip


def kept_apart(heights: Mapping[str, float], top: float) -> dict[str, float]:
    """Move the heights of labels, as little as needed, until no two lie closer than a line of text.

    Args:
        heights: Height of each label, in the units of the axis.
        top: Upper end of the axis, which starts at 0.

    Returns:
        The height of each label, lowest first.
    """
    gap = NAME_GAP * top
    order = sorted(heights, key=lambda name: heights[name])
    placed = np.array([heights[name] for name in order])
    for _ in range(200):
        close = np.diff(placed) < gap
        if not close.any():
            break
        push = 0.25 * np.where(close, gap - np.diff(placed) + 1e-9, 0.0)
        placed[:-1] -= push
        placed[1:] += push
    return dict(zip(order, placed.tolist(), strict=True))
