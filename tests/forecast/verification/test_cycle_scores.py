"""A cycle is scored against the analyses of its valid times, in the regions of its system."""

import logging
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import MissingDataError
from forecast.system.system import System
from forecast.verification import UnscorableError
from forecast.verification.cycle_scores import absent_times, score_forecast, score_weights, verifying_analysis
from forecast.verification.evaluation import scores_of

START = np.datetime64("2001-03-01", "ns")
LEADS = (np.arange(1, 4) * 24).astype("timedelta64[h]").astype("timedelta64[ns]")


def with_verification(system: System, **verification: object) -> System:
    return System.model_validate(system.model_dump() | {"verification": verification})


def test_the_analyses_of_the_valid_times_verify(analysis: xr.Dataset) -> None:
    found = verifying_analysis(analysis, ["z500"], START, LEADS)
    assert list(found) == ["z500"]
    np.testing.assert_array_equal(found["lead_time"], LEADS)
    np.testing.assert_array_equal(found["z500"][1], analysis["z500"].sel(time=START + LEADS[1]))


def test_an_analysis_that_does_not_reach_them_yet_is_waited_for(analysis: xr.Dataset) -> None:
    early = analysis.sel(time=slice(None, "2001-03-02"))
    np.testing.assert_array_equal(absent_times(early, START, LEADS), START + LEADS[1:])
    message = r"verification of 2001-03-01T00:00Z: expected an analysis at 2001-03-03T00:00Z, found none \(2 of 3"
    with pytest.raises(MissingDataError, match=message):
        verifying_analysis(early, ["z500"], START, LEADS)


def test_a_forecast_is_scored_in_every_region(analysis: xr.Dataset, tmp_path: Path) -> None:
    verifying = verifying_analysis(analysis, ["z500"], START, LEADS)
    forecast = xr.concat([verifying - 10, verifying + 30], "member")
    forecast = forecast.assign(u850=forecast["z500"]).assign_coords(latitude=forecast["latitude"] + 1e-6)
    weights = score_weights(None, analysis, tmp_path)
    sums = score_forecast(forecast, verifying, weights)
    assert sums["channel"].values.tolist() == ["z500"]
    assert sums["region"].values.tolist() == weights["region"].values.tolist()
    np.testing.assert_allclose(scores_of(sums)["bias"], 10, rtol=1e-3)
    with pytest.raises(UnscorableError, match="latitude"):
        score_forecast(forecast.isel(latitude=slice(None, None, -1)), verifying, weights)


def test_regions_of_a_system(system: System, analysis: xr.Dataset, tmp_path: Path) -> None:
    location = tmp_path / "analysis.nc"
    stored = analysis[["z500", "orography"]].isel(time=slice(3)).copy()
    for name, units in (("z500", "m2 s-2"), ("orography", "m")):
        stored[name].attrs["units"] = units
    stored.to_netcdf(location, engine="netcdf4")
    box = {"name": "band", "south": -40, "north": 40}
    mask = {"name": "hills", "channel": "orography", "above": 500.0, "within": "northern-extratropics"}
    wanted = with_verification(system, regions=["tropics"], boxes=[box], masks=[mask, {**mask, "name": "low"}])
    weights = score_weights(wanted, analysis, location)
    assert weights["region"].values.tolist() == ["global", "tropics", "band", "hills", "low"]
    high = analysis["orography"] > 500
    expected = (high & (analysis["latitude"] >= 20)).transpose("latitude", "longitude")
    np.testing.assert_array_equal(weights.sel(region="hills") > 0, expected)
    ours = with_verification(system, masks=[{"name": "lowland", "channel": "orography", "below": 500.0}])
    lowland = score_weights(ours, analysis, location).sel(region="lowland")
    np.testing.assert_array_equal(lowland > 0, ~high.transpose("latitude", "longitude"))


def test_regions_that_are_not_scored_are_named(analysis: xr.Dataset, caplog: pytest.LogCaptureFixture) -> None:
    tropics = analysis.sel(latitude=slice(-40, 40))
    with caplog.at_level(logging.INFO, "plumecast"):
        names = score_weights(None, tropics, Path())["region"].values.tolist()
        score_weights(None, tropics, Path())
    assert names == ["domain", "tropics"]
    assert len(caplog.messages) == 1
    assert "northern-extratropics, southern-extratropics, europe, north-america" in caplog.text
