"""Events in members, joined before they are averaged, against NumPy."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.ensemble.events import (
    all_of,
    any_of,
    event,
    event_in_window,
    probability,
    probability_of_anomaly,
)

RNG = np.random.default_rng(0)
LEADS = pd.to_timedelta(np.arange(6, 54, 6), "h")
T2M = xr.DataArray(
    RNG.normal(274, 3, (20, 8, 5)).astype(np.float32), dims=("member", "lead_time", "point"),
    coords={"lead_time": LEADS}, attrs={"units": "K"},
)  # fmt: skip
WIND = (T2M * 0 + RNG.gamma(2, 4, T2M.shape)).assign_attrs(units="m s-1")


def test_a_probability_is_a_share_of_members() -> None:
    frost = probability(event(T2M, "<", 273.15))
    np.testing.assert_allclose(frost, (T2M.values < 273.15).mean(0))
    assert frost.attrs["units"] == "1"
    np.testing.assert_array_equal(probability(T2M < 273.15), frost)
    np.testing.assert_array_equal(probability(event(T2M.chunk(member=6, point=2), "<", 273.15)), frost)


def test_thresholds_by_point_and_in_the_coarser_precision() -> None:
    median = xr.DataArray(np.median(T2M, (0, 1)), dims="point")
    np.testing.assert_array_equal(event(T2M, ">=", median), T2M.values >= median.values.astype(np.float32))
    tenth = xr.DataArray(np.full((1, 1), 0.1, np.float32), dims=("member", "point"))
    assert event(tenth, ">", 0.1).item() == 0
    assert event(tenth, ">=", 0.1).item() == 1


def test_what_is_missing_is_unknown() -> None:
    members = T2M.where((T2M["point"] != 2) | (T2M["member"] != 3))
    chance = probability(event(members, "<", 273.15))
    assert np.isnan(chance).any("lead_time").values.tolist() == [False, False, True, False, False]
    threshold = xr.DataArray([273.0, np.nan, 273, 273, 273], dims="point")
    assert np.isnan(event(T2M, "<", threshold)).all(("member", "lead_time"))[1]


def test_joint_events_are_joined_in_each_member() -> None:
    cold, windy = event(T2M, "<", 274.0), event(WIND, ">", 8.0)
    both = (T2M.values < 274) & (WIND.values > 8)
    np.testing.assert_allclose(probability(all_of(cold, windy)), both.mean(0))
    either = (T2M.values < 274) | (WIND.values > 8)
    np.testing.assert_allclose(probability(any_of(cold, windy)), either.mean(0))
    never = probability(all_of(cold, event(T2M, ">=", 274.0)))
    assert float(never.max()) == 0
    land = xr.DataArray([1.0, 1, 0, 0, 1], dims="point")
    assert float(all_of(cold, land).isel(point=[2, 3]).max()) == 0
    assert np.isnan(any_of(cold, land.where(land > 0))).isel(point=2).all()


def test_a_window_asks_for_the_extreme_of_its_times() -> None:
    for throughout, extreme in ((False, np.max), (True, np.min)):
        found = event_in_window(event(WIND, ">", 8.0), "24h", throughout=throughout)
        assert list(pd.to_timedelta(found["lead_time"].values)) == list(LEADS[3:])
        expected = np.stack([extreme(WIND.values[:, end - 3 : end + 1], axis=1) > 8 for end in range(3, 8)], 1)
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(event_in_window(event(WIND, ">", 8.0), "6h"), WIND > 8)
    unknown = event(WIND.where((WIND["point"] != 1) | (WIND["lead_time"] != LEADS[0])), ">", 8.0)
    assert np.isnan(event_in_window(unknown, "12h")).any(("member", "point")).values.tolist() == [True] + 6 * [False]


def test_a_window_is_lazy() -> None:
    happens = event(WIND, ">", 8.0)
    lazy = event_in_window(happens.chunk(lead_time=3), "12h")
    assert lazy.chunks is not None
    np.testing.assert_array_equal(lazy, event_in_window(happens, "12h"))


def test_the_probability_of_an_anomaly() -> None:
    mean, spread = xr.DataArray(np.full(5, 274.0), dims="point"), xr.DataArray([3.0, 3, 3, 3, 0], dims="point")
    np.testing.assert_allclose(probability_of_anomaly(T2M, mean, ">", 2.0), (T2M.values - 274.0 > 2).mean(0))
    found = probability_of_anomaly(T2M, mean, "<", -1.0, spread=spread)
    np.testing.assert_allclose(found[:, :4], ((T2M.values - 274.0) / 3 < -1).mean(0)[:, :4])
    assert np.isnan(found[:, 4]).all()


def test_bad_input_is_one_line() -> None:
    with pytest.raises(ConfigurationError, match=r"operator: expected one of .* found '=='"):
        event(T2M, "==", 273.0)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="threshold: expected a finite number, found nan"):
        event(T2M, ">", np.nan)
    with pytest.raises(InvalidDataError, match=r"expected events, which are 0 or 1, found 2"):
        probability(T2M)
    with pytest.raises(InvalidDataError, match="event 2: expected the 20 places"):
        all_of(event(T2M, "<", 273.0), event(WIND.isel(member=slice(9)), ">", 8.0))
    with pytest.raises(InvalidDataError, match="at least one, found none"):
        any_of()
    with pytest.raises(ConfigurationError, match=r"window: expected 1 to 8 steps of .* found .* which is 1\.5"):
        event_in_window(event(WIND, ">", 8.0), "9h")
    with pytest.raises(InvalidDataError, match="times at even steps along 'lead_time'"):
        event_in_window(event(WIND, ">", 8.0).isel(lead_time=[0, 1, 3]), "12h")
