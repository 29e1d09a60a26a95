"""Predictors know nothing that was observed after the start."""

import numpy as np
import xarray as xr

from forecast.postprocessing.predictors import latest_errors, predictors_of, recent_errors, seasonal_harmonics


def test_errors_are_known_at_the_start(table: xr.Dataset) -> None:
    changed = table.copy(deep=True)
    start = table["init_time"].values[80]
    valid = table["init_time"].values[:, None] + table["lead_time"].values
    changed["observation"].values[:, valid > start] = 1e6
    for errors in (recent_errors, latest_errors):
        np.testing.assert_array_equal(errors(changed)[:, 80], errors(table)[:, 80])
        assert (errors(changed)[:, 82] != errors(table)[:, 82]).all()


def test_latest_error_is_that_of_the_shortest_lead(table: xr.Dataset) -> None:
    errors = (table["observation"] - table["forecast"].mean("member")).values
    np.testing.assert_allclose(latest_errors(table)[:, 50], errors[:, 49, 0])


def test_names(table: xr.Dataset) -> None:
    values, names = predictors_of(table, "normal", seasonal=True)
    assert names == ("constant", "ensemble_mean", "recent_error", "latest_error", "sine", "cosine")
    assert values.shape == (2, 160, 2, 6)
    assert predictors_of(table, "censored-gamma")[1][-1] == "share_of_members_with_rain"
    np.testing.assert_allclose((seasonal_harmonics(table) ** 2).sum(-1), 1)
