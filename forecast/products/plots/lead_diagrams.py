"""Figures of scores along one dimension: by lead time, window or wavenumber, and differences with their confidence."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from data_catalog.errors import InvalidDataError
from forecast.products.plots.diagrams import (
    BARE,
    MARKER,
    WIDE,
    Curves,
    Diagram,
    Floats,
    Frame,
    Results,
    curve,
    draw_diagram,
    first_of,
    label_words,
    unit_words,
)
from forecast.products.plots.figures import Heading
from forecast.products.plots.palettes import INK, PAPER

SIGNIFICANT = 0.05
"""P-value below which a difference is marked."""
MOST_LABELS, MOST_POINTS = 16, 40
DIFFERENCES_NOTE = (
    f"Bars: confidence interval of the mean. Filled: p-value below {SIGNIFICANT:g}. Below 0 the score is smaller."
)


def plot_scores(
    scores: Curves, out: Path, *, quantity: str = "score", title: str = "Scores by lead time", heading: Heading = BARE
) -> Path:
    """Draw any score along its one dimension, such as lead times, windows of the FSS or seasons.

    Args:
        scores: A score along one dimension, by the name of the forecast.
        out: Path of the PNG.
        quantity: Name of the score, such as `fair CRPS`; its unit is added from the score.
        title: Title of the figure, such as `CRPS of 2 m temperature`.
        heading: Line under the title, and whether the weather is simulated.

    Returns:
        `out`.

    Raises:
        InvalidDataError: A score has several dimensions or another than the others, or there is none.
    """
    one = first_of(scores, "scores")
    along = _shared_dimension(scores)
    diagram = Diagram(title, heading, WIDE, ((_along_words(one[along]), unit_words(quantity, one)),))
    return draw_diagram(scores, out, diagram, _draw_scores)


def plot_differences(
    tests: Results, out: Path, *, quantity: str = "difference", title: str = "Differences", heading: Heading = BARE
) -> Path:
    """Draw mean differences of a score with confidence intervals, filled where their p-value is below 0.05.

    Args:
        tests: Result of `diebold_mariano` and the like, along one dimension, by the name of the comparison.
        out: Path of the PNG.
        quantity: What is drawn, with its unit, such as `CRPS less that of persistence, hPa`.
        title: Title of the figure.
        heading: Line under the title, and whether the weather is simulated.

    Returns:
        `out`.

    Raises:
        InvalidDataError: A result lacks a variable or has several dimensions, or there is none.
    """
    first_of(tests, "differences")
    means = {name: _mean(name, each) for name, each in tests.items()}
    along = _along_words(means[next(iter(tests))][_shared_dimension(means)])
    return draw_diagram(
        tests, out, Diagram(title, heading, WIDE, ((along, quantity),), DIFFERENCES_NOTE), _draw_differences
    )


def plot_spectra(
    spectra: Curves, out: Path, *, quantity: str = "power", title: str = "Power by wavenumber", heading: Heading = BARE
) -> Path:
    """Draw power spectra on logarithmic axes.

    Args:
        spectra: Result of `spectrum` or `spectral_crps`, or variables of `error_growth`, along the wavenumber alone, by
            name.
        out: Path of the PNG.
        quantity: Name of what is drawn; its unit is added from the spectrum.
        title: Title of the figure, such as `Power of z500, day 5`.
        heading: Line under the title, and whether the weather is simulated.

    Returns:
        `out`.

    Raises:
        InvalidDataError: A spectrum has several dimensions, or there is none.
    """
    one = first_of(spectra, "spectra")
    along = _shared_dimension(spectra)
    diagram = Diagram(title, heading, WIDE, (("wavenumber", unit_words(quantity, one)),))
    return draw_diagram(spectra, out, diagram, partial(_draw_spectra, along=along))


def _draw_scores(frame: Frame, scores: Curves, colours: Mapping[str, str]) -> None:
    axes = frame.axes[0]
    for name, each in scores.items():
        style: dict[str, Any] = {"color": colours[name], "linewidth": 1.8, "zorder": 3}
        style |= MARKER if each.size <= MOST_POINTS else {}
        axes.plot(_positions(each[each.dims[0]]), each.values, **style)
    if all(float(each.min()) >= 0 for each in scores.values()):
        axes.set_ylim(bottom=0.0)
    one = next(iter(scores.values()))
    _label_positions(axes, one[one.dims[0]])


def _draw_differences(frame: Frame, tests: Results, colours: Mapping[str, str]) -> None:
    axes, labels = frame.axes[0], _labels(next(iter(tests.values())))
    axes.axhline(0.0, color=INK, linewidth=0.9, zorder=1)
    step = _step(_positions(labels))
    for order, (name, each) in enumerate(tests.items()):
        shift = 0.12 * step * (order - (len(tests) - 1) / 2)
        _draw_difference(axes, each, _positions(_labels(each)) + shift, colours[name])
    _label_positions(axes, labels)


def _draw_spectra(frame: Frame, spectra: Curves, colours: Mapping[str, str], *, along: str) -> None:
    axes = frame.axes[0]
    for name, each in spectra.items():
        wave = each.where((each[along] > 0) & (each > 0), drop=True)
        axes.plot(wave[along], wave, color=colours[name], linewidth=1.8, zorder=3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.0)


def _labels(tests: xr.Dataset) -> xr.DataArray:
    return tests[str(tests["mean"].dims[0])]


def _mean(name: str, tests: xr.Dataset) -> xr.DataArray:
    curve(name, tests, "mean", "low", "high", "p_value")
    return tests["mean"]


def _shared_dimension(scores: Curves) -> str:
    dims = {name: curve(name, each) for name, each in scores.items()}
    if len(set(dims.values())) > 1:
        raise InvalidDataError(f"scores: expected all along one dimension, found {dims}")
    return next(iter(dims.values()))


def _draw_difference(axes: Axes, tests: xr.Dataset, at: Floats, colour: str) -> None:
    mean, low, high = (tests[name].values for name in ("mean", "low", "high"))
    axes.vlines(at, low, high, color=colour, linewidth=1.8, zorder=3)
    significant = tests["p_value"].values < SIGNIFICANT
    style: dict[str, Any] = {"s": 34, "edgecolors": colour, "linewidths": 1.4, "zorder": 4}
    axes.scatter(at[significant], mean[significant], facecolors=colour, **style)
    axes.scatter(at[~significant], mean[~significant], facecolors=PAPER, **style)


def _positions(labels: xr.DataArray) -> Floats:
    """Where points lie: days of lead times, numbers as they are, and one after the other for all else."""
    if labels.dtype.kind == "m":
        return np.asarray(labels.values / np.timedelta64(1, "D"), dtype=np.float64)
    if labels.dtype.kind in "fiu":
        return labels.values.astype(np.float64)
    return np.arange(labels.size, dtype=np.float64)


def _step(positions: Floats) -> float:
    return float(np.diff(np.sort(positions)).min()) if positions.size > 1 else 1.0


def _along_words(labels: xr.DataArray) -> str:
    """Label of the horizontal axis."""
    return "lead time, days" if labels.dtype.kind == "m" else unit_words(str(labels.name).replace("_", " "), labels)


def _label_positions(axes: Axes, labels: xr.DataArray) -> None:
    if labels.dtype.kind == "m":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    elif labels.dtype.kind not in "fiu" or labels.size <= MOST_LABELS:
        every = max(1, -(-labels.size // MOST_LABELS))
        axes.set_xticks(_positions(labels)[::every], label_words(labels)[::every])
