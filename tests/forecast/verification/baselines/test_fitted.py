"""Forecasts of the baselines: known skill, members by their number, refusals."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError, MissingDataError
from forecast.verification import EvaluationSums, UnscorableError
from forecast.verification.baselines.fitted import KINDS, Baselines, baseline_seed
from forecast.verification.baselines.fitting import fit_baselines

DAY = np.timedelta64(1, "D")
LEADS = (np.arange(1, 6) * 24).astype("timedelta64[h]").astype("timedelta64[ns]")
PERIOD = (np.datetime64("2001-01-01"), np.datetime64("2006-12-31"))


@pytest.fixture(scope="module")
def scores(weather: xr.Dataset, baselines: Baselines) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    sums = {kind: EvaluationSums() for kind in KINDS}
    for start in np.arange(np.datetime64("2007-01-01", "ns"), np.datetime64("2007-12-01", "ns"), 8 * DAY):
        analysis = weather.sel(time=start + LEADS).rename(time="lead_time").assign_coords(lead_time=LEADS)
        for kind in KINDS:
            sums[kind].add(baselines.forecast(kind, weather, start, LEADS, 30, seed=1), analysis)
    return {kind: part.scores() for kind, part in sums.items()}


def test_linear_is_the_known_regression(scores: dict[str, dict[str, dict[str, dict[str, float]]]]) -> None:
    for name in ("msl", "t850"):
        linear, climate, persistence = (scores[kind][name] for kind in ("linear", "climatology", "persistence"))
        assert linear["crps"]["24"] < 0.85 * climate["crps"]["24"]
        assert linear["crps"]["24"] < linear["crps"]["72"] < linear["crps"]["120"] < 1.02 * climate["crps"]["120"]
        assert linear["rmse"]["72"] < persistence["rmse"]["72"]
        assert all(value is None for value in persistence["crps"].values())
        for lead in ("24", "72", "120"):
            assert linear["spread_skill"][lead] == pytest.approx(1, abs=0.12)
            assert climate["spread_skill"][lead] == pytest.approx(1, abs=0.12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_is_a_function_of_its_number(weather: xr.Dataset, baselines: Baselines, kind: str) -> None:
    start = np.datetime64("2007-02-01")
    whole = baselines.forecast(kind, weather, start, LEADS, 20, seed=3)
    few = baselines.forecast(kind, weather, start, LEADS[[1, 3]], 3, seed=3)
    xr.testing.assert_identical(whole.isel(member=slice(3), lead_time=[1, 3]), few)
    assert whole["msl"].dims == ("member", "lead_time", "latitude", "longitude")
    assert whole["msl"].dtype == np.float32
    assert whole["msl"].attrs["units"] == "Pa"
    assert whole["init_time"].values == start
    if kind != "persistence":
        other = baselines.forecast(kind, weather, start, LEADS, 20, seed=4)
        assert not np.array_equal(whole["msl"], other["msl"])
        assert len(np.unique(whole["msl"].values.reshape(20, -1), axis=0)) == 20


def test_climatology_is_real_dates_of_the_season_and_the_training_period(
    weather: xr.Dataset, baselines: Baselines
) -> None:
    start = np.datetime64("2007-12-29")
    forecast = baselines.forecast("climatology", weather, start, LEADS[:1], 500, seed=0)
    training = weather.sel(time=slice(*PERIOD))
    assert forecast.sizes["member"] == 6 * 31
    for member in (0, 50, 100):
        distance = abs(training["msl"] - forecast["msl"][member, 0]).max(["latitude", "longitude"])
        found = training["time"].values[int(distance.values.argmin())]
        assert float(distance.min()) < 0.04 * baselines.deviations["msl"]
        day = int((found - found.astype("datetime64[Y]")) / DAY)
        assert min(abs(day - 363), 365 - abs(day - 363)) <= 16


def test_analogues_know_something_of_the_days_ahead(
    scores: dict[str, dict[str, dict[str, dict[str, float]]]],
) -> None:
    for name in ("msl", "t850"):
        analogue, climate = scores["analogue"][name], scores["climatology"][name]
        assert analogue["crps"]["24"] < 0.93 * climate["crps"]["24"]
        assert analogue["crps"]["24"] < analogue["crps"]["72"] < 1.03 * climate["crps"]["72"]
        assert 0.85 < analogue["spread_skill"]["72"] < 1.15


def test_weather_that_was_seen_before_is_followed_by_what_followed_it(make_weather: Callable[..., xr.Dataset]) -> None:
    """A state that is a copy of one of another year has what followed that one as its first member."""
    seen = make_weather(7)
    baselines = fit_baselines(seen, PERIOD, step_hours=24, eofs=10)
    start, before = np.datetime64("2007-03-01", "ns"), np.datetime64("2004-03-01", "ns")
    states = {name: field.values.copy() for name, field in seen.data_vars.items()}
    times = seen["time"].values
    for values in states.values():
        values[times == start] = values[times == before]
    repeated = seen.assign({name: seen[name].copy(data=values) for name, values in states.items()})
    member = baselines.forecast("analogue", repeated, start, LEADS, 5, seed=0).isel(member=0)
    followed = seen.sel(time=before + LEADS)
    for name in ("msl", "t850"):
        errors = np.abs(member[name].values - followed[name].values).mean(axis=(1, 2))
        assert (errors < 0.35 * baselines.deviations[name]).all()


def test_analogues_are_refused_where_there_are_none(weather: xr.Dataset) -> None:
    baselines = fit_baselines(weather, (PERIOD[0], np.datetime64("2001-12-31")), step_hours=24, eofs=10)
    start = np.datetime64("2001-06-01")
    assert baselines.leads_of("analogue", start, LEADS).size == 0
    with pytest.raises(UnscorableError, match="expected past states of its season and other years, found 0"):
        baselines.forecast("analogue", weather, start, LEADS, 5, seed=0)
    with pytest.raises(UnscorableError, match="expected at most 10 steps, found 11"):
        baselines.forecast("analogue", weather, start, LEADS[:1] * 11, 5, seed=0)


def test_files_of_earlier_releases_have_no_analogues(weather: xr.Dataset, baselines: Baselines) -> None:
    earlier = replace(baselines, analogues=None)
    assert earlier.kinds == ("climatology", "persistence", "linear")
    assert earlier.leads_of("analogue", np.datetime64("2007-06-01"), LEADS).size == 0
    assert baselines.leads_of("analogue", np.datetime64("2007-06-01"), LEADS).tolist() == LEADS.tolist()
    assert baselines.leads_of("analogue", np.datetime64("2007-06-01"), LEADS * 4).size == 2


def test_beyond_the_fitted_steps_linear_is_gaussian_climatology(weather: xr.Dataset, baselines: Baselines) -> None:
    far = np.array([40 * DAY]).astype("timedelta64[ns]")
    forecast = baselines.forecast("linear", weather, np.datetime64("2007-02-01"), far, 400, seed=0)
    assert float(forecast["msl"].std("member").mean()) == pytest.approx(baselines.deviations["msl"], rel=0.15)


def test_bad_requests_are_one_clear_line(weather: xr.Dataset, baselines: Baselines) -> None:
    start = np.datetime64("2007-02-01")
    half = (LEADS[:1] / 2).astype("timedelta64[ns]")
    holed = weather.where(weather["time"] != start)
    for error, message, arguments in (
        (UnscorableError, "expected one of .* found 'oracle'", ("oracle", weather, start, LEADS, 5, 0)),
        (UnscorableError, "members: expected at least 1", ("linear", weather, start, LEADS, 0, 0)),
        (UnscorableError, "lead times in steps of 24 h", ("linear", weather, start, half, 5, 0)),
        (
            UnscorableError,
            "latitude: expected the grid",
            ("linear", weather.isel(latitude=slice(3)), start, LEADS, 5, 0),
        ),
        (MissingDataError, "2011-01-01T00:00", ("linear", weather, np.datetime64("2011-01-01"), LEADS, 5, 0)),
        (InvalidDataError, "1999-01-01T00:00", ("persistence", weather, np.datetime64("1999-01-01"), LEADS, 5, 0)),
        (InvalidDataError, "expected numbers, found NaN", ("linear", holed, start, LEADS, 5, 0)),
        (InvalidDataError, "found no \\['t850'\\]", ("linear", weather[["msl"]], start, LEADS, 5, 0)),
    ):
        with pytest.raises(error, match=message) as caught:
            baselines.forecast(*arguments)
        assert "\n" not in str(caught.value)


def test_lead_times_that_a_baseline_can_forecast(baselines: Baselines) -> None:
    midnight, noon = np.datetime64("2007-02-01T00", "ns"), np.datetime64("2007-02-01T12", "ns")
    halves = (np.arange(1, 5) * 12).astype("timedelta64[h]").astype("timedelta64[ns]")
    for kind, start, expected in (
        ("persistence", midnight, halves),
        ("climatology", midnight, halves[1::2]),
        ("climatology", noon, halves[::2]),
        ("linear", midnight, halves[1::2]),
        ("linear", noon, halves[:0]),
    ):
        np.testing.assert_array_equal(baselines.leads_of(kind, start, halves), expected)


def test_the_seed_of_a_cycle_is_its_hour() -> None:
    assert baseline_seed(np.datetime64("1970-01-02T06:00", "ns")) == 30
