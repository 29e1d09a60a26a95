"""Times and durations."""

from datetime import date, datetime

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError
from pipelines.terminal.times import lead_steps, parse_end, parse_hours, parse_moment, parse_time


@pytest.mark.parametrize(
    "text", ["2008-01-10", "2008-01-10T00", "2008-01-10T00:00Z", "2008-01-10T01:00+01:00", "20080110T0000Z"]
)
def test_times(text: str) -> None:
    assert parse_time(text) == np.datetime64("2008-01-10", "ns")


@pytest.mark.parametrize("text", ["9999-01-01", "1500-01-01T12:00Z", "2262-04-12"])
def test_times_that_nanoseconds_cannot_count_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"--init: expected a time in 1678 to 2261, found '{text}'"):
        parse_time(text, "--init")


def test_a_bare_day_counts_whole() -> None:
    assert parse_end("2008-01-10") == np.datetime64("2008-01-11", "ns") - np.timedelta64(1, "ns")
    assert parse_end("2008-01-10T06") == np.datetime64("2008-01-10T06", "ns")
    assert type(parse_moment("2008-01-10")) is date
    assert parse_moment("2008-01-10T07:00+01:00") == datetime(2008, 1, 10, 6)


def test_durations() -> None:
    assert [parse_hours(text) for text in ("10d", "36h", "1 day", "2 days")] == [240, 36, 24, 48]
    for text in ("0d", "10", "ten days", "-3d"):
        with pytest.raises(ConfigurationError, match="--lead"):
            parse_hours(text, "--lead")
    assert lead_steps(240, 24) == 10
    with pytest.raises(ConfigurationError, match="30 h"):
        lead_steps(30, 24)
