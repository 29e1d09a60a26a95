"""Units as sources spell them, and the factors that turn them into SI."""

import re

import numpy as np

from data_catalog.errors import InvalidDataError

STANDARD_GRAVITY = 9.80665
"""m s-2: geopotential over geopotential height."""
_SYNONYMS = {
    "degk": "K",
    "kelvin": "K",
    "degrees k": "K",
    "c": "degC",
    "degc": "degC",
    "deg c": "degC",
    "deg_c": "degC",
    "°c": "degC",
    "celsius": "degC",
    "degrees_celsius": "degC",
    "degree_celsius": "degC",
    "pascal": "Pa",
    "pascals": "Pa",
    "hpa": "hPa",
    "mb": "hPa",
    "mbar": "hPa",
    "millibar": "hPa",
    "millibars": "hPa",
    "hectopascal": "hPa",
    "hectopascals": "hPa",
    "kpa": "kPa",
    "gpm": "m",
    "meter": "m",
    "meters": "m",
    "metre": "m",
    "metres": "m",
    "m of water equivalent": "m",
    "j kg-1": "m2 s-2",
    "knots": "kt",
    "knot": "kt",
    "kg kg": "kg kg-1",
    "gm kg-1": "g kg-1",
    "(0 - 1)": "1",
    "0 - 1": "1",
    "fraction": "1",
    "fractional": "1",
    "dimensionless": "1",
    "~": "1",
    "percent": "%",
}
_CONVERSIONS: dict[tuple[str, str], tuple[float, float]] = {
    # (from, to): (factor, offset)
    ("m", "m2 s-2"): (STANDARD_GRAVITY, 0.0),
    ("dam", "m2 s-2"): (10.0 * STANDARD_GRAVITY, 0.0),
    ("m2 s-2", "m"): (1.0 / STANDARD_GRAVITY, 0.0),
    ("hPa", "Pa"): (100.0, 0.0),
    ("kPa", "Pa"): (1000.0, 0.0),
    ("Pa", "hPa"): (0.01, 0.0),
    ("kPa", "hPa"): (10.0, 0.0),
    ("hPa s-1", "Pa s-1"): (100.0, 0.0),
    ("degC", "K"): (1.0, 273.15),
    ("kt", "m s-1"): (1852.0 / 3600.0, 0.0),
    ("km h-1", "m s-1"): (1.0 / 3.6, 0.0),
    ("g kg-1", "kg kg-1"): (1e-3, 0.0),
    ("1", "kg kg-1"): (1.0, 0.0),
    ("mm", "kg m-2"): (1.0, 0.0),
    ("m", "kg m-2"): (1000.0, 0.0),
    ("%", "1"): (0.01, 0.0),
}


def canonical_unit(text: str) -> str:
    """The one spelling of a unit: `m s**-1`, `m/s` and `m s^-1` all become `m s-1`.

    Args:
        text: As a source spells it.
    """
    cleaned = re.sub(r"\*\*|\^", "", text.strip())
    numerator, *denominators = cleaned.split("/")
    if denominators and numerator.strip() and numerator.strip()[0].isalpha():
        cleaned = " ".join([numerator, *(_inverted(part) for part in denominators)])
    cleaned = re.sub(r"[\s.·*]+", " ", cleaned).strip()
    return _SYNONYMS.get(cleaned.lower(), cleaned)


def _inverted(factor: str) -> str:
    """`s2` as `s-2`."""
    match = re.fullmatch(r"\s*(\D+?)\s*(\d*)\s*", factor)
    letters, power = match.groups() if match else (factor.strip(), "")
    return f"{letters}-{power or 1}"


def conversion(found: str, expected: str, *, what: str) -> tuple[float, float]:
    """Factor and offset that take values from one unit to another.

    Args:
        found: Unit as the source spells it.
        expected: Unit wanted, in the spelling of the variable table.
        what: File and variable, to begin the error with.

    Returns:
        `(factor, offset)`: value in `expected` = value in `found` x factor + offset.

    Raises:
        InvalidDataError: The unit is unknown, or measures something else.
    """
    unit = canonical_unit(found)
    if unit == expected:
        return 1.0, 0.0
    try:
        return _CONVERSIONS[unit, expected]
    except KeyError:
        known = ", ".join([expected, *(start for start, end in _CONVERSIONS if end == expected)])
        raise InvalidDataError(f"{what}: expected units that can be read ({known}), found {found!r}") from None


def converted(values: np.ndarray, factor: float, offset: float) -> np.ndarray:
    """Convert values to another unit, as float32 computed in float64.

    Args:
        values: In the unit of the source.
        factor: From `conversion`.
        offset: From `conversion`, in the new unit.
    """
    if (factor, offset) == (1.0, 0.0):
        return np.asarray(values, np.float32)
    return np.asarray(np.asarray(values, np.float64) * factor + offset, np.float32)
