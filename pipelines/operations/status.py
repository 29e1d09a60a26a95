"""Shows every cycle that was due: published or explained, what is wrong first."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from data_catalog.errors import ConfigurationError
from data_catalog.layout.times import iso
from pipelines.operations.copies import not_copied
from pipelines.operations.cycle_ledger import CycleLedger
from pipelines.operations.cycle_states import DONE, WRONG_FIRST, CycleState, published_runs
from pipelines.operations.cycles import states_at_home
from pipelines.workspace.home import Home

SHOWN = 12
"""Most cycles of one system on the terminal; `--json` has all."""


def status_of(home: Home, names: Sequence[str]) -> dict[str, tuple[CycleLedger, list[CycleState]]]:
    """Return ledger and cycles of each system.

    Args:
        home: The home directory.
        names: Names of the systems; all that have a ledger where there are none.

    Raises:
        ConfigurationError: A named system has no ledger.
        InvalidDataError: A ledger is damaged.
    """
    for name in names:
        if not home.cycle_ledger(name).exists():
            raise ConfigurationError(
                f"status of '{name}': expected cycles in {home.root}, found none; start with 'plumecast cycle {name}'"
            )
    known = sorted(path.stem for path in home.cycle_ledger("").parent.glob("*.jsonl"))
    ledgers = {name: CycleLedger.read(home.cycle_ledger(name)) for name in names or known}
    return {name: (ledger, _with_copies(home, name, ledger)) for name, ledger in ledgers.items()}


def _with_copies(home: Home, name: str, ledger: CycleLedger) -> list[CycleState]:
    """Return the cycles of a system, and say of published runs that they are not copied to where they should be."""
    missing = not_copied(ledger, published_runs(home.runs, name))
    return [
        replace(state, is_copied=False, reason="; ".join(filter(None, [state.reason, missing[state.init_time]])))
        if state.init_time in missing
        else state
        for state in states_at_home(home, name, ledger)
    ]


def status_json(status: dict[str, tuple[CycleLedger, list[CycleState]]]) -> str:
    """Return the cycles of each system as JSON.

    Args:
        status: Result of `status_of`.
    """
    systems = {name: {"cycles": [state.as_json() for state in states]} for name, (_, states) in status.items()}
    return json.dumps({"systems": systems}, indent=1)


def status_lines(name: str, ledger: CycleLedger, states: Sequence[CycleState]) -> list[str]:
    """Return what a terminal shows of one system: a summary, then what is wrong, then the latest cycles.

    Args:
        name: Name of the system.
        ledger: What is recorded.
        states: State of each cycle.
    """
    counts = Counter(state.state for state in states)
    summary = ", ".join(f"{counts[state]} {state}" for state in WRONG_FIRST if counts[state])
    behind = sum(not state.is_copied for state in states)
    notes = [f"{behind} not copied" if behind else "", held_words(ledger)]
    lines = ["; ".join(filter(None, [f"{name}: {summary or 'no cycle was due'}", *notes]))]
    ordered = wrong_first(states)
    lines += [f"  {iso(each.init_time)}  {each.state:9}  {each.reason or each.run or ''}" for each in ordered[:SHOWN]]
    if len(ordered) > SHOWN:
        lines.append(f"  and {len(ordered) - SHOWN} more: 'plumecast status {name} --json' lists all")
    return lines


def wrong_first(states: Sequence[CycleState]) -> list[CycleState]:
    """Return cycles in the order in which they are shown: what is wrong, what is not done, and then the latest.

    Args:
        states: State of each cycle.
    """
    newest_first = sorted(states, key=lambda state: state.init_time, reverse=True)
    return sorted(newest_first, key=_urgency)


def held_words(ledger: CycleLedger) -> str:
    """Return since when and why a system is held; empty if it is not.

    Args:
        ledger: What is recorded.
    """
    hold = ledger.hold
    return f"held since {iso(hold.at)}{_because(hold.reason)}" if hold is not None and hold.held else ""


def _urgency(state: CycleState) -> int:
    if state.state not in DONE:
        return WRONG_FIRST.index(state.state)
    return len(WRONG_FIRST) + state.is_copied


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
