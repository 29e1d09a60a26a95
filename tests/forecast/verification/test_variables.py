"""Steps on variables, which numpy would take on arrays."""

import numpy as np
import xarray as xr

from forecast.verification.variables import expanded, filled, ratio, renamed, where

ROW = xr.Variable("x", [1.0, np.nan, 3.0])


def test_where_and_filled_put_something_else_where_nothing_is() -> None:
    np.testing.assert_array_equal(where(ROW, ROW > 1), [np.nan, np.nan, 3.0])
    np.testing.assert_array_equal(where(ROW, ROW > 1, 0.0), [0.0, 0.0, 3.0])
    np.testing.assert_array_equal(filled(ROW), [1.0, 0.0, 3.0])


def test_a_ratio_is_missing_where_the_divisor_is_not_positive() -> None:
    below = xr.Variable(("y", "x"), [[2.0, 1.0, 0.0], [-1.0, 1.0, 4.0]])
    found = ratio(ROW, below).transpose("y", "x")
    np.testing.assert_array_equal(found, [[0.5, np.nan, np.nan], [np.nan, np.nan, 0.75]])


def test_expanded_repeats_values_in_the_order_of_the_sizes() -> None:
    whole = expanded(ROW, {"x": 3, "y": 2})
    assert whole.dims == ("x", "y")
    np.testing.assert_array_equal(whole.values.T, [ROW.values, ROW.values])


def test_renamed_keeps_values_and_other_dimensions() -> None:
    field = xr.Variable(("x", "y"), np.arange(6.0).reshape(3, 2))
    found = renamed(field, "x", "z")
    assert found.dims == ("z", "y")
    np.testing.assert_array_equal(found, field)
