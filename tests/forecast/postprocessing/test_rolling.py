"""Rolling calibration: nothing later than the start counts, and calibrated members are better."""

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError, MissingDataError
from forecast.postprocessing.rolling import Settings, calibrate, check_no_overlap, choose_distribution
from forecast.verification import station_scores

FIRST = np.datetime64("2020-03-01", "ns")


@pytest.mark.parametrize("method", ["emos", "mbm"])
def test_calibrated_members_are_better(table: xr.Dataset, method: str) -> None:
    found = calibrate(table, FIRST, Settings(choose_distribution(table), method))
    later = table.sel(init_time=found.forecast["init_time"])
    raw, new = (station_scores(each, later["observation"]).pooled for each in (later["forecast"], found.forecast))
    assert np.nanmean(found.crps) < 0.85 * raw.crps
    assert raw.spread_skill < 0.4
    assert new.spread_skill == pytest.approx(1, abs=0.12)


def test_later_observations_change_nothing(table: xr.Dataset) -> None:
    changed = table.copy(deep=True)
    start = table["init_time"].values[100]
    valid = table["init_time"].values[:, None] + table["lead_time"].values
    changed["observation"].values[:, valid > start] = -50.0
    settings = Settings("normal", every_days=7.0)
    one, other = (
        calibrate(each, FIRST, settings).forecast.sel(init_time=slice(None, start)) for each in (table, changed)
    )
    assert one.sizes["init_time"] == 41
    xr.testing.assert_equal(one, other)


def test_overlap_and_too_little_are_refused(table: xr.Dataset) -> None:
    with pytest.raises(InvalidDataError, match="nothing is fitted to what it is scored on"):
        check_no_overlap(table.isel(init_time=slice(0, 50)), table.isel(init_time=slice(50, None)))
    check_no_overlap(table.isel(init_time=slice(0, 50)), table.isel(init_time=slice(51, None)))
    with pytest.raises(MissingDataError, match="expected at least 20 past cases"):
        calibrate(table, np.datetime64("2020-01-05", "ns"), Settings("normal", every_days=None))


def test_dry_cases_are_spread_over_the_probability_of_none(table: xr.Dataset) -> None:
    one = table[["forecast", "observation"]].isel(station=[0], lead_time=[0])
    rain = (one - float(one["observation"].median())).clip(min=0)
    found = calibrate(rain, FIRST, Settings("censored-gamma", every_days=None))
    is_dry = (rain["observation"].sel(init_time=found.forecast["init_time"]) == 0).values
    assert is_dry.sum() > 20
    assert np.unique(found.pit[is_dry]).size == is_dry.sum()
    assert found.pit.mean() == pytest.approx(0.5, abs=0.15)
