"""The style of each variable in figures: unit, colours, contour levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.colors import BoundaryNorm
from matplotlib.ticker import MaxNLocator

from data_catalog.layout.variables import channel

STANDARD_GRAVITY = 9.80665
FREEZING_K = 273.15
ROUND_NUMBERS = (1.0, 2.0, 4.0, 5.0, 8.0, 10.0)
SPREAD_FRACTIONS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
DEPARTURE_FRACTIONS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
MOST_LEVELS = 22
FEWEST_LEVELS = 7


@dataclass(frozen=True)
class VariableStyle:
    """The style of one variable in figures.

    Attributes:
        quantity: Name in titles and labels.
        unit: Unit in figures.
        factor: Factor from SI units to `unit`.
        palette: Name of the colour map.
        interval: Interval between contours, in `unit`; 0 to choose one that suits the data.
        centre: Value in the pale middle of a diverging colour map, in `unit`.
        levels: Fixed, uneven contour levels in `unit`, for amounts.
        polar_sign: -1 for vector components, which change sign across a pole.
        bounded: Whether values are never below zero, so that splines, which overshoot, must not be used.
    """

    quantity: str
    unit: str
    factor: float
    palette: str
    interval: float
    centre: float | None = None
    levels: tuple[float, ...] | None = None
    polar_sign: int = 1
    bounded: bool = False


STYLES = {
    "z": VariableStyle("geopotential height", "dam", 0.1 / STANDARD_GRAVITY, "height", 8.0),
    "t": VariableStyle("temperature", "K", 1.0, "warmth", 5.0, FREEZING_K),
    "t2m": VariableStyle("2 m temperature", "K", 1.0, "warmth", 5.0, FREEZING_K),
    "msl": VariableStyle("mean sea level pressure", "hPa", 0.01, "pressure", 4.0, 1013.0),
    "sp": VariableStyle("surface pressure", "hPa", 0.01, "height", 50.0),
    "u": VariableStyle("eastward wind", "m s$^{-1}$", 1.0, "wind", 5.0, 0.0, polar_sign=-1),
    "v": VariableStyle("northward wind", "m s$^{-1}$", 1.0, "wind", 5.0, 0.0, polar_sign=-1),
    "u10": VariableStyle("10 m eastward wind", "m s$^{-1}$", 1.0, "wind", 2.0, 0.0, polar_sign=-1),
    "v10": VariableStyle("10 m northward wind", "m s$^{-1}$", 1.0, "wind", 2.0, 0.0, polar_sign=-1),
    "u100": VariableStyle("100 m eastward wind", "m s$^{-1}$", 1.0, "wind", 2.0, 0.0, polar_sign=-1),
    "v100": VariableStyle("100 m northward wind", "m s$^{-1}$", 1.0, "wind", 2.0, 0.0, polar_sign=-1),
    "q": VariableStyle("specific humidity", "g kg$^{-1}$", 1000.0, "moisture", 1.0, bounded=True),
    "tp": VariableStyle(
        "precipitation", "mm", 1.0, "moisture", 5.0, levels=(0.5, 1, 2, 5, 10, 15, 20, 30, 50, 75, 100), bounded=True
    ),
}


def style_of(name: str) -> VariableStyle:
    """Return the style of a channel such as `z500`; a variable without its own gets a plain style in its SI unit."""
    variable = channel(name).variable
    for key in (variable.short_name, variable.short_name.rstrip("0123456789")):
        if key in STYLES:
            return STYLES[key]
    return VariableStyle(variable.long_name, variable.units, 1.0, "height", 0.0, polar_sign=variable.polar_sign)


def title_of(name: str) -> str:
    """Format a channel as a title: `z500` becomes `500 hPa geopotential height`."""
    of = channel(name)
    quantity = style_of(name).quantity
    if of.variable.accumulation_hours:
        return f"{of.variable.accumulation_hours} h {quantity}"
    text = quantity if of.level_hpa is None else f"{of.level_hpa:g} hPa {quantity}"
    return text[0].upper() + text[1:]


def value_levels(style: VariableStyle, values: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Choose contour levels at round numbers that span some fields.

    Args:
        style: Style of the variable.
        values: Fields in the unit of the style.
    """
    lowest = min(float(np.min(field)) for field in values)
    highest = max(float(np.max(field)) for field in values)
    if style.levels is not None:
        reached = [level for level in style.levels if level < highest]
        return np.array(style.levels[: max(len(reached) + 1, 3)])
    interval = style.interval or float(np.diff(MaxNLocator(12).tick_values(lowest, highest))[0])
    while (highest - lowest) / interval > MOST_LEVELS:
        interval *= 2
    while 0 < (highest - lowest) / interval < FEWEST_LEVELS:
        interval /= 2
    first, last = np.floor(lowest / interval), np.ceil(highest / interval)
    return np.arange(first, max(last, first + 2) + 1) * interval


def spread_levels(fields: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Choose contour levels from zero to about the largest spread, closer together where the spread is small.

    Args:
        fields: Spreads in the unit of the figure.
    """
    highest = max(float(np.quantile(np.concatenate([field.ravel() for field in fields]), 0.998)), 1e-6)
    return _parts_of_round(highest, SPREAD_FRACTIONS)


def departure_levels(fields: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Choose contour levels to either side of zero, which lies in the middle interval, to about the largest departure.

    Args:
        fields: Departures in the unit of the figure.
    """
    largest = max(float(np.nanquantile(np.abs(field), 0.99)) for field in fields)
    upper = _parts_of_round(max(largest, 1e-6), DEPARTURE_FRACTIONS)
    return np.concatenate([-upper[::-1], upper])


def _parts_of_round(highest: float, fractions: Sequence[float]) -> npt.NDArray[np.float64]:
    """Parts of the round number that a value does not pass."""
    power = 10.0 ** np.floor(np.log10(highest))
    top = power * min(size for size in ROUND_NUMBERS if size * power >= highest * (1 - 1e-9))
    levels: npt.NDArray[np.float64] = np.round(top * np.array(fractions) / power, 6) * power
    return levels


def level_norm(levels: npt.NDArray[np.float64], style: VariableStyle) -> BoundaryNorm:
    """Make the norm that gives each interval between levels its colour.

    Args:
        levels: Contour levels, ascending.
        style: Style of the variable; its centre, if it has one, gets the middle of the colour map.
    """
    return BoundaryNorm(levels, ncolors=256) if style.centre is None else _CentredNorm(levels, style.centre)


class _CentredNorm(BoundaryNorm):
    """Maps each interval to a colour by its distance from a centre, on the same scale on both sides."""

    def __init__(self, levels: npt.NDArray[np.float64], centre: float) -> None:
        super().__init__(levels, ncolors=256)
        reach = max(abs(levels[0] - centre), abs(levels[-1] - centre), 1e-9)
        middles = (levels[1:] + levels[:-1]) / 2
        self._colours = np.clip(np.round(127.5 + 127.5 * (middles - centre) / reach), 0, 255).astype(np.int16)

    def __call__(self, value: Any, clip: bool | None = None) -> Any:
        masked: Any = np.ma.asarray(value)
        interval = np.clip(np.searchsorted(self.boundaries, masked.filled(0.0), side="right") - 1, 0, self.N - 2)
        return np.ma.array(self._colours[interval], mask=np.ma.getmask(masked))
