"""Baselines are fitted on the training period, and on nothing else."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError, MissingDataError
from forecast.verification.baselines.fitted import KINDS, Baselines
from forecast.verification.baselines.fitting import fit_baselines

LEADS = (np.arange(1, 6) * 24).astype("timedelta64[h]").astype("timedelta64[ns]")
PERIOD = (np.datetime64("2001-01-01"), np.datetime64("2006-12-31"))


def test_nothing_outside_the_period_is_fitted(weather: xr.Dataset, baselines: Baselines) -> None:
    spoiled = weather.where(weather["time"] <= PERIOD[1], 1e9)
    again = fit_baselines(spoiled, PERIOD, step_hours=24, eofs=10)
    start = np.datetime64("2006-12-01")
    for kind in KINDS:
        arguments = (kind, weather, start, LEADS, 5, 0)
        xr.testing.assert_identical(again.forecast(*arguments), baselines.forecast(*arguments))


def test_short_periods_keep_fewer_eofs(make_weather: Callable[..., xr.Dataset]) -> None:
    short = make_weather(years=1)
    fitted = fit_baselines(short, (np.datetime64("2001-01-01"), np.datetime64("2001-12-31")), step_hours=24, eofs=100)
    assert len(fitted.linear.patterns) == 36
    assert fitted.forecast("climatology", short, np.datetime64("2001-06-01"), LEADS, 50, 0).sizes["member"] == 31


def test_what_cannot_be_fitted_is_one_clear_line(weather: xr.Dataset) -> None:
    with pytest.raises(MissingDataError, match="training period 1990-01-01"):
        fit_baselines(weather, (np.datetime64("1990-01-01"), np.datetime64("1990-12-31")), step_hours=24)
    with pytest.raises(InvalidDataError, match="expected numbers throughout"):
        fit_baselines(weather.where(weather["time"] != weather["time"][9]), PERIOD, step_hours=24)
    with pytest.raises(InvalidDataError, match="expected variability, found none in t850"):
        fit_baselines(weather.assign(t850=xr.full_like(weather["t850"], 280.0)), PERIOD, step_hours=24)
