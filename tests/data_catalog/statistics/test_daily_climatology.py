"""Climatology by hour and day of the year: the window, the leap day, the hours, anomalies."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.statistics.daily_climatology import (
    Calendar,
    anomalies,
    climatology_at,
    daily_statistics,
)

MakeAnalysis = Callable[..., xr.Dataset]


def by_hand(values: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation as WeatherBench2 describes them, by xarray: (day, point)."""
    field = xr.DataArray(values, {"time": times}, ("time", "point"))
    years = []
    for year in np.unique(field["time"].dt.year):
        one = field.sel(time=str(year))
        years.append(one.assign_coords(time=one["time"].dt.dayofyear.values).rename(time="dayofyear"))
    stacked = xr.concat(years, "year", join="outer")
    stacked = stacked.fillna(stacked.sel(dayofyear=365))
    padded = stacked.pad(dayofyear=30, mode="wrap").rolling(dayofyear=61, center=True).construct("window")
    weights = xr.DataArray(np.concatenate([np.linspace(0, 1, 31), np.linspace(1, 0, 31)[1:]]), dims="window")
    weighted = padded.isel(dayofyear=slice(30, -30)).weighted(weights)
    dims = ("window", "year")
    return weighted.mean(dims).transpose("dayofyear", "point").values, weighted.std(dims).transpose(
        "dayofyear", "point"
    ).values


def test_mean_and_spread_are_those_of_weatherbench2() -> None:
    times = pd.date_range("2003-01-01", "2006-12-31", freq="D").values
    values = (280 + np.random.default_rng(0).standard_normal((len(times), 3))).astype(np.float32)
    found = daily_statistics(values, Calendar.of(times))
    mean, spread = by_hand(values.astype(np.float64), times)
    assert found.mean.shape == (1, 366, 3)
    np.testing.assert_allclose(found.mean[0], mean, atol=1e-4)
    np.testing.assert_allclose(found.spread[0], spread, atol=1e-4)


def test_hours_are_kept_apart() -> None:
    times = pd.date_range("2001-01-01", "2002-12-31T18", freq="6h").values
    hour = pd.DatetimeIndex(times).hour.values
    calendar = Calendar.of(times)
    assert calendar.hours.tolist() == [0, 6, 12, 18]
    found = daily_statistics(hour[:, np.newaxis].astype(np.float32), calendar)
    assert found.mean[:, 100, 0].tolist() == [0, 6, 12, 18]
    assert (found.spread == 0).all()
    assert (found.quantiles[:, 2] == 12).all()


def test_missing_values_count_for_nothing() -> None:
    times = pd.date_range("2001-01-01", "2003-12-31", freq="D").values
    values = np.random.default_rng(0).standard_normal((len(times), 2)).astype(np.float32)
    kept = np.random.default_rng(1).random(len(times)) < 0.5
    gappy = np.where(kept[:, np.newaxis] | [[False, True]], values, np.nan)
    found = daily_statistics(gappy, Calendar.of(times))
    # The second point, which has no gap, is as it was; the first is that of the times that are there.
    whole = daily_statistics(values, Calendar.of(times))
    np.testing.assert_allclose(found.mean[..., 1], whole.mean[..., 1], atol=1e-6)
    fewer = daily_statistics(values[kept], Calendar.of(times[kept]))
    np.testing.assert_allclose(found.mean[..., :365, 0], fewer.mean[..., :365, 0], atol=1e-5)
    np.testing.assert_allclose(found.spread[..., :300, 0], fewer.spread[..., :300, 0], atol=1e-5)


def test_a_part_of_a_year_is_refused() -> None:
    times = pd.date_range("2001-01-01", "2001-09-30", freq="D").values
    with pytest.raises(InvalidDataError, match="mine: expected times at 0 UTC within 30 days of each day of the year"):
        Calendar.of(times, where="mine")


def climatology_of(analysis: xr.Dataset) -> xr.Dataset:
    calendar = Calendar.of(analysis["time"].values)
    fields = {}
    for name in ("msl", "t2m"):
        rows, columns = analysis[name].shape[1:]
        found = daily_statistics(analysis[name].values.reshape(-1, rows * columns), calendar, (0.1, 0.9))
        dims = ("hour", "dayofyear", "latitude", "longitude")
        fields[name] = (dims, found.mean.reshape(*found.mean.shape[:2], rows, columns))
        fields[f"{name}_std"] = (dims, found.spread.reshape(*found.mean.shape[:2], rows, columns))
        fields[f"{name}_quantile"] = (("quantile", *dims), found.quantiles.reshape(2, -1, 366, rows, columns))
    places = {name: analysis[name] for name in ("latitude", "longitude")}
    coords = {"hour": calendar.hours, "dayofyear": np.arange(1, 367), "quantile": [0.1, 0.9], **places}
    return xr.Dataset(fields, coords)


def test_anomalies_have_mean_0_and_standard_deviation_1(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(times=3 * 730, step_hours=12)
    climatology = climatology_of(analysis)
    found = anomalies(analysis, climatology, standardised=True)
    assert set(found) == {"msl", "t2m"}  # static fields have none
    assert found["msl"].dims == analysis["msl"].dims
    assert found["t2m"].attrs["units"] == "1"
    assert abs(float(found["msl"].mean())) < 0.01
    assert float(found["msl"].std()) == pytest.approx(1.0, abs=0.02)
    plain = anomalies(analysis, climatology)
    assert plain["msl"].attrs["units"] == "Pa"
    assert float(plain["msl"].std()) == pytest.approx(float(analysis["msl"].std()), rel=0.02)


def test_values_are_looked_up_by_hour_and_day(make_analysis: MakeAnalysis) -> None:
    climatology = climatology_of(make_analysis(times=800, step_hours=12))
    times = np.array(["2008-02-29T12", "2031-12-31T00"], "M8[ns]")
    found = climatology_at(climatology, times)
    assert found["msl_quantile"].dims == ("quantile", "time", "latitude", "longitude")
    np.testing.assert_array_equal(found["msl"][0], climatology["msl"].sel(hour=12, dayofyear=60))
    np.testing.assert_array_equal(found["t2m_std"][1], climatology["t2m_std"].sel(hour=0, dayofyear=365))
    analysis = make_analysis(times=800, step_hours=12)
    thresholds = climatology_at(climatology, analysis["time"].values)["msl_quantile"].sel(quantile=0.9)
    share = float((analysis["msl"] > thresholds).mean())
    assert share == pytest.approx(0.1, abs=0.02)
    with pytest.raises(InvalidDataError, match=r"expected an hour of the day among .*0, 12.*, found 2008-01-01T06:00"):
        climatology_at(climatology, np.array(["2008-01-01T06"], "M8[ns]"))


def test_another_grid_or_other_channels_are_refused(make_analysis: MakeAnalysis) -> None:
    climatology = climatology_of(make_analysis(times=400))
    with pytest.raises(InvalidDataError, match="msl: expected analysis and climatology on one grid, found two"):
        anomalies(make_analysis(times=5, latitude=np.linspace(-60, 60, 4)), climatology)
    with pytest.raises(InvalidDataError, match="expected a channel among z500, lsm, found none"):
        anomalies(make_analysis(("z500",), times=5), climatology)
