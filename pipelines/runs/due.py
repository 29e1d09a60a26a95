"""Which cycle is due, and which earlier ones can be verified by now."""

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
    """Lock that a cycle of a system holds while it runs."""
    return home.runs / ".locks" / f"{system_name}.lock"


def due_init_time(system: System, entry: DatasetEntry, times: Times, runs: Path) -> np.datetime64:
    """Init time of the cycle that is due.

    Real weather: the latest archived time. Simulated weather is all there at once, so its clock is the schedule: the
    first cycle is the first of the test period, and each further one follows `schedule.every_hours` after the newest.

    Raises:
        MissingDataError: There is nothing to forecast from that was not forecast from already.
    """
    starts = startable(system, times)
    if not starts.size:
        raise MissingDataError(
            f"cycle of '{system.name}': expected {system.state.past_states} analyses "
            f"{system.state.step_hours} h apart, found none in {span(times)}"
        )
    made = [run.init_time for run in find_runs(runs, system.name) if is_complete(run.path)]
    return _next_in_play(system, starts, made) if entry.simulated else _latest(system, starts, made)


def runs_to_verify(system: System, times: Times, runs: Path) -> list[RunDirectory]:
    """Runs without scores for all of whose leads the analysis has been archived, earliest first."""
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


def _next_in_play(system: System, starts: Times, made: list[np.datetime64]) -> np.datetime64:
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
