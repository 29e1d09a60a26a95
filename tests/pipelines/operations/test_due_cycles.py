"""Which cycles are due since the first one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_catalog.catalog import dataset
from data_catalog.errors import MissingDataError
from forecast.system.system import System
from pipelines.operations.cycle_ledger import CycleLedger
from pipelines.operations.due_cycles import due_times, next_time, planned
from tests.pipelines.operations.conftest import days, time

Begin = Callable[..., CycleLedger]
NONE = np.array([], "datetime64[ns]")


@pytest.fixture
def real(system: System) -> System:
    """The same system of a dataset of real weather."""
    return system.changed(dataset=dataset("ncep-natlantic").name)


def first_of(system: System, times: np.ndarray, made: np.ndarray = NONE, now: str = "2026-01-01") -> tuple[str, str]:
    plan = planned(system, CycleLedger(Path("none")), times, made, time(now))
    return str(plan.first)[:16], plan.clock


def test_real_weather_begins_with_the_latest_analysis(real: System) -> None:
    assert first_of(real, days("2008-01-01", 10)) == ("2008-01-10T00:00", "data")
    assert first_of(real, days("2008-01-01", 10), now="2008-01-11") == ("2008-01-10T00:00", "wall")


def test_several_analyses_a_day_begin_at_the_same_hour(real: System) -> None:
    six_hourly = np.arange(time("2008-01-01"), time("2008-01-10T19"), np.timedelta64(6, "h"))
    finer = real.changed(state=real.state.changed(step_hours=6))
    assert first_of(finer, six_hourly)[0] == "2008-01-10T00:00"
    assert first_of(finer.changed(schedule=real.schedule.changed(every_hours=6)), six_hourly)[0] == "2008-01-10T18:00"
    assert first_of(real, days("2008-01-01", 10) + np.timedelta64(12, "h"))[0] == "2008-01-10T12:00"


def test_simulated_weather_begins_with_the_test_period(system: System) -> None:
    assert first_of(system, days("2007-12-01", 60)) == ("2008-01-01T00:00", "played")
    assert first_of(system, days("2007-11-01", 20)) == ("2007-11-02T00:00", "played")


def test_the_system_file_names_the_first_cycle(real: System) -> None:
    named = real.changed(schedule=real.schedule.changed(since="2008-01-03T00:00:00Z"))
    assert first_of(named, days("2008-01-01", 10))[0] == "2008-01-03T00:00"
    shifted = real.changed(schedule=real.schedule.changed(since="2008-01-03T02:00:00+02:00"))
    assert first_of(shifted, days("2008-01-01", 10))[0] == "2008-01-03T00:00"


def test_runs_from_before_the_ledger_are_gone_on_from(system: System, real: System) -> None:
    for each in (system, real):
        assert first_of(each, days("2007-12-01", 60), days("2008-01-02", 2))[0] == "2008-01-03T00:00"


def test_no_analysis_to_start_from(real: System) -> None:
    with pytest.raises(MissingDataError, match="expected 2 analyses 24 h apart, found none in 1 times from 2008-01-01"):
        first_of(real, days("2008-01-01", 1))


def test_by_the_time_of_day_every_cycle_since_the_first_is_due(begin: Begin) -> None:
    ledger = begin("wall")
    assert np.array_equal(due_times(ledger, time("2008-01-04T23:00")), days("2008-01-01", 4))
    assert due_times(ledger, time("2007-12-31")) == []


@pytest.mark.parametrize("clock", ["data", "played"])
def test_in_the_past_cycles_are_due_up_to_the_last_one_begun(begin: Begin, clock: str) -> None:
    ledger = begin(clock)
    assert np.array_equal(due_times(ledger, time("2026-01-01")), days("2008-01-01", 1))
    ledger.record([time("2008-01-03")], "waiting", "no data")
    assert np.array_equal(due_times(ledger, time("2026-01-01")), days("2008-01-01", 3))
    ledger.record([time("2008-01-20")], "running", asked=True)
    assert np.array_equal(due_times(ledger, time("2026-01-01")), days("2008-01-01", 3))


def test_the_next_one_follows_the_last_that_was_due(begin: Begin) -> None:
    ledger = begin("data")
    assert ledger.plan is not None
    assert next_time(ledger.plan, []) == time("2008-01-01")
    assert next_time(ledger.plan, list(days("2008-01-01", 3))) == time("2008-01-04")


def test_a_changed_schedule_holds_from_the_next_cycle_on(begin: Begin, real: System) -> None:
    ledger = begin("data")
    ledger.record([time("2008-01-03")], "published")
    assert planned(real, ledger, days("2008-01-01", 9), NONE, time("2026-01-01")) is ledger.plan
    twice = real.changed(schedule=real.schedule.changed(every_hours=12))
    changed = planned(twice, ledger, days("2008-01-01", 9), NONE, time("2026-01-01"))
    assert (changed.first, changed.every_hours) == (time("2008-01-04"), 12)
    ledger.append(changed)
    ledger.record([time("2008-01-05")], "published")
    expected = [*days("2008-01-01", 3), time("2008-01-04"), time("2008-01-04T12"), time("2008-01-05")]
    assert np.array_equal(due_times(ledger, time("2026-01-01")), expected)
