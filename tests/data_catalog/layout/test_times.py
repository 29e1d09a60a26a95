"""How times are spelled."""

import numpy as np

from data_catalog.layout.times import at_time, day, hours_of_day, iso, minute, span

TIMES = np.array(["2008-01-10T23:59:59", "2007-12-31T06:00"], "datetime64[ns]")


def test_times_are_spelled_in_utc() -> None:
    assert iso(np.datetime64("2008-01-10", "ns")) == "2008-01-10T00:00Z"
    assert iso(np.datetime64("2008-01-10", "D")) == "2008-01-10T00:00Z"
    assert minute(TIMES[0]) == "2008-01-10T23:59"
    assert day(TIMES[0]) == "2008-01-10"


def test_a_span_names_the_first_and_the_last_time() -> None:
    assert span(TIMES) == "2 times from 2007-12-31T06:00Z to 2008-01-10T23:59Z"
    assert span(TIMES[:0]) == "no times"


def test_the_time_of_a_field_ends_its_name() -> None:
    assert at_time(TIMES, 1) == " at 2007-12-31T06:00Z"
    assert at_time(None, 0) == ""


def test_hours_of_the_day_are_counted_before_1970_too() -> None:
    times = np.array(["2008-01-10T23:59:59", "1969-12-31T18:30", "1948-01-01T00:00"], "datetime64[ns]")
    assert hours_of_day(times).tolist() == [23, 18, 0]
