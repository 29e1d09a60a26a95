import cftime
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from data_catalog.errors import InvalidDataError
from data_catalog.layout.axis_names import kind_of
from data_catalog.layout.time_values import durations, instants

TIMES = np.array(["2008-01-03T05", "2008-01-03T11", "2008-01-04T17"], "M8[ns]")
EPOCH = np.datetime64("1900-01-01", "ns")


def _counted(dtype: str, unit: str = "days", length: str = "D") -> xr.Variable:
    counts = ((TIMES - EPOCH) / np.timedelta64(1, length)).astype(dtype)
    return xr.Variable("time", counts, {"units": f"{unit} since 1900-01-01"})


@pytest.mark.parametrize("decoded", [False, True])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_times_between_the_counts_of_single_precision_are_rounded(dtype, decoded):
    variable = _counted(dtype)
    if decoded:
        variable = xr.decode_cf(xr.Dataset({"time": variable})).variables["time"]
        assert dtype == "f8" or variable.values[0] == np.datetime64("2008-01-03T04:58:07.500000256")
    np.testing.assert_array_equal(instants(variable, "x"), TIMES)


@pytest.mark.parametrize("decoded", [False, True])
def test_counts_that_were_in_single_precision_before_are_rounded_too(decoded):
    variable = _counted("f4").astype("f8")
    variable.attrs["units"] = "days since 1900-01-01"
    if decoded:
        variable = xr.decode_cf(xr.Dataset({"time": variable})).variables["time"]
    np.testing.assert_array_equal(instants(variable, "x"), TIMES)


def test_minutes_that_single_precision_holds_are_kept():
    variable = xr.Variable("time", np.array([5.0, 65.0], "f4"), {"units": "minutes since 2008-01-01"})
    assert [str(time)[11:16] for time in instants(variable, "x")] == ["00:05", "01:05"]


def test_decoded_times_keep_their_seconds():
    times = np.array(["2008-01-03T04:58:07.5"], "M8[ns]")
    np.testing.assert_array_equal(instants(xr.Variable("time", times), "x"), times)


@pytest.mark.parametrize("units", ["hours", "hour", "h", "hr"])
def test_spellings_of_hours(units):
    variable = xr.Variable("time", [48], {"units": f"{units} since 2008-01-01"})
    assert instants(variable, "x")[0] == np.datetime64("2008-01-03")
    assert durations(xr.Variable("lead", [48], {"units": units}), "x")[0] == np.timedelta64(2, "D")


def test_units_may_stand_on_the_dataset():
    found = instants(xr.Variable("t", [755880]), "x", group_units="hours since 1940-01-01 00:00 (proleptic_gregorian)")
    assert found[0] == np.datetime64("2026-03-25T00")


@pytest.mark.parametrize("dtype", ["U", "S", object])
@pytest.mark.parametrize("text", ["2008-01-03T05:00", "2008-01-03 05:00:00", "2008-01-03T05:00:00Z", "2008-01-03T05"])
def test_times_may_be_texts(text, dtype):
    times = xr.Variable("start", np.array([text, text]).astype(dtype))
    assert kind_of(times) == "instant"
    np.testing.assert_array_equal(instants(times, "x"), np.full(2, "2008-01-03T05", "M8[ns]"))


def test_texts_that_are_no_times_in_utc_are_refused():
    for text in ("2008-01-03T05:00+02:00", "tomorrow", "2008-1-3", ""):
        times = xr.Variable("start", np.array([text, "2008-01-03"]))
        assert kind_of(times) == "text"
        with pytest.raises(InvalidDataError, match=r"^x: expected times, found"):
            instants(times, "x")
    with pytest.raises(InvalidDataError, match=r"^x: expected dates of the calendar, found '2008-02-30'"):
        instants(xr.Variable("start", np.array(["2008-02-30"])), "x")


def test_dates_of_cftime_in_the_real_calendar():
    dates = np.array([cftime.DatetimeGregorian(2008, 1, 3, 5)], object)
    assert instants(xr.Variable("time", dates), "x")[0] == TIMES[0]


@pytest.mark.parametrize("calendar", ["noleap", "360_day", "julian", "all_leap"])
@pytest.mark.parametrize("decoded", [False, True])
def test_other_calendars_are_refused(calendar, decoded):
    variable = xr.Variable("time", [0, 59], {"units": "days since 2000-01-01", "calendar": calendar})
    if decoded:
        variable = xr.decode_cf(xr.Dataset({"time": variable})).variables["time"]
    with pytest.raises(InvalidDataError, match="x: expected times of the standard calendar, found those of"):
        instants(variable, "x")


@pytest.mark.parametrize(
    ("values", "units", "words"),
    [
        ([1], "", "found ''"),
        ([1], "months since 1960-01-01", "found 'months since 1960-01-01'"),
        ([20080101.0], "day as %Y%m%d.%f", "found 'day as"),
        ([1], "days since the flood", "since the flood"),
        ([1.0e30], "days since 2000-01-01", "expected time in units like"),
        ([np.nan], "days since 2000-01-01", "some missing"),
        ([1], "days since 0001-01-01", "1678 to 2262"),
        (np.array([17593896.0], "f4"), "hours since 1-1-1", "counts 2 h apart"),
    ],
)
@pytest.mark.filterwarnings("ignore:Ambiguous reference date")
def test_times_that_cannot_be_told_are_refused(values, units, words):
    with pytest.raises(InvalidDataError, match=r"^x: expected time") as caught:
        instants(xr.Variable("time", values, {"units": units}), "x")
    assert words in str(caught.value)


@settings(deadline=None)
@given(st.lists(st.integers(0, 15 * 24), min_size=1), st.sampled_from(["f4", "f8"]))
def test_hours_in_days_come_back_whole(hours, dtype):
    days = (np.array(hours) / 24).astype(dtype)
    found = durations(xr.Variable("lead", days, {"units": "days"}), "x")
    assert (found / np.timedelta64(1, "h")).tolist() == hours


@pytest.mark.parametrize(
    ("values", "units", "words"),
    [
        ([1], "", "found int64 without units"),
        ([1], "months", "found the unit 'months'"),
        ([1], "1", "found the unit '1'"),
        (["1 d"], "", "without units"),
        ([np.nan], "hours", "some missing"),
        ([1e300], "hours", "beyond"),
    ],
)
def test_lengths_that_cannot_be_told_are_refused(values, units, words):
    with pytest.raises(InvalidDataError, match=r"^x: expected durations") as caught:
        durations(xr.Variable("lead", values, {"units": units}), "x")
    assert words in str(caught.value)


def test_missing_times_are_refused():
    with pytest.raises(InvalidDataError, match="x: expected values everywhere"):
        instants(xr.Variable("time", np.array(["NaT"], "M8[ns]")), "x")
    with pytest.raises(InvalidDataError, match="x: expected values everywhere"):
        durations(xr.Variable("lead", np.array(["NaT"], "m8[ns]")), "x")
