"""Writes what the status shows as a static page and as JSON into the directory of the runs."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from data_catalog.storage.atomic_files import write_durably
from forecast.products.files.runs import RunDirectory
from forecast.products.page.cycles_page import ShownCycle, ShownSystem, write_cycles_page
from pipelines.operations.cycle_ledger import CycleLedger
from pipelines.operations.cycle_states import WRONG_FIRST, CycleState
from pipelines.operations.stac import write_catalogue
from pipelines.operations.status import held_words, status_json, status_of, wrong_first
from pipelines.terminal.times import now
from pipelines.workspace.home import Home

SHOWN = 400
"""Most cycles of one system on the page; `index.json` has all."""


def write_index(home: Home) -> Path:
    """Write `index.html`, `index.json` and a STAC catalogue of all cycles of all systems, each file atomically.

    Args:
        home: The home directory.

    Returns:
        Path of the page.

    Raises:
        ConfigurationError: A file cannot be written.
        InvalidDataError: A ledger is damaged.
    """
    status = status_of(home, [])
    write_durably(home.runs / "index.json", status_json(status) + "\n")
    runs = {name: [RunDirectory.at(each.run) for each in states if each.run] for name, (_, states) in status.items()}
    write_catalogue(home.runs, runs)
    systems = [_shown(home, name, ledger, states) for name, (ledger, states) in status.items()]
    return write_cycles_page(systems, now(), home.runs / "index.html")


def _shown(home: Home, name: str, ledger: CycleLedger, states: Sequence[CycleState]) -> ShownSystem:
    counts = Counter(state.state for state in states)
    rows = [
        ShownCycle(each.init_time, each.state, each.reason, _page(home, each), each.is_wrong)
        for each in wrong_first(states)
    ]
    facts = [(counts[state], state) for state in WRONG_FIRST if counts[state]]
    return ShownSystem(name, facts, held_words(ledger), rows[:SHOWN], max(0, len(rows) - SHOWN))


def _page(home: Home, state: CycleState) -> str | None:
    """Path of the page of a run, relative to the directory of the runs; None once it is retired."""
    page = None if state.run is None else state.run / "report.html"
    return None if page is None or not page.exists() else page.relative_to(home.runs).as_posix()
