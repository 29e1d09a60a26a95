import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_catalog.errors import InvalidDataError
from data_catalog.layout.units import canonical_unit, conversion, converted


@pytest.mark.parametrize(
    ("spelled", "unit"),
    [
        ("m s**-1", "m s-1"),
        ("m/s", "m s-1"),
        ("m s^-1", "m s-1"),
        ("m**2 s**-2", "m2 s-2"),
        ("m^2/s^2", "m2 s-2"),
        ("J kg**-1", "m2 s-2"),
        ("kg kg**-1", "kg kg-1"),
        ("kg/kg", "kg kg-1"),
        ("kg m**-2", "kg m-2"),
        ("degK", "K"),
        ("millibars", "hPa"),
        ("gpm", "m"),
        ("(0 - 1)", "1"),
    ],
)
def test_spellings(spelled: str, unit: str) -> None:
    assert canonical_unit(spelled) == unit


@pytest.mark.parametrize(
    ("value", "found", "expected", "result"),
    [
        (5500.0, "m", "m2 s-2", 53936.575),
        (1013.25, "hPa", "Pa", 101325.0),
        (20.0, "degC", "K", 293.15),
        (12.5, "mm", "kg m-2", 12.5),
        (0.0125, "m", "kg m-2", 12.5),
        (8.0, "g kg**-1", "kg kg-1", 0.008),
        (980.665, "m**2 s**-2", "m", 100.0),
        (7.0, "m s**-1", "m s-1", 7.0),
        (55.0, "%", "1", 0.55),
    ],
)
def test_conversions(value: float, found: str, expected: str, result: float) -> None:
    factor, offset = conversion(found, expected, what="file: x")
    assert converted(np.array([value]), factor, offset)[0] == pytest.approx(result, rel=1e-6)


def test_unknown_unit_is_named() -> None:
    with pytest.raises(InvalidDataError, match=r"file.nc: msl: expected .*Pa.*, found 'inHg'"):
        conversion("inHg", "Pa", what="file.nc: msl")


def test_a_unit_of_something_else_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="found 'K'"):
        conversion("K", "Pa", what="file.nc: msl")


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1))
def test_same_units_keep_every_bit(values: list[float]) -> None:
    array = np.array(values, np.float32)
    assert converted(array, *conversion("Pa", "Pa", what="")).tobytes() == array.tobytes()
