"""Finds the earlier runs that can be verified now."""

from pathlib import Path

import numpy as np

from forecast.products.files.manifest import find_runs, is_complete, read_manifest
from forecast.products.files.runs import RunDirectory
from forecast.system.system import System
from pipelines.workspace.starts import HOUR, Times


def runs_to_verify(system: System, times: Times, runs: Path) -> list[RunDirectory]:
    """Return the runs without scores that have members and whose verifying analyses are archived, earliest first."""
    ready = []
    for run in find_runs(runs, system.name):
        if run.scores.exists() or not run.forecast.exists() or not is_complete(run.path):
            continue
        hours = np.array(read_manifest(run.path).delivered.lead_hours)
        if np.isin(run.init_time + hours * HOUR, times).all():
            ready.append(run)
    return ready
