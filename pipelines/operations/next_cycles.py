"""Chooses which cycles are made now, by the ledger, the archive and the policy of the schedule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_catalog.errors import MissingDataError
from data_catalog.layout.times import iso, span
from forecast.system.system import System
from pipelines.operations.cycle_ledger import Plan
from pipelines.operations.cycle_states import DONE, CycleState
from pipelines.operations.due_cycles import next_time
from pipelines.workspace.starts import HOUR, Times, startable


@dataclass(frozen=True)
class Choice:
    """The cycles that are made now, and those that are given up for them.

    Attributes:
        made: Init times in the order in which they are made: the latest first, then the others as they were due.
        missed: Init times of cycles that the policy leaves out.
    """

    made: tuple[np.datetime64, ...]
    missed: tuple[np.datetime64, ...] = ()


def choose_cycles(
    system: System, plan: Plan, due: Sequence[np.datetime64], states: Mapping[np.datetime64, CycleState], times: Times
) -> Choice:
    """Choose the cycles to make now.

    Args:
        system: The system, whose schedule says what is caught up with.
        plan: The plan in force.
        due: Init times of the cycles that have been due, ascending.
        states: State of each of them.
        times: Times of the analysis.

    Raises:
        MissingDataError: There is no analysis for a cycle that is not made yet.
    """
    starts = startable(system, times)
    if plan.clock == "played":
        return Choice((_next_played(system, plan, due, states, starts),))
    candidates = [time for time in _candidates(plan, due, starts) if time <= starts.max()] if starts.size else []
    reach = candidates[-_reach(system, len(candidates)) :]
    made = [time for time in reach if time in starts and _is_open(states.get(time))]
    if not made:
        raise _no_later(system, starts, awaited(plan, due, states)[0])
    missed = tuple(time for time in candidates if time < reach[0] and _is_forgotten(states.get(time)))
    return Choice((made[-1], *made[:-1]), missed)


def awaited(
    plan: Plan, due: Sequence[np.datetime64], states: Mapping[np.datetime64, CycleState]
) -> list[np.datetime64]:
    """Return the init times that new data is awaited for: those due after the last cycle that is made, or the next one.

    Args:
        plan: The plan in force.
        due: Init times of the cycles that have been due, ascending.
        states: State of each of them.
    """
    settled = [time for time in due if not _is_open(states[time])]
    return [time for time in due if not settled or time > settled[-1]] or [next_time(plan, due)]


def _candidates(plan: Plan, due: Sequence[np.datetime64], starts: Times) -> list[np.datetime64]:
    """Return the cycles that were due, and those that become due because there is an analysis for them."""
    coming = np.arange(next_time(plan, due), starts.max() + HOUR, plan.every_hours * HOUR)
    return [*due, *(time for time in coming if time <= starts.max())]


def _reach(system: System, count: int) -> int:
    """Return how many of the latest cycles may be made."""
    policy = system.schedule.catch_up
    return max(1, count) if policy == "all" else 1 if policy == "latest" else policy


def _is_open(state: CycleState | None) -> bool:
    return state is None or (state.state not in DONE and state.state != "skipped")


def _is_forgotten(state: CycleState | None) -> bool:
    """Whether nothing explains yet why a cycle was not made."""
    return state is None or state.state in ("due", "waiting", "late")


def _next_played(
    system: System,
    plan: Plan,
    due: Sequence[np.datetime64],
    states: Mapping[np.datetime64, CycleState],
    starts: Times,
) -> np.datetime64:
    """Return the first start from the last cycle on, if that one is not made yet, or from the next one on."""
    wanted = due[-1] if _is_open(states[due[-1]]) else next_time(plan, due)
    later = starts[starts >= wanted]
    if not later.size:
        raise _no_later(system, starts, wanted, "; the simulated weather has been played through")
    first: np.datetime64 = later.min()
    return first


def _no_later(system: System, starts: Times, wanted: np.datetime64, why: str = "") -> MissingDataError:
    return MissingDataError(
        f"cycle of '{system.name}': expected an analysis of {iso(wanted)} or later to start from, found "
        f"{span(starts)}{why}"
    )
