"""The staged run: a run is put together out of sight and appears whole.

Everything of a cycle under way lies in `RUNS/.working/<system>/`: the staged run, and beside it the states of its
members, from which a killed forecast goes on. Publishing renames the staged run into place.
"""

import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from data_catalog.storage.atomic_files import synchronise
from forecast.products.files.runs import RunDirectory

logger = logging.getLogger("plumecast")
WORKING = ".working"


def staged(run: RunDirectory) -> RunDirectory:
    """The directory in which a run is put together."""
    return RunDirectory(run.root / WORKING, run.system_name, run.init_time)


def states_directory(run: RunDirectory, request: str) -> Path:
    """Directory of the states of a forecast under way.

    Args:
        run: The run they are for.
        request: Identity of what was asked for; states of another request are never mixed in.
    """
    return _beside(run, "states") / request


def lock_path(run: RunDirectory) -> Path:
    """Lock that is held while a run is put together."""
    return _beside(run, "lock")


def begin(run: RunDirectory) -> RunDirectory:
    """Make an empty staged run, in place of what a killed process left there."""
    recover(run)
    stage = staged(run)
    shutil.rmtree(stage.path, ignore_errors=True)
    stage.plots.mkdir(parents=True)
    return stage


def begin_from(run: RunDirectory, also: Sequence[Path] = ()) -> RunDirectory:
    """Make a staged run with files of the published one, to be published in its place once it has changed.

    The two share the files on disk, so a file must be replaced, never written into.

    Args:
        run: The published run.
        also: Files to keep besides the forecast, its Zarr, its products and the manifest, as far as they exist.
    """
    stage = begin(run)
    for kept in (run.forecast, run.zarr, run.products, run.manifest, *also):
        if kept.is_dir():
            shutil.copytree(kept, stage.path / kept.name, copy_function=_link, dirs_exist_ok=True)
        elif kept.exists():
            _link(kept, stage.path / kept.name)
    return stage


def drawn_files(stage: RunDirectory) -> list[Path]:
    """Files of a staged run that are drawn or scored: all but the forecast, its Zarr, its products and the manifest."""
    kept = {stage.forecast, stage.zarr, stage.products, stage.manifest}
    files = (path for path in sorted(stage.path.rglob("*")) if path.is_file())
    return [path for path in files if kept.isdisjoint((path, *path.parents))]


def publish(run: RunDirectory) -> Path:
    """Move a finished staged run into place, and remove the states of its members.

    Args:
        run: The run; its staged directory has a manifest.

    Returns:
        The run's directory.
    """
    stage, previous = staged(run), _beside(run, "previous")
    assert stage.manifest.exists(), f"{stage.path} has no manifest"
    run.path.parent.mkdir(parents=True, exist_ok=True)
    if run.path.exists():
        shutil.rmtree(previous, ignore_errors=True)
        _move(run.path, previous)
    _move(stage.path, run.path)
    shutil.rmtree(previous, ignore_errors=True)
    shutil.rmtree(_beside(run, "states"), ignore_errors=True)
    logger.info("Published %s", run.path)
    return run.path


def recover(run: RunDirectory) -> None:
    """Bring back a published run that was being replaced when a process was killed."""
    previous = _beside(run, "previous")
    if previous.exists() and not run.path.exists():
        run.path.parent.mkdir(parents=True, exist_ok=True)
        _move(previous, run.path)


def _beside(run: RunDirectory, what: str) -> Path:
    path = staged(run).path
    return path.with_name(f"{path.name}.{what}")


def _move(source: Path, target: Path) -> None:
    """Rename a directory so that it stays renamed when the power fails."""
    source.rename(target)
    for parent in {source.parent, target.parent}:
        synchronise(parent)


def _link(source: Path | str, target: Path | str) -> None:
    try:
        os.link(source, target)
    except OSError:  # the file system has no hard links
        shutil.copy2(source, target)
