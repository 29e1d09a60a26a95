"""Observations as series, and beside forecasts again."""

import logging

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import MissingDataError
from data_catalog.stations.series import at_forecasts, observed_series


def table() -> xr.Dataset:
    starts = np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]")
    leads = np.array([12, 36], "timedelta64[h]").astype("timedelta64[ns]")
    observed = np.array([[[1.0, 2.0], [2.0, np.nan]]])  # the second lead of the first start is the first of the second
    coords = {"station": ["a"], "init_time": starts, "lead_time": leads, "latitude": ("station", [50.0])}
    return xr.Dataset({"observation": (("station", "init_time", "lead_time"), observed)}, coords)


def test_series_and_back() -> None:
    series = observed_series(table())
    assert series.dims == ("station", "time")
    np.testing.assert_array_equal(series.values, [[1.0, 2.0, np.nan]])
    xr.testing.assert_equal(
        at_forecasts(series, table()).drop_vars("latitude"), table()["observation"].drop_vars("latitude")
    )


def test_rows_that_differ_are_said(caplog: pytest.LogCaptureFixture) -> None:
    differing = table()
    differing["observation"].values[0, 1, 0] = 3.0
    with caplog.at_level(logging.WARNING, "plumecast"):
        series = observed_series(differing)
    assert "1 observations differ" in caplog.text
    assert series.values[0, 1] == 2.5


def test_nothing_observed_then() -> None:
    series = observed_series(table())
    with pytest.raises(MissingDataError, match="from 2020-01-01T12 to 2020-01-03T12, found none"):
        at_forecasts(series.assign_coords(station=["b"]), table())
