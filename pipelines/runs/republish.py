"""Draws a published run again and replaces it, with new scores or the old ones."""

from collections.abc import Callable
from pathlib import Path

from data_catalog.errors import ConfigurationError
from data_catalog.storage.locks import lock
from forecast.products.files.manifest import extend_manifest
from forecast.products.files.proof import prove_run
from forecast.products.files.runs import RunDirectory
from forecast.system.cycles import CYCLE_NAME
from forecast.system.system import System
from forecast.verification.baselines.files import load_baselines
from pipelines.runs import staging
from pipelines.runs.page import Background, draw_run
from pipelines.runs.run_system import run_system
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.checkpoints import find_baselines, find_checkpoint
from pipelines.workspace.home import Home


def is_run_directory(path: Path) -> bool:
    """Whether a path is a directory that is named for an init time, such as runs/<system>/20080110T0000Z."""
    return path.is_dir() and CYCLE_NAME.fullmatch(path.resolve().name) is not None


def require_run_directory(path: Path) -> None:
    """Refuse a path that is not a directory named for an init time.

    Raises:
        ConfigurationError: It is not.
    """
    if not is_run_directory(path):
        raise ConfigurationError(
            f"run {path}: expected a run directory such as runs/<system>/20080110T0000Z, found none"
        )


def redraw_run(
    run: RunDirectory, background: Background, write_scores: Callable[[Path], object] | None = None
) -> RunDirectory:
    """Draw a published run again and publish it in the same place; figures that would be the same stay as they are.

    Args:
        run: The published run; its members and products stay the same files.
        background: Analysis and climatology that the run is drawn against.
        write_scores: Function that writes new scores to a given path; None to keep the run's scores.

    Returns:
        The run.

    Raises:
        InvalidDataError: A file of the run is missing or its size has changed.
    """
    with lock(staging.lock_path(run), f"run {run.path}"):
        stage = staging.begin_from(run, also=[run.plots, *([] if write_scores else [run.scores])])
        if write_scores is not None:
            write_scores(stage.scores)
        draw_run(stage, run_system(run), background)
        extend_manifest(stage.path, staging.drawn_files(stage))
        staging.publish(run)
    return run


def refresh_report(home: Home, path: Path) -> Path:
    """Draw the figures of a published run again and write its page.

    Args:
        home: Home directory, which holds the archive and the checkpoint.
        path: A run directory.

    Returns:
        Path of the page.

    Raises:
        ConfigurationError: The path is not a run directory.
        MissingDataError: The run is not finished.
        InvalidDataError: A file of the run has changed since it was published.
    """
    require_run_directory(path)
    run = RunDirectory.at(path)
    prove_run(run.path)
    return redraw_run(run, _background(home, run_system(run))).report


def _background(home: Home, system: System) -> Background:
    archive = home.archive(system.dataset)
    try:
        baselines = load_baselines(find_baselines(find_checkpoint(home, system)))
    except ConfigurationError:
        baselines = None
    return Background(open_system_analysis(archive, system, ensemble=True) if archive.exists() else None, baselines)
