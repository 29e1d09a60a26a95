"""The state of each cycle, from what is recorded, what is published, and the time of day."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipelines.operations.cycle_ledger import CycleEvent, CycleLedger, Event, Plan
from pipelines.operations.cycle_states import CycleState, cycle_states, deadline, published_runs, usual_delay
from tests.pipelines.operations.conftest import add_run, days, time

Begin = Callable[..., CycleLedger]
FIRST = time("2008-01-01")


def state_of(
    ledger: CycleLedger, *, now: str = "2008-01-01T12:00", runs: Path = Path("none"), running: bool = False
) -> CycleState:
    """State of the first cycle."""
    return cycle_states(ledger, published_runs(runs, "tiny"), time(now), lambda _: running)[0]


def record(ledger: CycleLedger, init: str, event: Event, at: str, reason: str = "") -> None:
    ledger.append(CycleEvent(init_time=time(init), event=event, reason=reason, at=time(at)))


@pytest.mark.parametrize(
    ("event", "running", "state", "reason"),
    [
        (None, False, "due", "no cycle has run since"),
        ("waiting", False, "waiting", "why"),
        ("running", True, "running", "since 2008-01-01T06:00Z"),
        ("running", False, "failed", "its process, begun 2008-01-01T06:00Z, ended before it was published"),
        ("failed", False, "failed", "why"),
        ("missed", False, "missed", "why"),
        ("skipped", False, "skipped", "why"),
        ("published", False, "published", "why; its run is no longer kept"),
        ("verified", False, "verified", "its run is no longer kept"),
    ],
)
def test_the_last_event_says_it(begin: Begin, event: Event | None, running: bool, state: str, reason: str) -> None:
    ledger = begin("data")
    if event is not None:
        record(ledger, "2008-01-01", event, "2008-01-01T06:00", "why" if event != "running" else "")
    found = state_of(ledger, running=running)
    assert (found.init_time, found.state, found.reason, found.run) == (FIRST, state, reason, None)


@pytest.mark.parametrize("event", [None, "running", "failed", "missed"])
def test_a_published_run_counts_whatever_is_recorded(begin: Begin, tmp_path: Path, event: Event | None) -> None:
    """A process may be killed between publishing and recording it, and a forecast may be made by hand."""
    ledger, run = begin(), add_run(tmp_path, "2008-01-01")
    if event is not None:
        ledger.record([FIRST], event)
    found = state_of(ledger, runs=tmp_path)
    assert (found.state, found.reason, found.run) == ("published", "", run.path)
    run.scores.write_text("{}")
    assert state_of(ledger, runs=tmp_path).state == "verified"


def test_an_unfinished_run_does_not_count(begin: Begin, tmp_path: Path) -> None:
    add_run(tmp_path, "2008-01-01").forecast.write_bytes(b"mem")
    assert state_of(begin(), runs=tmp_path).state == "due"


def test_cycles_that_were_asked_for_are_shown_too(begin: Begin) -> None:
    ledger = begin("data")
    ledger.record([time("2007-06-01T06:00")], "failed", "why", asked=True)
    states = cycle_states(ledger, {}, time("2026-01-01"), lambda _: False)
    assert [str(state.init_time)[:13] for state in states] == ["2007-06-01T06", "2008-01-01T00"]


def test_lateness_is_measured_over_the_latest_cycles(begin: Begin) -> None:
    ledger = begin()
    assert usual_delay(ledger) is None
    assert deadline(ledger, FIRST, None) is None
    for day, hours in enumerate((5, 4, 90), start=1):  # two days of downtime after the second
        begun = time(f"2008-01-{day:02}") + np.timedelta64(hours, "h")
        ledger.append(CycleEvent(init_time=time(f"2008-01-{day:02}"), event="running", at=begun))
    delay = usual_delay(ledger)
    assert delay == np.timedelta64(5, "h")
    assert deadline(ledger, FIRST, delay) == time("2008-01-01T11:00")


def test_a_cycle_is_late_after_its_deadline(begin: Begin) -> None:
    ledger = begin(wait_hours=6)
    record(ledger, "2008-01-01", "running", "2008-01-01T05:00")
    record(ledger, "2008-01-01", "published", "2008-01-01T05:30")
    record(ledger, "2008-01-02", "waiting", "2008-01-02T05:00", "no data")

    def second(now: str) -> CycleState:
        return cycle_states(ledger, {}, time(now), lambda _: False)[1]

    waiting, late = second("2008-01-02T10:59"), second("2008-01-02T11:01")
    assert (waiting.state, waiting.reason) == ("waiting", "no data; late from 2008-01-02T11:00Z")
    assert (late.state, late.reason) == ("late", "due until 2008-01-02T11:00Z; no data")
    record(ledger, "2008-01-02", "published", "2008-01-02T14:00")
    assert second("2008-01-02T15:00").reason.startswith("3.0 h after its deadline, 2008-01-02T11:00Z")


def test_a_deadline_is_settled_when_the_cycle_is_first_recorded(begin: Begin) -> None:
    ledger, second = begin(wait_hours=6), time("2008-01-02")
    limit = {second: time("2008-01-02T11:00")}
    ledger.record([second], "waiting", "no data", deadlines=limit)
    ledger.record([second], "waiting", "still none", deadlines={second: time("2008-01-02T20:00")})
    for usual in (None, np.timedelta64(90, "h")):
        assert deadline(CycleLedger.read(ledger.path), second, usual) == limit[second]


def test_a_changed_patience_moves_no_deadline_of_the_past(begin: Begin) -> None:
    ledger, delay = begin(wait_hours=6), np.timedelta64(5, "h")
    ledger.append(Plan(system="tiny", first=time("2008-01-03"), every_hours=24, wait_hours=1, clock="wall"))
    assert deadline(ledger, time("2008-01-02"), delay) == time("2008-01-02T11:00")
    assert deadline(ledger, time("2008-01-03"), delay) == time("2008-01-03T06:00")
    assert deadline(ledger, time("2007-12-31"), delay) is None


def test_nothing_due_is_forgotten(begin: Begin) -> None:
    """Nothing ran for three days: the cycles of these days are due all the same."""
    ledger = begin()
    ledger.record([FIRST], "published")
    states = cycle_states(ledger, {}, time("2008-01-04T01:00"), lambda _: False)
    assert np.array_equal([state.init_time for state in states], days("2008-01-01", 4))
    assert [state.state for state in states] == ["published", "due", "due", "due"]


def test_json_names_the_run(tmp_path: Path) -> None:
    state = CycleState(FIRST, "published", "", tmp_path / "run")
    assert state.as_json() == {
        "init_time": "2008-01-01T00:00Z", "state": "published", "reason": "", "run": str(tmp_path / "run"),
    }  # fmt: skip


def test_only_cycles_that_were_asked_for(tmp_path: Path) -> None:
    """Before any cycle was due, there is no plan."""
    ledger = CycleLedger.read(tmp_path / "tiny.jsonl")
    ledger.record([FIRST], "waiting", "no data", asked=True)
    assert state_of(ledger).state == "waiting"
