import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_catalog.errors import InvalidDataError
from data_catalog.layout.units import conversion, converted, same_unit


@pytest.mark.parametrize(
    ("spelled", "unit"),
    [
        ("m s**-1", "m s-1"),
        ("m/s", "m s-1"),
        ("m s^-1", "m s-1"),
        ("m.s-1", "m s-1"),
        ("meters per second", "m s-1"),
        ("m**2 s**-2", "m2 s-2"),
        ("m^2/s^2", "m2 s-2"),
        ("J kg**-1", "m2 s-2"),
        ("kg kg**-1", "kg kg-1"),
        ("kg/kg", "1"),
        ("kg m**-2", "kg m-2"),
        ("kg/m2/s", "kg m-2 s-1"),
        ("degK", "K"),
        ("kelvin", "K"),
        ("Kelvin", "K"),
        ("degrees K", "K"),
        ("C", "degC"),
        ("°C", "degC"),
        ("degrees C", "degC"),
        ("mb", "hPa"),
        ("mbar", "hPa"),
        ("millibars", "hPa"),
        ("hectopascal", "hPa"),
        ("gpm", "m"),
        ("knots", "kt"),
        ("(0 - 1)", "1"),
    ],
)
def test_spellings(spelled: str, unit: str) -> None:
    assert same_unit(spelled, unit)
    assert same_unit(unit, spelled)


@pytest.mark.parametrize(
    ("one", "other"),
    [("degC", "K"), ("m", "mm"), ("hPa", "Pa"), ("m", "m2 s-2"), ("mm", "kg m-2"), ("%", "1"), ("", "1"), ("dBZ", "1")],
)
def test_units_that_differ(one: str, other: str) -> None:
    assert not same_unit(one, other)


def test_a_unit_that_nobody_knows_is_itself() -> None:
    assert same_unit("thunderstorms", "thunderstorms")
    assert not same_unit("thunderstorms", "1")


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
        (29.92, "inHg", "Pa", 101320.0),
        (50.0, "degF", "K", 283.15),
        (1.25, "cm", "kg m-2", 12.5),
        (552.0, "dam", "m2 s-2", 54132.708),
    ],
)
def test_conversions(value: float, found: str, expected: str, result: float) -> None:
    factor, offset = conversion(found, expected, what="file: x")
    assert converted(np.array([value]), factor, offset)[0] == pytest.approx(result, rel=1e-5)


def test_unknown_unit_is_named() -> None:
    with pytest.raises(InvalidDataError, match=r"file.nc: msl: expected .*Pa.*, found 'thunder'"):
        conversion("thunder", "Pa", what="file.nc: msl")


def test_a_unit_of_something_else_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="found 'K'"):
        conversion("K", "Pa", what="file.nc: msl")


@pytest.mark.parametrize(
    ("found", "expected"),
    [("kg m-2 s-1", "kg m-2"), ("mm/day", "kg m-2"), ("m s-1", "kg m-2"), ("degrees", "1"), ("rad", "1"), ("", "1")],
)
def test_a_flux_is_no_depth_and_an_angle_no_number(found: str, expected: str) -> None:
    with pytest.raises(InvalidDataError, match="expected units that can be converted"):
        conversion(found, expected, what="x")


@settings(deadline=None)
@given(st.text(max_size=30))
def test_no_text_is_more_than_an_unknown_unit(text: str) -> None:
    with contextlib.suppress(InvalidDataError):
        factor, offset = conversion(text, "K", what="x")
        assert np.isfinite([factor, offset]).all()
    assert same_unit(text, text)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1))
def test_same_units_keep_every_bit(values: list[float]) -> None:
    array = np.array(values, np.float32)
    assert converted(array, *conversion("Pa", "Pa", what="")).tobytes() == array.tobytes()
