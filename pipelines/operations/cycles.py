"""The cycles of one system: which to make now, and what is recorded about each while it is made."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_catalog.errors import FullDiskError, InvalidDataError, MissingDataError, PlumecastError, without_secrets
from data_catalog.layout.times import iso
from data_catalog.storage.disks import as_full_disk
from data_catalog.storage.locks import is_held, lock
from forecast.products.files.runs import RunDirectory
from forecast.system.system import System
from pipelines.operations.cycle_ledger import CycleEvent, CycleLedger, Event
from pipelines.operations.cycle_states import (
    DONE,
    CycleState,
    cycle_states,
    deadline,
    published_runs,
    usual_delay,
)
from pipelines.operations.due_cycles import due_times, planned
from pipelines.operations.next_cycles import awaited, choose_cycles
from pipelines.runs import staging
from pipelines.runs.checking import RejectedRunError
from pipelines.terminal.times import now
from pipelines.workspace.home import Home
from pipelines.workspace.starts import Times

logger = logging.getLogger("plumecast")


@dataclass(frozen=True)
class SystemCycles:
    """The cycles of a system in a home.

    Attributes:
        home: The home directory.
        system: The system.
    """

    home: Home
    system: System

    def ledger(self) -> CycleLedger:
        """Read the ledger."""
        return CycleLedger.read(self.home.cycle_ledger(self.system.name))

    def states(self, ledger: CycleLedger) -> list[CycleState]:
        """Return the state of every cycle that was due or asked for, ascending.

        Args:
            ledger: What is recorded.
        """
        return states_at_home(self.home, self.system.name, ledger)

    def choose(self, times: Times) -> tuple[np.datetime64, ...]:
        """Choose the cycles to make now; record the plan that they follow, and which cycles are given up.

        Args:
            times: Times of the archive.

        Returns:
            Init times, in the order in which they are made.

        Raises:
            MissingDataError: There is no analysis for a cycle that is not made yet.
        """
        ledger = self.ledger()
        made = np.array(sorted(published_runs(self.home.runs, self.system.name)), "datetime64[ns]")
        plan = planned(self.system, ledger, times, made, now())
        if plan is not ledger.plan:
            ledger.append(plan)
        states = {state.init_time: state for state in self.states(ledger)}
        choice = choose_cycles(self.system, plan, due_times(ledger, now()), states, times)
        reason = f"catch_up = '{self.system.schedule.catch_up}': {_list(choice.made)} made instead"
        ledger.record(choice.missed, "missed", reason, deadlines=_deadlines(ledger, choice.missed))
        return choice.made

    def unmade(self, init_times: Sequence[np.datetime64]) -> list[np.datetime64]:
        """Return those of some cycles that no other process has made, and no operator has skipped, meanwhile.

        Args:
            init_times: Init times of the cycles.
        """
        settled = {state.init_time for state in self.states(self.ledger()) if state.state in {*DONE, "skipped"}}
        return [time for time in init_times if time not in settled]

    @contextmanager
    def explained(self, init_time: np.datetime64 | None) -> Iterator[None]:
        """Record why no cycle can be chosen, if the block raises: data is late, or wrong.

        Args:
            init_time: Init time that is asked for; None for the cycles that are due.
        """
        try:
            yield
        except PlumecastError as error:
            ledger = self.ledger()
            concerned = self._awaited(ledger) if init_time is None else [init_time]
            asked = init_time is not None
            limits = None if asked else _deadlines(ledger, concerned)
            ledger.record(concerned, _event_of(error), _reason(error), asked=asked, deadlines=limits)
            raise

    @contextmanager
    def recorded(self, init_time: np.datetime64, *, asked: bool, patience_seconds: float = 0.0) -> Iterator[list[str]]:
        """Hold the lock of a run, and record the beginning and the end of the work on its cycle.

        A cycle that is recorded as running while nobody holds the lock of its run was killed.

        Args:
            init_time: Init time of the cycle.
            asked: Whether it is asked for by its init time.
            patience_seconds: How long to wait for another process that is making the run.

        Yields:
            A list for remarks, which are recorded once the run is published.

        Raises:
            MissingDataError: Another process is making the run.
        """
        run = RunDirectory(self.home.runs, self.system.name, init_time)
        remarks: list[str] = []
        with lock(staging.lock_path(run), f"run {run.path}", patience_seconds=patience_seconds):
            ledger = self.ledger()
            limits = None if asked else _deadlines(ledger, [init_time])
            ledger.record([init_time], "running", asked=asked, deadlines=limits)
            try:
                yield remarks
            except Exception as error:
                with suppress(FullDiskError):  # the ledger may lie on the same disk
                    ledger.append(_failure(init_time, error, asked=asked))
                raise
            ledger.record([init_time], "published", "; ".join(remarks), asked=asked)

    def refuse_rejected(self, init_time: np.datetime64, inputs: Callable[[], str]) -> None:
        """Refuse to make a run once more that failed its checks, unless it would be made from something else now.

        Args:
            init_time: Init time of the cycle.
            inputs: Returns the hash of what it would be made from.

        Raises:
            InvalidDataError: Analysis, model and system are those of the run that failed.
        """
        last = self.ledger().last_event(init_time)
        if last is not None and last.inputs is not None and last.inputs == inputs():
            raise InvalidDataError(
                f"cycle {iso(init_time)}: expected another analysis, model or system than those of the run that failed "
                f"its checks, found the same; 'plumecast cycle {self.system.name} --init {iso(init_time)}' makes it "
                "all the same"
            )

    def _awaited(self, ledger: CycleLedger) -> Sequence[np.datetime64]:
        if ledger.plan is None:
            return []
        states = {state.init_time: state for state in self.states(ledger)}
        return awaited(ledger.plan, due_times(ledger, now()), states)


def states_at_home(home: Home, system_name: str, ledger: CycleLedger) -> list[CycleState]:
    """Return the state of every cycle of a system that was due or asked for, ascending.

    Args:
        home: The home directory.
        system_name: Name of the system.
        ledger: What is recorded.
    """

    def is_running(init_time: np.datetime64) -> bool:
        run = RunDirectory(home.runs, system_name, init_time)
        return is_held(staging.lock_path(run))

    return cycle_states(ledger, published_runs(home.runs, system_name), now(), is_running)


def _deadlines(ledger: CycleLedger, init_times: Sequence[np.datetime64]) -> dict[np.datetime64, np.datetime64 | None]:
    """Return when each of some cycles is late, for their first record."""
    delay = usual_delay(ledger)
    return {time: deadline(ledger, time, delay) for time in init_times if time not in ledger.events}


def _event_of(error: Exception) -> Event:
    is_passing = isinstance(error, MissingDataError) or as_full_disk(error, Path()) is not None
    return "waiting" if is_passing else "failed"


def _failure(init_time: np.datetime64, error: Exception, *, asked: bool) -> CycleEvent:
    inputs = (error.inputs or None) if isinstance(error, RejectedRunError) else None
    return CycleEvent(init_time=init_time, event=_event_of(error), reason=_reason(error), asked=asked, inputs=inputs)


def _reason(error: Exception) -> str:
    """Return what an error says, in one line that the ledger may keep: without secrets, and never empty."""
    words = " ".join(without_secrets(str(error)).split())
    return words if isinstance(error, PlumecastError) else f"{type(error).__name__}: {words}"


def _list(init_times: Sequence[np.datetime64]) -> str:
    return ", ".join(iso(time) for time in init_times)
