"""Quantities that stations observe: the names of their columns, and the units of SYNOP tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.units import conversion
from data_catalog.suggestions import did_you_mean


@dataclass(frozen=True)
class Quantity:
    """A quantity that stations observe.

    Attributes:
        units: SI units, those of forecasts.
        columns: Names of its column, in lower case; the first that is there counts.
        column_units: Units of such a column in tables that state none, by its name; SI where left out.
        usual: Smallest and largest median of many values that is believed, in SI units.
    """

    units: str
    columns: tuple[str, ...]
    column_units: Mapping[str, str]
    usual: tuple[float, float]


QUANTITIES: Mapping[str, Quantity] = {
    "t2m": Quantity("K", ("t2m", "tt", "t", "2t", "temperature"), {}, (200.0, 330.0)),
    "d2m": Quantity("K", ("d2m", "td", "2d", "dewpoint"), {}, (180.0, 310.0)),
    "msl": Quantity("Pa", ("msl", "ps", "pmsl", "slp"), {"ps": "hPa", "pmsl": "hPa", "slp": "hPa"}, (85e3, 112e3)),
    "wind_speed": Quantity("m s-1", ("wind_speed", "ff", "ws10", "si10"), {}, (0.0, 60.0)),
    "tp24": Quantity("kg m-2", ("tp24", "pe24", "precip24"), {}, (0.0, 300.0)),
}
"""By name of the channel."""
_ZERO_CELSIUS = 273.15


def quantity_named(name: str) -> Quantity:
    """Return a quantity.

    Args:
        name: Name of its channel, such as t2m.

    Raises:
        ConfigurationError: Stations do not observe it.
    """
    if name not in QUANTITIES:
        raise ConfigurationError(
            f"variable: expected one of {', '.join(QUANTITIES)}, found '{name}'{did_you_mean(name, QUANTITIES)}"
        )
    return QUANTITIES[name]


def column_of(name: str, columns: Iterable[str]) -> str | None:
    """Return the column of a quantity in a table; None if there is none.

    Args:
        name: Name of its channel.
        columns: Names of the columns.
    """
    by_lower = {column.strip().lower(): column for column in columns}
    return next((by_lower[known] for known in quantity_named(name).columns if known in by_lower), None)


def quantity_of(column: str) -> str | None:
    """Return the quantity that a column of this name holds; None if the name says nothing.

    Args:
        column: Its name, such as TT.
    """
    return next((name for name, known in QUANTITIES.items() if column.strip().lower() in known.columns), None)


def units_of(values: NDArray[np.float64], name: str) -> str | None:
    """Return the units that values of a quantity must be in, where a table states none.

    Args:
        values: Many values; NaN where missing.
        name: Name of the quantity.

    Returns:
        SI units, or degC for temperatures whose median says so; None if neither can be.
    """
    known = quantity_named(name)
    low, high = known.usual
    median = float(np.nanmedian(values)) if np.isfinite(values).any() else np.nan
    if low <= median <= high:
        return known.units
    return "degC" if known.units == "K" and low <= median + _ZERO_CELSIUS <= high else None


def in_si(values: NDArray[np.float64], name: str, units: str | None, where: str) -> NDArray[np.float64]:
    """Return values of a quantity in SI units.

    Args:
        values: In `units`; NaN where missing.
        name: Name of the quantity.
        units: Their units; None takes SI units, which is refused where the median is no usual value.
        where: File and column, for errors.

    Raises:
        InvalidDataError: The units measure something else, or the values cannot be in them.
    """
    known = quantity_named(name)
    factor, offset = (1.0, 0.0) if units is None else conversion(units, known.units, what=where)
    converted = values * factor + offset
    if np.isfinite(converted).any():
        low, high = known.usual
        median = float(np.nanmedian(converted))
        if not low <= median <= high:
            said = units or f"{known.units}, as no units are stated"
            hint = "; are they degC? name the units" if low <= median + _ZERO_CELSIUS <= high else ""
            raise InvalidDataError(
                f"{where}: expected a median of {low:g} to {high:g} {known.units}, found {median:g} (from {said}){hint}"
            )
    return converted
