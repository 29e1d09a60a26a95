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
