"""Units as sources spell them, read by UDUNITS, and the factors that turn them into SI."""

import re
from functools import lru_cache
from threading import Lock

import cf_units
import numpy as np

from data_catalog.errors import InvalidDataError

STANDARD_GRAVITY = 9.80665
"""m s-2: geopotential over geopotential height."""
_SYNONYMS = {
    "degk": "K",
    "deg k": "K",
    "degree k": "K",
    "degrees k": "K",
    "degrees kelvin": "K",
    "c": "degC",
    "deg c": "degC",
    "deg_c": "degC",
    "degree c": "degC",
    "degrees c": "degC",
    "degrees celsius": "degC",
    "ºc": "degC",
    "celcius": "degC",
    "deg f": "degF",
    "degrees f": "degF",
    "pa": "Pa",
    "hpa": "hPa",
    "mb": "hPa",
    "mbs": "hPa",
    "mbar": "hPa",
    "kpa": "kPa",
    "gpm": "m",
    "geopotential meter": "m",
    "geopotential meters": "m",
    "geopotential metre": "m",
    "geopotential metres": "m",
    "gpdm": "dam",
    "m of water equivalent": "m",
    "m of water": "m",
    "mm of water equivalent": "mm",
    "mph": "mile hour-1",
    "gm kg-1": "g kg-1",
    "(0 - 1)": "1",
    "(0-1)": "1",
    "0 - 1": "1",
    "0-1": "1",
    "fraction": "1",
    "fractional": "1",
    "proportion": "1",
    "dimensionless": "1",
    "unitless": "1",
    "~": "1",
}
"""What UDUNITS does not know, or takes for something else: `mb` is a millibarn to it, `C` a coulomb."""
_DEFINED: dict[tuple[str, str], float] = {
    # (dimension of the source, unit wanted): factor from the SI unit of the source. No unit converts these: one needs
    # the gravity that geopotential height is defined by, the others the density of water or a mass of moist air.
    ("m", "m2 s-2"): STANDARD_GRAVITY,
    ("m2 s-2", "m"): 1.0 / STANDARD_GRAVITY,
    ("m", "kg m-2"): 1000.0,
}
_LONGEST = 60
_DIGITS = 15
_UDUNITS = Lock()


def canonical_unit(text: str) -> str:
    """The one spelling of a unit: `m s**-1`, `m/s` and `m s^-1` all become `m s-1`.

    Args:
        text: As a source spells it.
    """
    cleaned = re.sub(r"\*\*|\^", "", text.strip())
    numerator, *denominators = cleaned.split("/")
    if denominators and numerator.strip() and numerator.strip()[0].isalpha():
        cleaned = " ".join([numerator, *(_inverted(part) for part in denominators)])
    cleaned = re.sub(r"[\s.·*]+(?!\d)", " ", cleaned).strip()
    return _SYNONYMS.get(cleaned.lower(), cleaned)


def _inverted(factor: str) -> str:
    """`s2` as `s-2`."""
    match = re.fullmatch(r"\s*(\D+?)\s*(\d*)\s*", factor)
    letters, power = match.groups() if match else (factor.strip(), "")
    return f"{letters}-{power or 1}"


@lru_cache(maxsize=1024)
def linear(found: str, expected: str) -> tuple[float, float] | None:
    """Factor and offset between two spellings of units of one dimension.

    Args:
        found: Unit as a source spells it.
        expected: Unit wanted, in any spelling.

    Returns:
        `(factor, offset)`: value in `expected` = value in `found` x factor + offset; None where a unit is unknown or
        they measure different things. Angles are no pure numbers here, and a logarithm (dBZ) equals only itself.

    Source: UDUNITS-2, through cf-units
    """
    one, other = canonical_unit(found), canonical_unit(expected)
    if one == other and one:
        return 1.0, 0.0
    # UDUNITS is not safe between threads.
    with _UDUNITS, cf_units.suppress_errors():
        source, target = _parsed(one), _parsed(other)
        if source is None or target is None or _holds_angle(source) != _holds_angle(target):
            return None
        if not source.is_convertible(target):
            return None
        # Over a long stretch, so that the digits of an offset do not reach the factor.
        zero, million = (float(source.convert(value, target)) for value in (0.0, 1e6))
    factor, offset = _rounded((million - zero) / 1e6), _rounded(zero)
    return (factor, offset) if factor > 0 and np.isfinite([factor, offset]).all() else None


def _parsed(text: str) -> cf_units.Unit | None:
    if not 0 < len(text) <= _LONGEST or not text.isprintable():
        return None
    try:
        unit = cf_units.Unit(text)
    except ValueError:
        return None
    return None if unit.is_unknown() or unit.is_no_unit() or unit.is_time_reference() else unit


def _holds_angle(unit: cf_units.Unit) -> bool:
    """Whether an angle is part of a unit: UDUNITS converts `degrees K` into kelvins by a factor of pi / 180."""
    return "rad" in str(unit.definition)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def is_unit(text: str) -> bool:
    """Return whether UDUNITS knows a unit, such as `K m2 kg-1 s-1`.

    Args:
        text: In any spelling that `canonical_unit` takes.
    """
    with _UDUNITS, cf_units.suppress_errors():
        return _parsed(canonical_unit(text)) is not None


def same_unit(one: str, other: str) -> bool:
    """Return whether two spellings mean the same unit, such as `m s**-1` and `m/s`.

    Args:
        one: A unit as a source spells it.
        other: Another.
    """
    return one == other or linear(one, other) == (1.0, 0.0)


def conversion(found: str, expected: str, *, what: str) -> tuple[float, float]:
    """Factor and offset that take values from one unit to another.

    Besides what UDUNITS converts, heights become geopotentials, and depths of water amounts; fluxes of water do not.

    Args:
        found: Unit as the source spells it.
        expected: Unit wanted, in the spelling of the variable table.
        what: File and variable, to begin the error with.

    Returns:
        `(factor, offset)`: value in `expected` = value in `found` x factor + offset.

    Raises:
        InvalidDataError: The unit is unknown, or measures something else.
    """
    direct = linear(found, expected)
    if direct is not None:
        return direct
    for (start, end), factor in _DEFINED.items():
        to_start = linear(found, start) if end == expected else None
        if to_start is not None and to_start[1] == 0.0:
            return to_start[0] * factor, 0.0
    starts = [expected, *(start for start, end in _DEFINED if end == expected)]
    raise InvalidDataError(
        f"{what}: expected units that can be converted to {' or '.join(starts)}, found {found[:_LONGEST]!r}"
    )


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
