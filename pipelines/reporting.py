"""The page of a run, made anew."""

from pathlib import Path

from data_catalog.errors import ConfigurationError
from forecast.products.manifest import extend_manifest, verify_manifest
from forecast.products.runs import CYCLE_NAME, RunDirectory
from forecast.system import System
from pipelines import staging
from pipelines.drawing import Surroundings, draw_run
from pipelines.home import Home
from pipelines.locking import held
from pipelines.publishing import run_system
from pipelines.systems import BASELINES_FILE, find_checkpoint


def refresh_report(home: Home, path: Path) -> Path:
    """Draw the pictures of a published run again, write its page and publish both.

    Args:
        home: Where the archive and the checkpoint are looked for.
        path: A run directory.

    Returns:
        The page.

    Raises:
        ConfigurationError: It is no run directory.
        MissingDataError: The run is not finished.
        InvalidDataError: A file of it has changed since it was published.
    """
    if not path.is_dir() or CYCLE_NAME.fullmatch(path.resolve().name) is None:
        raise ConfigurationError(
            f"run {path}: expected a run directory such as runs/<system>/20080110T0000Z, found none"
        )
    run = RunDirectory.at(path)
    verify_manifest(run.path)
    system = run_system(run)
    with held(staging.lock_path(run), f"run {run.path}"):
        stage = staging.begin_from(run, also=[run.scores])
        draw_run(stage, system, surroundings(home, system))
        extend_manifest(stage.path, staging.drawn(stage))
        staging.publish(run)
    return run.report


def surroundings(home: Home, system: System) -> Surroundings:
    """What a home has to draw a run against."""
    archive = home.archive(system.dataset)
    try:
        baselines = find_checkpoint(home, system) / BASELINES_FILE
    except ConfigurationError:
        baselines = None
    return Surroundings(archive if archive.exists() else None, baselines)
