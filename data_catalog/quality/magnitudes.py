"""Area means and sizes that a variable has anywhere, and on the whole globe: a wrong unit or variable lies outside."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from data_catalog.layout.quantities import Channel
from data_catalog.layout.variables import channel
from data_catalog.quality.fields import Fields
from data_catalog.quality.measure import Measure

_CHECK = "magnitudes"
_FEWEST_DAYS = 25
_ABSOLUTE_ZERO_LAPSE = 6.5e-3
_SCALE_HEIGHT_M = 7400.0
Range = tuple[float, float]
_MEANS_ANYWHERE: dict[str, Range] = {
    "t2m": (215, 312), "d2m": (205, 303), "skt": (210, 318), "sst": (270, 306), "msl": (96.5e3, 104e3),
    "sp": (50e3, 104e3), "tcwv": (0.3, 65), "tcc": (0.03, 0.98),
}  # fmt: skip
"""Means over at least 25 days and the area of the grid, in the units of the variable table."""
_MEANS_ON_THE_GLOBE: dict[str, Range] = {
    "t2m": (284, 291), "d2m": (276, 285), "skt": (284, 292), "msl": (100.3e3, 101.8e3), "sp": (97e3, 100e3),
    "tcwv": (18, 32), "tcc": (0.4, 0.8), "t850": (276, 284), "t500": (248, 258), "z500": (54e3, 56.5e3),
    "q850": (4e-3, 9e-3),
}  # fmt: skip
_SIZES: dict[str, Range] = {
    "u10": (0.8, 14), "v10": (0.8, 14), "u100": (1, 18), "v100": (1, 18), "u": (1.2, 55), "v": (1.0, 35),
}  # fmt: skip
"""Root mean squares, of which the highest is at 250 hPa."""
_RAIN_A_DAY_ANYWHERE, _RAIN_A_DAY_ON_THE_GLOBE = (0.02, 30.0), (1.6, 4.5)
"""Means in kg m-2; the globe has some 2.7 to 3."""


def magnitudes(name: str, fields: Fields) -> dict[str, Measure]:
    """Measure how far the mean and size of a channel lie outside of what it has anywhere, over at least 25 days.

    Args:
        name: Name of the channel.
        fields: Some times.

    Returns:
        The same number for all times: 1 at the end of the range, larger outside.
    """
    values, weights = fields.values[name], fields.weights
    if len(values) * fields.step_hours < 24 * _FEWEST_DAYS or np.isnan(values[0]).any():
        return {}
    mean = float(np.mean(np.tensordot(values, weights.astype(np.float32), 2), dtype=np.float64))
    size = float(np.sqrt(np.mean(np.tensordot(values.astype(np.float64) ** 2, weights, 2))))
    found = {}
    for kind, number, (low, high) in _ranges(channel(name), fields, mean, size):
        words = f"{kind} {number:.4g}, expected {low:.4g} to {high:.4g} {channel(name).variable.units}"
        found[f"magnitude of the {kind}"] = Measure(_CHECK, _outside(number, low, high, len(values)), words, limit=1.0)
    return found


def _outside(number: float, low: float, high: float, times: int) -> NDArray[np.floating]:
    middle, half = (low + high) / 2, (high - low) / 2
    return np.full(times, abs(number - middle) / half)


def _ranges(one: Channel, fields: Fields, mean: float, size: float) -> Iterator[tuple[str, float, Range]]:
    short, level = one.variable.short_name, one.level_hpa
    hours = one.variable.accumulation_hours
    if fields.is_global and one.name in _MEANS_ON_THE_GLOBE:
        yield "mean", mean, _MEANS_ON_THE_GLOBE[one.name]
    elif one.name in _MEANS_ANYWHERE:
        yield "mean", mean, _MEANS_ANYWHERE[one.name]
    elif short == "t" and level is not None:
        yield "mean", mean, _temperature_range(level)
    elif short == "q" and level is not None:
        yield "mean", mean, _humidity_range(level)
    elif hours is not None and short.startswith("tp"):
        low, high = _RAIN_A_DAY_ON_THE_GLOBE if fields.is_global else _RAIN_A_DAY_ANYWHERE
        yield "mean", mean, (low * hours / 24, high * hours / 24)
    key = one.name if one.name in _SIZES else short if level is not None else ""
    if key in _SIZES:
        yield "root mean square", size, _SIZES[key]


def _temperature_range(level_hpa: int) -> Range:
    """Range of area means around the standard atmosphere, whose stratosphere has 216.65 K."""
    height = _SCALE_HEIGHT_M * np.log(1013.25 / level_hpa)
    usual = max(216.65, 288.15 - _ABSOLUTE_ZERO_LAPSE * height)
    return usual - 38.0, usual + 25.0


def _humidity_range(level_hpa: int) -> Range:
    height_km = _SCALE_HEIGHT_M / 1e3 * np.log(1013.25 / level_hpa)
    return 2e-4 * float(np.exp(-height_km / 1.5)), 22e-3 * float(np.exp(-height_km / 3.5))
