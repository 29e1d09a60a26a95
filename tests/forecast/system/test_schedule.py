"""Times of a schedule are UTC, and what it cannot mean is refused."""

import numpy as np
import pytest
from pydantic import ValidationError

from forecast.system.schedule import Schedule


@pytest.mark.parametrize("spelled", ["2008-01-02T06:00:00", "2008-01-02T06:00:00Z", "2008-01-02T08:00:00+02:00"])
def test_the_first_cycle_is_named_in_utc(spelled: str) -> None:
    schedule = Schedule.model_validate({"since": spelled})
    assert schedule.first_init_time == np.datetime64("2008-01-02T06", "ns")
    assert Schedule().first_init_time is None


def test_no_run_says_where_cycles_ingest_from() -> None:
    assert "source" not in Schedule.model_validate({"source": "/data/era"}).model_dump()


@pytest.mark.parametrize(
    "wrong", [{"since": "9999-01-01T00:00:00"}, {"catch_up": "some"}, {"catch_up": 0}, {"wait_hours": -1}, {"crn": "x"}]
)
def test_what_a_schedule_cannot_mean_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Schedule.model_validate(wrong)
