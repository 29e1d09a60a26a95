"""Scores at stations: those of the score functions, over complete cases alone, whatever the order of dimensions."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification import UnscorableError, crps, spread_skill_ratio, station_scores
from forecast.verification.station_scores import pit_histogram


def table() -> tuple[xr.DataArray, xr.DataArray]:
    rng = np.random.default_rng(1)
    signal = rng.normal(size=(3, 400, 2))
    forecast = signal[..., None] + rng.normal(size=(3, 400, 2, 9))
    coords = {"lead_time": np.array([24, 48], "timedelta64[h]").astype("timedelta64[ns]")}
    dims = ("station", "init_time", "lead_time")
    observed = xr.DataArray(signal + rng.normal(size=signal.shape), dims=dims, coords=coords)
    return xr.DataArray(forecast, dims=(*dims, "member"), coords=coords), observed


def test_scores_are_those_of_the_score_functions() -> None:
    forecast, observed = table()
    found = station_scores(forecast.transpose("member", ...), observed.transpose("lead_time", ...))
    assert found.pooled.cases == 2400
    assert found.pooled.crps == pytest.approx(float(crps(forecast, observed, reduce="all")))
    second = [field.isel(lead_time=[1]) for field in (forecast, observed)]
    assert found.by_lead[48.0].spread_skill == pytest.approx(float(spread_skill_ratio(*second, reduce="all")))
    assert found.pooled.spread_skill == pytest.approx(1, abs=0.05)
    assert found.pooled.pit == pytest.approx([0.1] * 10, abs=0.02)
    assert sum(found.pooled.pit) == pytest.approx(1)


def test_only_complete_cases_count() -> None:
    forecast, observed = table()
    forecast[0, 0, 0, 3] = np.nan
    observed[1, :, 1] = np.nan
    found = station_scores(forecast, observed)
    assert found.pooled.cases == 2400 - 1 - 400
    assert found.by_lead[24.0].cases == 1199


def test_pit_histogram() -> None:
    assert pit_histogram(np.array([0.05, 0.05, 0.95, 1.0])) == (0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0.5)


def test_what_cannot_be_scored() -> None:
    forecast, observed = table()
    with pytest.raises(UnscorableError, match="found none"):
        station_scores(forecast, observed * np.nan)
    with pytest.raises(UnscorableError, match="expected dimensions"):
        station_scores(forecast.isel(station=0), observed)
