"""Which cycles are made now."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from data_catalog.errors import MissingDataError
from forecast.system.system import System
from pipelines.operations.cycle_ledger import CycleLedger, Event
from pipelines.operations.cycle_states import cycle_states
from pipelines.operations.due_cycles import due_times
from pipelines.operations.next_cycles import Choice, awaited, choose_cycles
from tests.pipelines.operations.conftest import days, time

Begin = Callable[..., CycleLedger]
PAST = days("2007-12-25", 7)


def choose(system: System, ledger: CycleLedger, times: np.ndarray, now: str = "2026-01-01", **schedule: Any) -> Choice:
    states = {state.init_time: state for state in cycle_states(ledger, {}, time(now), lambda _: True)}
    assert ledger.plan is not None
    changed = system.changed(schedule=system.schedule.changed(**schedule))
    return choose_cycles(changed, ledger.plan, due_times(ledger, time(now)), states, times)


def january(*numbers: int) -> tuple[np.datetime64, ...]:
    return tuple(time(f"2008-01-{number:02}") for number in numbers)


def happened(ledger: CycleLedger, event: Event, *numbers: int) -> None:
    ledger.record(january(*numbers), event, "why")


@pytest.mark.parametrize(
    ("catch_up", "made", "missed"),
    [
        ("latest", (5,), (2, 3, 4)),
        (1, (5,), (2, 3, 4)),
        (3, (5, 3, 4), (2,)),
        (20, (5, 2, 3, 4), ()),
        ("all", (5, 2, 3, 4), ()),
    ],
)
@pytest.mark.parametrize(("clock", "now"), [("wall", "2008-01-05T12:00"), ("data", "2026-01-01")])
def test_downtime_is_caught_up_with(
    begin: Begin, system: System, catch_up: Any, made: tuple[int, ...], missed: tuple[int, ...], clock: str, now: str
) -> None:
    """The latest first, which somebody waits for, then the others in their order; the rest is given up, and said."""
    ledger = begin(clock)
    happened(ledger, "published", 1)
    choice = choose(system, ledger, days("2007-12-25", 12), now, catch_up=catch_up)
    assert choice == Choice(january(*made), january(*missed))


def test_a_later_analysis_is_taken_where_one_is_missing(begin: Begin, system: System) -> None:
    ledger = begin("wall")
    happened(ledger, "published", 1)
    without = np.delete(days("2007-12-25", 13), 8)  # 2 January; 3 January has no past state either
    assert choose(system, ledger, without, "2008-01-06") == Choice(january(6), january(2, 3, 4, 5))
    assert choose(system, ledger, without, "2008-01-06", catch_up="all") == Choice(january(6, 4, 5))


def test_yesterday_is_made_though_today_is_late(begin: Begin, system: System) -> None:
    ledger = begin("wall")
    happened(ledger, "published", 1)
    assert choose(system, ledger, days("2007-12-25", 9), "2008-01-03T12:00") == Choice(january(2))


def test_a_failed_cycle_is_made_again_while_it_is_in_reach(begin: Begin, system: System) -> None:
    ledger = begin("data")
    happened(ledger, "failed", 1)
    assert choose(system, ledger, days("2007-12-25", 8)) == Choice(january(1))
    assert choose(system, ledger, days("2007-12-25", 9)) == Choice(january(2)), "its failure is its explanation"
    assert choose(system, ledger, days("2007-12-25", 9), catch_up=2) == Choice(january(2, 1))


@pytest.mark.parametrize("event", ["published", "verified", "skipped"])
def test_what_is_settled_is_not_made_again(begin: Begin, system: System, event: Event) -> None:
    ledger = begin("data")
    happened(ledger, event, 1)
    for policy in ("latest", "all", 3):
        with pytest.raises(
            MissingDataError, match=r"expected an analysis of 2008-01-02T00:00Z or later .* found 7 times"
        ):
            choose(system, ledger, days("2007-12-25", 8), catch_up=policy)


def test_missed_cycles_are_made_once_the_policy_wants_them(begin: Begin, system: System) -> None:
    ledger = begin("data")
    happened(ledger, "missed", 1, 2)
    happened(ledger, "published", 3)
    assert choose(system, ledger, days("2007-12-25", 10), catch_up="all") == Choice(january(2, 1))


def test_simulated_weather_is_played_in_order(begin: Begin, system: System) -> None:
    ledger, weather = begin("played"), days("2007-12-25", 40)
    assert choose(system, ledger, weather) == Choice(january(1))
    happened(ledger, "published", 1)
    assert choose(system, ledger, weather) == Choice(january(2))
    happened(ledger, "running", 2)
    assert choose(system, ledger, weather) == Choice(january(2)), "a killed cycle is made again"
    happened(ledger, "failed", 2)
    assert choose(system, ledger, weather) == Choice(january(2))
    happened(ledger, "skipped", 2)
    assert choose(system, ledger, weather) == Choice(january(3))
    with pytest.raises(MissingDataError, match=r"2008-01-03T00:00Z or later .* played through"):
        choose(system, ledger, days("2007-12-25", 9))


def test_a_forecast_that_was_asked_for_does_not_move_the_schedule(begin: Begin, system: System) -> None:
    ledger = begin("played")
    happened(ledger, "published", 1)
    ledger.record(january(9), "published", asked=True)
    assert choose(system, ledger, days("2007-12-25", 40)) == Choice(january(2))


def test_no_analysis_at_all(begin: Begin, system: System) -> None:
    with pytest.raises(MissingDataError, match="2008-01-01T00:00Z or later to start from, found no times"):
        choose(system, begin("wall"), days("2007-12-31", 1), "2008-01-02")


def test_what_is_awaited(begin: Begin) -> None:
    ledger = begin("wall")
    happened(ledger, "published", 1)
    happened(ledger, "failed", 2)

    def waited_for(now: str) -> list[np.datetime64]:
        states = {state.init_time: state for state in cycle_states(ledger, {}, time(now), lambda _: True)}
        assert ledger.plan is not None
        return awaited(ledger.plan, due_times(ledger, time(now)), states)

    assert tuple(waited_for("2008-01-03T12:00")) == january(2, 3)
    happened(ledger, "published", 2, 3)
    assert tuple(waited_for("2008-01-03T12:00")) == january(4)
