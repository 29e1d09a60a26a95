"""Determines which cycle is due, and which earlier runs can be verified now."""

from pathlib import Path

import numpy as np

from data_catalog.catalog import DatasetEntry
from data_catalog.errors import MissingDataError
from data_catalog.layout.times import iso, span
from forecast.products.files.manifest import find_runs, is_complete, read_manifest
from forecast.products.files.runs import RunDirectory
from forecast.system.system import System
from pipelines.workspace.home import Home
from pipelines.workspace.starts import HOUR, Times, startable


def lock_path(home: Home, system_name: str) -> Path:
    """Return the path of the lock that a cycle of a system holds while it runs."""
    return home.runs / ".locks" / f"{system_name}.lock"


def due_init_time(system: System, entry: DatasetEntry, times: Times, runs: Path) -> np.datetime64:
    """Return the init time of the cycle that is due.

    For real weather it is the latest archived time. Simulated weather is available all at once, so it follows the
    schedule: the first cycle starts at the beginning of the test period, each later one `schedule.every_hours` after
    the newest run.

    Args:
        system: The system.
        entry: Catalogue entry of its dataset.
        times: Times of the analysis.
        runs: Root of the run directories.

    Raises:
        MissingDataError: There is no analysis that has not been forecast from already.
    """
    starts = startable(system, times)
    if not starts.size:
        raise MissingDataError(
            f"cycle of '{system.name}': expected {system.state.past_states} analyses "
            f"{system.state.step_hours} h apart, found none in {span(times)}"
        )
    made = [run.init_time for run in find_runs(runs, system.name) if is_complete(run.path)]
    return _next_simulated(system, starts, made) if entry.simulated else _latest(system, starts, made)


def runs_to_verify(system: System, times: Times, runs: Path) -> list[RunDirectory]:
    """Return the runs without scores whose verifying analyses are all archived, earliest first."""
    ready = []
    for run in find_runs(runs, system.name):
        if run.scores.exists() or not is_complete(run.path):
            continue
        hours = np.array(read_manifest(run.path).delivered.lead_hours)
        if np.isin(run.init_time + hours * HOUR, times).all():
            ready.append(run)
    return ready


def _latest(system: System, starts: Times, made: list[np.datetime64]) -> np.datetime64:
    latest: np.datetime64 = starts.max()
    if latest in made:
        raise MissingDataError(
            f"cycle of '{system.name}': expected an analysis later than {iso(latest)}, found none; it was forecast from"
        )
    return latest


def _next_simulated(system: System, starts: Times, made: list[np.datetime64]) -> np.datetime64:
    test_start = np.datetime64(system.periods.test.start, "ns")
    if made:
        wanted = max(made) + system.schedule.every_hours * HOUR
    elif (starts >= test_start).any():
        wanted = starts[starts >= test_start].min()
    else:
        wanted = starts.min()
    later = starts[starts >= wanted]
    if not later.size:
        raise MissingDataError(
            f"cycle of '{system.name}': expected an analysis at {iso(wanted)} or later, found {span(starts)}; "
            "the simulated weather has been played through"
        )
    first: np.datetime64 = later.min()
    return first
