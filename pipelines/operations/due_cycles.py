"""Which cycles are due: init times at a regular distance since the system was started."""

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from data_catalog.errors import MissingDataError
from data_catalog.layout.times import span
from forecast.system.system import System
from pipelines.operations.cycle_ledger import Clock, CycleLedger, Plan
from pipelines.workspace.starts import HOUR, Times, startable

LIVE_HOURS = 30 * 24
"""A system whose newest analysis is at most this old when its first cycle runs follows the time of day from then on."""


def planned(system: System, ledger: CycleLedger, times: Times, made: Times, now: np.datetime64) -> Plan:
    """Return the plan that a system's cycles follow now: the recorded one, or a first or changed one.

    Args:
        system: The system.
        ledger: What is recorded about its cycles.
        times: Times of the analysis.
        made: Init times of published runs; those made before there was a ledger are gone on from.
        now: The time of day, UTC.

    Raises:
        MissingDataError: There is no analysis that a first cycle could start from.
    """
    schedule, last = system.schedule, ledger.plan
    if last is None:
        first, clock = _first(system, times, made), _clock(system, times, now)
    elif (last.every_hours, last.wait_hours) == (schedule.every_hours, schedule.wait_hours):
        return last
    else:
        first, clock = max([last.first, *ledger.scheduled()]) + last.every_hours * HOUR, last.clock
    return Plan(
        at=now,
        system=system.name,
        first=first,
        every_hours=schedule.every_hours,
        wait_hours=schedule.wait_hours,
        clock=clock,
    )


def due_times(ledger: CycleLedger, now: np.datetime64) -> list[np.datetime64]:
    """Return the init times of all cycles that have been due, ascending.

    With the clock `wall`, each is due at its init time; with the others, the first is due at once, and each later one
    when it or one after it was begun or waited for.

    Args:
        ledger: What is recorded.
        now: The time of day, UTC.
    """
    due: set[np.datetime64] = set()
    begun = ledger.scheduled()
    for plan, following in zip_longest(ledger.plans, ledger.plans[1:]):
        end = now if plan.clock == "wall" else max([plan.first, *begun])
        grid = np.arange(plan.first, end + HOUR, plan.every_hours * HOUR)
        due.update(time for time in grid if time <= end and (following is None or time < following.first))
    return sorted(due)


def next_time(plan: Plan, due: Sequence[np.datetime64]) -> np.datetime64:
    """Return the init time of the first cycle that is not due yet.

    Args:
        plan: The plan in force.
        due: Init times of the cycles that have been due.
    """
    later: np.datetime64 = max([plan.first - plan.every_hours * HOUR, *due]) + plan.every_hours * HOUR
    return later


def _clock(system: System, times: Times, now: np.datetime64) -> Clock:
    if system.entry.simulated:
        return "played"
    return "wall" if times.size and now - times.max() <= LIVE_HOURS * HOUR else "data"


def _first(system: System, times: Times, made: Times) -> np.datetime64:
    """Return the init time of the first cycle: as the system file says, or where published runs left off, or now."""
    named = system.schedule.first_init_time
    if named is not None:
        return named
    if made.size:
        return _latest(made)
    starts = startable(system, times)
    if not starts.size:
        raise MissingDataError(
            f"cycle of '{system.name}': expected {system.state.past_states} analyses "
            f"{system.state.step_hours} h apart, found none in {span(times)}"
        )
    if system.entry.simulated:
        test_start = np.datetime64(system.periods.test.start, "ns")
        first: np.datetime64 = min(starts[starts >= test_start], default=starts.min())
        return first
    phases = (starts - np.datetime64(0, "ns")) % (system.schedule.every_hours * HOUR)
    return _latest(starts[phases == phases.min()])  # at the earliest hour of the day that occurs, not at any


def _latest(times: Times) -> np.datetime64:
    latest: np.datetime64 = times.max()
    return latest
