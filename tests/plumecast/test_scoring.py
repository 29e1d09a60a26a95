import numpy as np
import pytest
import xarray as xr

import plumecast
from forecast import verification
from plumecast.scoring import SCORES

LEADS = np.array([24, 48], "timedelta64[h]").astype("timedelta64[ns]")
START = np.datetime64("2008-01-05", "ns")
TIMES = START + np.arange(4).astype("timedelta64[D]")


@pytest.fixture
def forecast() -> xr.Dataset:
    rng = np.random.default_rng(1)
    fields = {name: (("member", "lead_time", "latitude"), rng.normal(size=(5, 2, 3))) for name in ("t2m", "msl")}
    return xr.Dataset(fields, {"lead_time": LEADS, "latitude": [0.0, 1.0, 2.0], "init_time": START})


@pytest.fixture
def analysis() -> xr.Dataset:
    fields = {"t2m": (("time", "latitude"), np.random.default_rng(2).normal(size=(4, 3)))}
    return xr.Dataset(fields, {"time": TIMES, "latitude": [0.0, 1.0, 2.0]})


def test_the_analyses_of_the_valid_times(forecast: xr.Dataset, analysis: xr.Dataset) -> None:
    taken = plumecast.at_valid_times(analysis["t2m"], forecast)
    assert taken.dims == ("lead_time", "latitude")
    np.testing.assert_array_equal(taken, analysis["t2m"].values[1:3])
    several = xr.concat([forecast, forecast.assign_coords(init_time=TIMES[1])], "init_time")
    assert plumecast.at_valid_times(analysis, several)["t2m"].dims == ("init_time", "lead_time", "latitude")
    assert plumecast.at_valid_times(taken, forecast) is taken


def test_a_score_is_that_of_verification(forecast: xr.Dataset, analysis: xr.Dataset) -> None:
    known = analysis["t2m"].isel(time=[1, 2]).rename(time="lead_time").assign_coords(lead_time=LEADS)
    expected = verification.crps(forecast["t2m"], known, reduce=["latitude"])
    np.testing.assert_array_equal(
        plumecast.score("crps", forecast["t2m"], analysis["t2m"], reduce=["latitude"]), expected
    )
    both = plumecast.score("crps", forecast, analysis, reduce=["latitude"])
    assert list(both) == ["t2m"]
    np.testing.assert_array_equal(both["t2m"], expected)


def test_each_score_is_a_function_of_verification() -> None:
    assert set(SCORES) <= set(verification.__all__)


def test_what_cannot_be_scored_is_refused(forecast: xr.Dataset, analysis: xr.Dataset) -> None:
    with pytest.raises(plumecast.ConfigurationError, match=r"found 'crp' \(did you mean 'crps'\?\)"):
        plumecast.score("crp", forecast, analysis)
    with pytest.raises(
        plumecast.MissingDataError, match="the 2 valid times of the forecast, found none at 2008-01-07T00:00Z"
    ):
        plumecast.score("crps", forecast, analysis.isel(time=[0, 1]))
    with pytest.raises(plumecast.InvalidDataError, match="expected a coordinate 'init_time'"):
        plumecast.score("crps", forecast.drop_vars("init_time"), analysis)
    with pytest.raises(plumecast.InvalidDataError, match="expected one of the fields msl of the forecast, found t2m"):
        plumecast.score("crps", forecast[["msl"]], analysis)
