"""Quantiles of states and of quantiles."""

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from forecast.products.ensemble.quantiles import quantile_along

STATES = xr.DataArray(np.random.default_rng(0).normal(0, 1, (21, 3)), dims=("year", "point"))
LEVELS = [0.1, 0.5, 0.9]


@pytest.mark.parametrize("level", [0.1, 0.3, 0.9])
def test_states_are_interpolated_as_numpy_does(level: float) -> None:
    expected = np.quantile(STATES.values, level, axis=0)
    np.testing.assert_allclose(quantile_along(STATES, level, "year"), expected)
    np.testing.assert_allclose(quantile_along(STATES.chunk(year=4), level, "year"), expected)


def test_levels_are_interpolated() -> None:
    given = STATES.quantile(LEVELS, "year")
    np.testing.assert_array_equal(quantile_along(given, 0.5, "quantile"), given[1])
    np.testing.assert_array_equal(quantile_along(given, 0.9, "quantile"), given[2])
    np.testing.assert_allclose(quantile_along(given, 0.2, "quantile"), 0.75 * given[0] + 0.25 * given[1])
    np.testing.assert_array_equal(quantile_along(given[:1], 0.1, "quantile"), given[0])


def test_levels_that_do_not_reach_are_refused() -> None:
    for level in (0.05, 0.95):
        with pytest.raises(InvalidDataError, match=f"levels that reach {level}, found 0.1 to 0.9"):
            quantile_along(STATES.quantile(LEVELS, "year"), level, "quantile")
