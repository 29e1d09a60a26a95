"""Past dates: of the same season and hour, equally many a year, and states to a sixteenth of a deviation."""

import numpy as np
import pytest

from data_catalog.layout.times import seconds_of_day
from forecast.verification import UnscorableError
from forecast.verification.baselines.past_dates import PastDates, keep_dates, thinned

DAY = np.timedelta64(1, "D")


@pytest.fixture
def dates() -> PastDates:
    """Every half day of three years, with two points."""
    times = np.arange(np.datetime64("2001-01-01", "ns"), np.datetime64("2004-01-01", "ns"), np.timedelta64(12, "h"))
    states = np.random.default_rng(0).normal([100.0, -5.0], [8.0, 2.0], size=(len(times), 2))
    return keep_dates(times, states, np.array([8.0, 2.0]))


def test_candidates_are_of_the_season_and_the_hour(dates: PastDates) -> None:
    valid_time = np.datetime64("2010-12-28T12", "ns")
    found = dates.times[dates.candidates(valid_time)]
    assert found.shape == (3, 31)
    assert (seconds_of_day(found) == 12 * 3600).all()
    day_of_year = (found.astype("datetime64[D]") - found.astype("datetime64[Y]")).astype(int)
    distance = np.abs(day_of_year - 361)
    assert (np.minimum(distance, 365 - distance) <= 16).all()
    assert [np.unique(year).size for year in found] == [31] * 3


def test_a_year_that_lacks_dates_is_not_used(dates: PastDates) -> None:
    early = dates.times < np.datetime64("2003-06-01")
    short = PastDates(dates.times[early], dates.levels[early], dates.base, dates.step)
    years = np.unique(short.times[short.candidates(np.datetime64("2010-03-01", "ns"))].astype("datetime64[Y]"))
    assert years.astype(str).tolist() == ["2001", "2002"]


def test_an_hour_without_dates_is_refused(dates: PastDates) -> None:
    with pytest.raises(UnscorableError, match="climatology at 2010-01-01T06:00Z: expected past dates at that hour"):
        dates.candidates(np.datetime64("2010-01-01T06", "ns"))


def test_states_are_kept_to_a_sixteenth_of_a_deviation(dates: PastDates) -> None:
    states = np.random.default_rng(0).normal([100.0, -5.0], [8.0, 2.0], size=(len(dates.times), 2))
    found = dates.states(np.array([3, 700]))
    assert (np.abs(found - states[[3, 700]]) <= np.array([8.0, 2.0]) / 32).all()
    again = PastDates.from_dataset(dates.to_dataset())
    np.testing.assert_array_equal(again.states(np.array([3, 700])), found)
    np.testing.assert_array_equal(again.times, dates.times)


def test_all_years_keep_the_same_days() -> None:
    times = np.datetime64("2003-01-01", "ns") + np.arange(731) * DAY
    kept = times[thinned(times, 10)]
    by_year = [kept[kept.astype("datetime64[Y]") == np.datetime64(year)] for year in ("2003", "2004")]
    starts = [year - np.datetime64(name) for year, name in zip(by_year, ("2003-01-01", "2004-01-01"), strict=True)]
    np.testing.assert_array_equal(*starts)
    assert len(thinned(times, 1)) == 731
