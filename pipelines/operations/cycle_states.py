"""The state of every cycle that was due: from the ledger, from what is published, and from the time of day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from data_catalog.layout.times import iso
from forecast.products.files.manifest import find_runs, is_complete
from forecast.products.files.runs import RunDirectory
from pipelines.operations.cycle_ledger import CycleEvent, CycleLedger
from pipelines.operations.due_cycles import due_times
from pipelines.workspace.starts import HOUR

State = Literal["failed", "late", "missed", "waiting", "due", "running", "skipped", "published", "verified"]
WRONG_FIRST: tuple[State, ...] = (
    "failed", "late", "missed", "waiting", "due", "running", "skipped", "published", "verified",
)  # fmt: skip
"""All states; what needs a look comes first."""
DONE = frozenset[State]({"published", "verified"})
MEASURED_CYCLES = 30
"""How many of the latest cycles say when analyses usually arrive."""


@dataclass(frozen=True)
class CycleState:
    """What became of one cycle.

    Attributes:
        init_time: Init time, UTC.
        state: `due` until something happens, `waiting` for data, `running`, `published`, `verified`; `late` beyond its
            deadline, `failed`, `missed` because a later cycle was made instead, `skipped` by an operator.
        reason: Why, in one line; empty where the state says all.
        run: The published run, as long as it is kept.
        is_copied: Whether the run is where its system publishes it, if it publishes anywhere.
    """

    init_time: np.datetime64
    state: State
    reason: str = ""
    run: Path | None = None
    is_copied: bool = True

    @property
    def is_wrong(self) -> bool:
        """Whether somebody should look at it."""
        return not self.is_copied or self.state in ("failed", "late", "missed")

    def as_json(self) -> dict[str, str | None]:
        """Return the state as `plumecast status --json` prints it."""
        run = None if self.run is None else str(self.run)
        return {"init_time": iso(self.init_time), "state": self.state, "reason": self.reason, "run": run}


def published_runs(runs: Path, system_name: str) -> dict[np.datetime64, RunDirectory]:
    """Return the published runs of a system, by init time.

    Args:
        runs: Root of the run directories.
        system_name: Name of the system.
    """
    return {run.init_time: run for run in find_runs(runs, system_name) if is_complete(run.path)}


def cycle_states(
    ledger: CycleLedger,
    made: Mapping[np.datetime64, RunDirectory],
    now: np.datetime64,
    is_running: Callable[[np.datetime64], bool],
) -> list[CycleState]:
    """Return the state of each cycle that was due or asked for, ascending.

    Args:
        ledger: What is recorded.
        made: Published runs, by init time.
        now: The time of day, UTC.
        is_running: Returns whether a process is making the cycle of an init time now; if not, one that is recorded as
            running was killed.
    """
    wait = usual_delay(ledger)
    times = sorted({*due_times(ledger, now), *ledger.events})
    return [_state(ledger, time, made.get(time), deadline(ledger, time, wait), now, is_running) for time in times]


def usual_delay(ledger: CycleLedger) -> np.timedelta64 | None:
    """Return the median time from init time to the start of the work, over the latest cycles; None before the first.

    Args:
        ledger: What is recorded.
    """
    latest = ledger.scheduled()[-MEASURED_CYCLES:]
    begun = ([one.at for one in ledger.events[time] if one.event == "running" and not one.asked] for time in latest)
    delays = sorted(starts[0] - time for time, starts in zip(latest, begun, strict=True) if starts)
    return delays[len(delays) // 2] if delays else None


def deadline(ledger: CycleLedger, init_time: np.datetime64, delay: np.timedelta64 | None) -> np.datetime64 | None:
    """Return the time at which a cycle is late; None where nothing tells when its analysis should be there.

    It is settled when the first thing is recorded of the cycle: later changes of the schedule or of the usual delay do
    not move it.

    Args:
        ledger: What is recorded.
        init_time: Init time of the cycle.
        delay: Usual time from the init time to the start of the work.
    """
    settled = next((event.deadline for event in ledger.events.get(init_time, []) if event.deadline is not None), None)
    if settled is not None:
        return settled
    plan = ledger.plan_of(init_time)
    if plan is None or plan.clock != "wall" or delay is None:
        return None
    return init_time + delay + np.timedelta64(round(plan.wait_hours * 60), "m")


def _state(
    ledger: CycleLedger,
    init_time: np.datetime64,
    run: RunDirectory | None,
    limit: np.datetime64 | None,
    now: np.datetime64,
    is_running: Callable[[np.datetime64], bool],
) -> CycleState:
    events = ledger.events.get(init_time, [])
    told = {event.event for event in events}
    if run is not None or told & DONE:
        return _published(init_time, run, events, limit)
    last = events[-1] if events else None
    if last is not None and last.event in ("failed", "missed", "skipped"):
        return CycleState(init_time, last.event, last.reason)
    if last is not None and last.event == "running":
        if is_running(init_time):
            return CycleState(init_time, "running", f"since {iso(last.at)}")
        return CycleState(init_time, "failed", f"its process, begun {iso(last.at)}, ended before it was published")
    return _unmade(init_time, "" if last is None else last.reason, limit, now, is_asked_for=last is not None)


def _unmade(
    init_time: np.datetime64, reason: str, limit: np.datetime64 | None, now: np.datetime64, *, is_asked_for: bool
) -> CycleState:
    """Return the state of a cycle that nothing was made of yet: waiting or due, and late after its deadline."""
    if limit is not None and now > limit:
        return CycleState(init_time, "late", f"due until {iso(limit)}; {reason or 'no cycle has run since'}")
    until = "" if limit is None else f"; late from {iso(limit)}"
    if is_asked_for:
        return CycleState(init_time, "waiting", f"{reason}{until}")
    return CycleState(init_time, "due", f"no cycle has run since{until}")


def _published(
    init_time: np.datetime64, run: RunDirectory | None, events: list[CycleEvent], limit: np.datetime64 | None
) -> CycleState:
    is_verified = (run is not None and run.scores.exists()) or any(event.event == "verified" for event in events)
    told, parts = next((event for event in events if event.event == "published"), None), list[str]()
    if told is not None and limit is not None and told.at > limit:
        parts.append(f"{(told.at - limit) / HOUR:.1f} h after its deadline, {iso(limit)}")
    parts += [told.reason] if told is not None and told.reason else []
    parts += ["its run is no longer kept"] if run is None else []
    reason = "; ".join(parts)
    return CycleState(init_time, "verified" if is_verified else "published", reason, None if run is None else run.path)
