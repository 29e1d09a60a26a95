"""Removes what killed processes left beside the runs of a system, and restores a run that was being replaced."""

import logging
import shutil
from pathlib import Path

from data_catalog.errors import MissingDataError
from data_catalog.storage.locks import lock
from forecast.products.files.runs import RunDirectory
from forecast.system.cycles import CYCLE_NAME, parse_cycle_name
from pipelines.runs import staging

logger = logging.getLogger("plumecast")


def sweep(runs: Path, system_name: str) -> None:
    """Remove the working files of published runs, and their locks; what an unfinished forecast continues from stays.

    Args:
        runs: Directory of all runs of all systems.
        system_name: Name of the system.
    """
    working = runs / staging.WORKING / system_name
    names = {path.name.partition(".")[0] for path in working.iterdir()} if working.is_dir() else set()
    for name in sorted(name for name in names if CYCLE_NAME.fullmatch(name)):
        run = RunDirectory(runs, system_name, parse_cycle_name(name))
        try:
            with lock(staging.lock_path(run), f"run {run.path}"):
                _sweep(run)
        except MissingDataError:
            logger.info("%s is being made, and is left alone", run.path)


def _sweep(run: RunDirectory) -> None:
    """Sweep one run, whose lock is held."""
    staging.recover(run)
    if not run.manifest.exists():
        return
    leftovers = [path for path in staging.working_directories(run) if path.exists()]
    for path in leftovers:
        shutil.rmtree(path, ignore_errors=True)
    if leftovers:
        logger.info("Removed what a killed process left beside %s", run.path)
    staging.lock_path(run).unlink(missing_ok=True)
