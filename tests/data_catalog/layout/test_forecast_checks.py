"""Values of forecasts are checked as those of analyses are, and a fault names member, start and lead time."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from data_catalog.errors import InvalidDataError
from data_catalog.layout.forecast_checks import checked_forecast
from data_catalog.layout.variables import channel

STARTS = np.array(["2008-01-03", "2008-01-05"], "datetime64[ns]")
DIMS = ("init_time", "member", "lead_time", "latitude", "longitude")


def ensemble(name: str = "t2m", value: float = 280.0) -> xr.Dataset:
    leads = np.array([24, 48, 72], "timedelta64[h]").astype("timedelta64[ns]")
    coords = {"init_time": STARTS, "member": [4, 7], "lead_time": leads}
    values = np.full((2, 2, 3, 2, 2), value, np.float32)
    return xr.Dataset({name: (DIMS, values, channel(name).attributes)}, coords)


@settings(max_examples=15, deadline=None)
@given(
    at=st.tuples(*(st.integers(0, size - 1) for size in (2, 2, 3, 2, 2))),
    bad=st.sampled_from([np.nan, np.inf, -np.inf, 7.0, 9.96921e36, -9999.0, 1e20]),
    chunks=st.sampled_from([{}, {"member": 1, "lead_time": 1}, {"init_time": 1, "lead_time": 2}]),
    data=st.data(),
)
def test_a_bad_value_is_named_wherever_it_is(
    at: tuple[int, ...], bad: float, chunks: dict[str, int], data: st.DataObject
) -> None:
    forecast = ensemble()
    forecast["t2m"].values[at] = bad
    order = data.draw(st.permutations(DIMS))
    found = checked_forecast(forecast.transpose(*order).chunk(chunks), where="file")
    start, member, lead = (forecast[name].values[index] for name, index in zip(DIMS[:3], at[:3], strict=True))
    place = rf"^file: t2m of member {member} from {str(start)[:10]}T00:00Z at {lead / np.timedelta64(1, 'h'):g} h: "
    with pytest.raises(InvalidDataError, match=place + "expected"):
        found.compute()


def test_a_good_forecast_is_left_as_it_is_and_only_what_is_chosen_is_checked() -> None:
    forecast = ensemble()
    xr.testing.assert_identical(checked_forecast(forecast.chunk(), where="file").compute(), forecast)
    forecast["t2m"].values[1] = np.nan
    found = checked_forecast(forecast.chunk(init_time=1), where="file")
    assert np.isfinite(found["t2m"].isel(init_time=0).values).all()


def test_a_single_start_is_named_too() -> None:
    forecast = ensemble("sst").isel(init_time=1)
    forecast["sst"].values[0, 0] = np.nan
    assert checked_forecast(forecast.chunk(), where="file")["sst"].isnull().sum() == 4
    forecast["sst"].values[0, 1] = 200.0
    with pytest.raises(
        InvalidDataError, match=r"member 4 from 2008-01-05T00:00Z at 48 h: expected values in 268\.\.315"
    ):
        checked_forecast(forecast.chunk(), where="file").compute()


def test_what_was_never_written_is_called_so() -> None:
    with pytest.raises(InvalidDataError, match=r"found 9\.96921e\+36, a fill value .*_FillValue.*never written"):
        checked_forecast(ensemble(value=9.96921e36).chunk(), where="file").compute()


@given(st.permutations(DIMS))
@settings(max_examples=5, deadline=None)
def test_a_member_without_any_wind_was_never_written(order: list[str]) -> None:
    forecast = ensemble("u10", 3.0).pad(latitude=(1, 1), longitude=(1, 1), mode="edge")
    assert (checked_forecast(forecast.chunk(), where="file")["u10"] == 3.0).all()
    forecast["u10"].values[1, 0, 2] = 0.0
    with pytest.raises(
        InvalidDataError, match=r"u10 of member 4 from 2008-01-05T00:00Z at 72 h: expected wind, found 0"
    ):
        checked_forecast(forecast.transpose(*order).chunk(member=1), where="file").compute()
    rain = ensemble("tp24", 0.0).pad(latitude=(1, 1), longitude=(1, 1), mode="edge")
    assert (checked_forecast(rain.chunk(), where="file")["tp24"] == 0.0).all()


def test_units_are_needed() -> None:
    forecast = ensemble()
    del forecast["t2m"].attrs["units"]
    with pytest.raises(InvalidDataError, match="file: t2m: expected units K, found 'none'"):
        checked_forecast(forecast.chunk(), where="file")
