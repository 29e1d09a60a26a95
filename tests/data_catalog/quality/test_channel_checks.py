"""All measures of all channels at some times."""

from dataclasses import replace

import numpy as np

from data_catalog.quality.channel_checks import measures_of
from data_catalog.quality.judge import learn

NAMES = ("z500", "t850", "msl", "u850", "tp24")


def reader(whole):
    return lambda at, names: replace(whole, times=whole.times[at], values={n: whole.values[n][at] for n in names})


def test_each_time_is_measured_and_has_a_fingerprint(weather) -> None:
    every = np.arange(len(weather.times))
    reference = learn(reader(weather), NAMES, every, is_own=True)
    found, prints, whole = measures_of(reader(weather), NAMES, every, reference)
    assert set(found) == set(prints) == set(whole.values) == set(NAMES)
    assert {len(one.values) for measures in found.values() for one in measures.values()} == {100}
    assert len(set(prints["z500"])) == 100
    np.testing.assert_array_equal(found["z500"]["swapped"].values, found["msl"]["swapped"].values)


def test_rain_has_wider_limits(weather) -> None:
    every = np.arange(len(weather.times))
    reference = learn(reader(weather), NAMES, every, is_own=True)
    found, _, _ = measures_of(reader(weather), NAMES, every, reference)
    assert found["tp24"]["course"].reach > 2 * found["z500"]["course"].reach


def test_a_wrong_hour_of_the_day_is_told_by_the_climatology(make_fields) -> None:
    """Of a past with a diurnal cycle, and of 30 days whose times are 6 hours late."""
    rng = np.random.default_rng(0)
    hours = 6 * np.arange(4 * 400)
    cycle = 8 * np.cos(2 * np.pi * hours / 24)[:, None, None]
    values = 280 + cycle + rng.standard_normal((hours.size, 5, 6))
    whole = make_fields(step_hours=6, t2m=values)
    reference = learn(reader(whole), ["t2m"], np.arange(400), is_own=False)
    late = replace(whole, values={"t2m": np.roll(whole.values["t2m"], 1, axis=0)})
    chosen = np.arange(1000, 1120)
    right = measures_of(reader(whole), ["t2m"], chosen, reference)[0]["t2m"]["season shift"]
    wrong = measures_of(reader(late), ["t2m"], chosen, reference)[0]["t2m"]["season shift"]
    assert right.values[0] < 1.1 < wrong.values[0]
    assert "6 h earlier" in wrong.reason
