"""All checks together."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from data_catalog.quality.fields import Fields
from data_catalog.quality.judge import FEWEST_TIMES, SEGMENT, _where_varied, judge, learn, sample
from data_catalog.quality.measure import Measure
from data_catalog.quality.verdicts import Judgement

NAMES = ("z500", "t850", "msl", "u850", "tp24")
NONE = np.array([], np.intp)


def reader(whole: Fields) -> Callable[..., Fields]:
    return lambda at, names: replace(whole, times=whole.times[at], values={n: whole.values[n][at] for n in names})


def judged(whole: Fields, first: int = 0) -> Judgement:
    """Judge times from a number on, by all of them: for a past of less than a year."""
    reference = learn(reader(whole), NAMES, np.arange(len(whole.times)), is_own=True)
    every = np.arange(first, len(whole.times))
    before = np.array([first - 1]) if first else NONE
    return judge(reader(whole), NAMES, every, reference, known={}, before=before)


def planted(weather: Fields, name: str, change: Callable[[np.ndarray], None]) -> Fields:
    values = weather.values[name].copy()
    change(values)
    return replace(weather, values={**weather.values, name: values})


def test_good_weather_is_good(weather) -> None:
    found = judged(weather)
    assert found.suspicions == ()
    assert found.failed_checks == ()
    assert len(found.measured) == 11
    assert min(found.measured.values()) > 0


def _frozen(values: np.ndarray) -> None:
    values[50] = values[49]


def _copied(values: np.ndarray) -> None:
    values[50] = values[10]


def _spike(values: np.ndarray) -> None:
    values[50, 7, 9] += 6 * np.diff(values[:, 7, 9]).std()


def _half(values: np.ndarray) -> None:
    values[50, :7] = values[49, :7]


def _turned(values: np.ndarray) -> None:
    values[50] = values[50, ::-1].copy()


@pytest.mark.parametrize("change", [_frozen, _copied, _spike, _half, _turned])
def test_a_fault_of_a_day_is_found_there(weather, change) -> None:
    found = judged(planted(weather, "z500", change)).suspicions
    assert {(one.channel, str(one.time)[:10]) for one in found} == {("z500", "2008-02-20")}
    assert all(one.reason for one in found)


def test_a_last_time_is_judged_with_earlier_ones(weather) -> None:
    assert judged(weather, 90).suspicions == ()
    wrong = planted(weather, "t850", lambda values: values.__setitem__(95, values[95] + 12))
    assert {(one.channel, str(one.time)[:10]) for one in judged(wrong, 90).suspicions} == {("t850", "2008-04-05")}


def test_a_copy_of_what_is_known_is_found(weather) -> None:
    first = judged(weather)
    known = {"msl": {first.fingerprints["msl"][3]: np.datetime64("2007-01-01", "ns")}}
    reference = learn(reader(weather), NAMES, np.arange(100), is_own=True)
    found = judge(reader(weather), NAMES, np.arange(100), reference, known=known, before=NONE)
    assert [str(one.time)[:10] for one in found.suspicions] == ["2008-01-04"]
    assert "2007-01-01" in found.suspicions[0].reason


def test_a_sample_is_bounded() -> None:
    assert len(sample(np.arange(3000), 100)) <= SEGMENT
    assert FEWEST_TIMES <= len(sample(np.arange(3000), 10**6)) < 100
    np.testing.assert_array_equal(sample(np.arange(5, 50), 100), np.arange(5, 50))


def test_a_field_of_one_value_and_gaps_is_no_copy() -> None:
    fields = np.full((3, 2, 3), 5.0, np.float32)
    fields[:, 0, 0] = np.nan  # as land is to the sea
    fields[1], fields[2, 1, 1] = np.nan, 6.0
    copied = Measure("repeats", np.ones(3), "a copy", limit=0.5)
    assert _where_varied({"copy": copied}, fields)["copy"].values.tolist() == [0, 0, 1]
