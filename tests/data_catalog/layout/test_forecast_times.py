import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.forecast_times import ForecastTimes, analysis_times, read_times, start_and_lead_axes

STARTS = np.array(["2008-01-03", "2008-01-05"], "M8[ns]")
LEADS = np.array([24, 48], "m8[h]").astype("m8[ns]")
VALID = STARTS[:, None] + LEADS
START = {"standard_name": "forecast_reference_time"}
TIME = {"standard_name": "time"}


def _forecast(**coordinates: object) -> tuple[xr.Variable, xr.Variable]:
    return start_and_lead_axes(read_times(xr.Dataset(coords=coordinates), "x", forecast=True), "x")


def _analysis(**coordinates: object) -> xr.Variable | None:
    return analysis_times(read_times(xr.Dataset(coords=coordinates), "x", forecast=False), "x")


LAYOUTS = {
    "both as dimensions": {"init_time": STARTS, "lead_time": LEADS},
    "WeatherBench2": {"time": STARTS, "prediction_timedelta": LEADS},
    "cfgrib": {"time": ("time", STARTS, START), "step": LEADS, "valid_time": (("time", "step"), VALID, TIME)},
    "IRI": {"S": STARTS, "L": ("L", [1, 2], {"units": "days"})},
    "starts and valid times": {"init": STARTS, "valid_time": (("init", "lead"), VALID)},
    "starts called time, and valid times": {"time": STARTS, "valid_time": (("time", "lead"), VALID)},
    "valid times and leads": {"valid_time": (("run", "lead"), VALID), "lead": LEADS},
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_two_starts_and_two_lead_times(name):
    init, lead = _forecast(**LAYOUTS[name])
    assert len(init.dims) == len(lead.dims) == 1
    np.testing.assert_array_equal(init.values, STARTS)
    np.testing.assert_array_equal(lead.values, LEADS)


ONE_START = {
    "CF with valid times": {
        "time": ("time", VALID[0], TIME),
        "forecast_reference_time": STARTS[0],
        "forecast_period": ("time", [24.0, 48.0], {"units": "hours"}),
    },
    "without lead times": {"time": VALID[0], "forecast_reference_time": STARTS[0]},
    "without a start": {"time": VALID[0], "forecast_period": ("time", LEADS)},
    "valid times along an index": {"time": ("k", VALID[0]), "forecast_period": ("k", LEADS)},
    "a dimension of one start": {"init_time": STARTS[:1], "time": VALID[0]},
    "GenCast": {"time": LEADS, "datetime": (("batch", "time"), VALID[:1])},
    "one start along members": {"init_time": ("sample", STARTS[[0, 0, 0]]), "lead_time": LEADS},
    "one start along lead times": {"init_time": ("lead_time", STARTS[[0, 0]]), "lead_time": LEADS},
    "one start along lead times, called time": {
        "time": ("step", STARTS[[0, 0]]),
        "step": LEADS,
        "valid_time": ("step", VALID[0]),
    },
    "valid times twice": {
        "time": VALID[0],
        "forecast_period": ("time", LEADS),
        "valid_time": ("time", VALID[0]),
    },
}


@pytest.mark.parametrize("name", ONE_START)
def test_one_start_is_a_scalar(name):
    init, lead = _forecast(**ONE_START[name])
    assert init.dims == ()
    assert init.values == STARTS[0]
    np.testing.assert_array_equal(lead.values, LEADS)


def test_two_starts_at_one_lead_time():
    for lead in ({"forecast_period": ((), 24.0, {"units": "hours"})}, {"forecast_period": ("time", LEADS[[0, 0]])}, {}):
        init, period = _forecast(time=VALID[:, 0], forecast_reference_time=("time", STARTS), **lead)
        assert init.dims == ("time",)
        np.testing.assert_array_equal(init.values, STARTS)
        assert period.dims == ()
        assert period.values == LEADS[0]


def test_members_of_several_starts_keep_them_apart():
    init, _ = _forecast(init_time=("sample", STARTS), lead_time=LEADS)
    assert init.dims == ("sample",)


BAD = {
    "expected a coordinate init_time (or forecast_reference_time": {"lead_time": LEADS},
    "expected a coordinate lead_time (or forecast_period": {"init_time": STARTS, "latitude": [0.0]},
    "found latitude": {"latitude": [0.0]},
    "expected each init_time once, found 2008-01-03T00:00Z twice": {"init_time": STARTS[[0, 0]], "lead_time": LEADS},
    "expected each lead_time once, found 24 h twice": {"init_time": STARTS, "lead_time": LEADS[[0, 0]]},
    "expected init_time along one dimension": {"init_time": (("a", "b"), VALID), "lead_time": LEADS},
    "expected valid times after the start, found a lead_time of -48 h": {"init_time": STARTS, "lead_time": -LEADS},
    "found both along time": {
        "init_time": ("time", STARTS), "lead_time": ("time", LEADS), "time": STARTS + LEADS,
    },
    "expected valid times that are starts plus lead times": {
        "init_time": STARTS, "lead_time": LEADS, "valid_time": (("init_time", "lead_time"), VALID + LEADS[0]),
    },
    "found time, which may be either": {"time": ("time", STARTS, TIME), "step": LEADS[0]},
    "found time, which may be either;": {"time": ("step", STARTS[[0, 0]]), "step": LEADS},
    "time, which may be either; rename it": {"time": ("step", STARTS[:1]), "step": LEADS[:1]},
    "found time, which may be either; rename it init_time": {
        "time": ("k", STARTS[:1]), "forecast_period": ("k", LEADS[:1]),
    },
    "expected lead_time along one dimension": {"init_time": STARTS, "valid_time": np.unique(VALID)[1:]},
    "expected values of lead_time, found none": {"init_time": STARTS, "lead_time": LEADS[:0]},
}  # fmt: skip


@pytest.mark.parametrize("words", BAD)
def test_what_makes_no_forecast_is_refused_in_one_line(words):
    with pytest.raises(InvalidDataError) as caught:
        _forecast(**BAD[words])
    assert str(caught.value).startswith("x: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


ANALYSES = {
    "times": ({"time": STARTS}, STARTS),
    "one time": ({"time": STARTS[0]}, STARTS[0]),
    "valid times beside starts": (
        {"time": ("time", STARTS, START), "step": LEADS[0], "valid_time": ("time", VALID[:, 0], TIME)}, VALID[:, 0],
    ),
    "starts and one lead time": ({"time": STARTS, "step": LEADS[1]}, VALID[:, 1]),
    "a step of zero": ({"time": ("time", STARTS, TIME), "step": LEADS[0] * 0}, STARTS),
    "one start and one lead time": (
        {"time": STARTS[0], "step": LEADS[0], "valid_time": VALID[0, 0], "number": 0}, VALID[0, 0],
    ),
    "starts alone": ({"time": ("time", STARTS, START)}, STARTS),
    "a dimension of one step": ({"time": STARTS, "step": LEADS[:1]}, VALID[:, 0]),
    "a dimension of valid times": ({"valid_time": STARTS, "number": 0}, STARTS),
    "a text that is no start": ({"time": STARTS, "start_date": "long ago"}, STARTS),
}  # fmt: skip


@pytest.mark.parametrize("name", ANALYSES)
def test_an_analysis_has_the_valid_time(name):
    coordinates, expected = ANALYSES[name]
    found = _analysis(**coordinates)
    assert found is not None
    np.testing.assert_array_equal(found.values, expected)


def test_a_forecast_is_no_analysis():
    with pytest.raises(InvalidDataError, match="x: expected one analysis, found a forecast with 2 lead times"):
        _analysis(time=STARTS, step=LEADS)
    with pytest.raises(InvalidDataError, match="x: expected times of an analysis, found nothing but a lead time"):
        _analysis(time=LEADS)


def test_nothing_of_time_is_no_time():
    assert analysis_times(ForecastTimes(None, None, None, {}, ""), "x") is None
