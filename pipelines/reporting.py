"""The page of a run, made anew."""

from pathlib import Path

from data_catalog.errors import ConfigurationError
from forecast.products.manifest import extend_manifest, verify_manifest
from forecast.products.runs import CYCLE_NAME, RunDirectory
from pipelines import staging
from pipelines.locking import held
from pipelines.publishing import draw_run, run_system


def refresh_report(path: Path) -> Path:
    """Draw the pictures of a published run again, write its page and publish both.

    Args:
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
    with held(staging.lock_path(run), f"run {run.path}"):
        stage = staging.begin_from(run, also=[run.scores])
        draw_run(stage, run_system(run))
        extend_manifest(stage.path, staging.drawn(stage))
        staging.publish(run)
    return run.report
