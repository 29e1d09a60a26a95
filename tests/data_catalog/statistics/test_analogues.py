"""The index of past states: the most alike, of the season and hour, and never one that knows the answer."""

import numpy as np
import pytest

from data_catalog.layout.times import season_distance, seconds_of_day
from data_catalog.statistics.analogues import APART_DAYS, HALF_WINDOW_DAYS, AnalogueIndex

DAY = np.timedelta64(1, "D")
FOLLOW = np.arange(1, 11) * DAY.astype("timedelta64[ns]")


def index_of(first: str, last: str, every: int = 12) -> AnalogueIndex:
    times = np.arange(np.datetime64(first, "ns"), np.datetime64(last, "ns"), np.timedelta64(every, "h"))
    return AnalogueIndex(times, np.random.default_rng(0).normal(size=(len(times), 6)).astype(np.float32))


@pytest.fixture(scope="module")
def index() -> AnalogueIndex:
    return index_of("2000-01-01", "2008-01-01")


@pytest.mark.parametrize("time", ["2003-07-10T12", "2003-01-02T00", "2003-12-28T12", "2011-03-01T00"])
def test_the_nearest_of_season_hour_and_other_years(index: AnalogueIndex, time: str) -> None:
    when = np.datetime64(time, "ns")
    state = np.full(6, 0.3, np.float32)
    found = index.nearest(state, when, 25, FOLLOW)
    assert len(set(found.tolist())) == 25
    allowed = [
        position
        for position, other in enumerate(index.times)
        if seconds_of_day(np.asarray([other])) == seconds_of_day(np.asarray([when]))
        and season_distance(np.asarray([other]), np.asarray([when]))[0] <= HALF_WINDOW_DAYS
        and other + FOLLOW[-1] <= index.times[-1]
        and abs(other - when) > FOLLOW[-1] + np.timedelta64(int(APART_DAYS), "D")
        and not years(other) & years(when)
    ]
    by_hand = sorted(allowed, key=lambda position: float(((index.coordinates[position] - state) ** 2).sum()))
    assert found.tolist() == by_hand[:25]


def years(time: np.datetime64) -> set[np.datetime64]:
    return {time.astype("datetime64[Y]"), (time + FOLLOW[-1]).astype("datetime64[Y]")}


def test_an_index_that_holds_the_answer_does_not_give_it(index: AnalogueIndex) -> None:
    """Every state of the index asks for analogues of itself: it would find itself if it were allowed to."""
    for position in range(0, len(index.times), 97):
        found = index.nearest(index.coordinates[position], index.times[position], 200, FOLLOW)
        for own in index.times[position] + FOLLOW:
            for lead in (np.timedelta64(0), *FOLLOW):
                assert (abs(index.times[found] + lead - own) > np.timedelta64(20, "D")).all()


def test_what_followed(index: AnalogueIndex) -> None:
    positions = np.array([5, 900])
    assert np.array_equal(index.sequels(positions, 3 * DAY), index.coordinates[positions + 6])


def test_states_before_a_gap_have_no_sequel() -> None:
    whole = index_of("2000-01-01", "2004-01-01", 24)
    gap = np.abs(whole.times - np.datetime64("2002-02-01")) <= 3 * DAY
    holed = AnalogueIndex(whole.times[~gap], whole.coordinates[~gap])
    found = holed.times[holed.candidates(np.datetime64("2006-02-01"), FOLLOW)]
    assert not ((found > np.datetime64("2002-01-18")) & (found < np.datetime64("2002-02-05"))).any()
    assert (found == np.datetime64("2002-01-18")).any()
    assert (found == np.datetime64("2002-02-05")).any()


def test_none_where_only_the_year_itself_is_known() -> None:
    assert index_of("2003-01-01", "2004-01-01").candidates(np.datetime64("2003-06-01"), FOLLOW).size == 0
