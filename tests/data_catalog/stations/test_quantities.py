"""Quantities of stations: columns, units, and values that cannot be in them."""

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.stations.quantities import QUANTITIES, column_of, in_si, quantity_named, quantity_of, units_of
from forecast.verification import LIMITS


def test_each_quantity_has_limits_of_gross_errors() -> None:
    assert set(QUANTITIES) == set(LIMITS)


def test_columns_and_quantities_name_each_other() -> None:
    assert column_of("t2m", ["SID", "TT", "TD"]) == "TT"
    assert column_of("msl", ["SID", "TT"]) is None
    assert quantity_of("PS") == "msl"
    assert quantity_of("obs") is None


def test_units() -> None:
    celsius = np.array([9.0, np.nan, 11.0])
    assert units_of(celsius, "t2m") == "degC"
    assert units_of(celsius + 273.15, "t2m") == "K"
    assert units_of(celsius, "msl") is None
    np.testing.assert_allclose(in_si(celsius, "t2m", "degC", "x"), celsius + 273.15)
    np.testing.assert_allclose(in_si(np.array([1013.0]), "msl", "hPa", "x"), 101300.0)


def test_units_that_cannot_be() -> None:
    with pytest.raises(InvalidDataError, match=r"x: expected a median of 200 to 330 K, found 9 .*are they degC"):
        in_si(np.array([9.0]), "t2m", None, "x")
    with pytest.raises(InvalidDataError, match="expected units that can be converted to K"):
        in_si(np.array([9.0]), "t2m", "m s-1", "x")
    with pytest.raises(ConfigurationError, match="did you mean"):
        quantity_named("t2")
