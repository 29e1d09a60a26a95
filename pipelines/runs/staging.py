"""Staging: a run is assembled in a hidden directory and published atomically.

A running cycle stores everything in `RUNS/.working/<system>/`: the staged run, and beside it the states of its
members, from which a killed forecast continues. Publishing renames the staged run into place, or swaps it with the
published one.
"""

import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from data_catalog.storage.atomic_files import synchronise
from data_catalog.storage.exchange import exchange
from forecast.products.files.runs import RunDirectory

logger = logging.getLogger("plumecast")
WORKING = ".working"


def staged(run: RunDirectory) -> RunDirectory:
    """Return the directory in which a run is assembled."""
    return RunDirectory(run.root / WORKING, run.system_name, run.init_time)


def states_directory(run: RunDirectory, request: str) -> Path:
    """Return the directory for the states of a running forecast.

    Args:
        run: The run.
        request: Identity of the request; states of different requests are kept apart.
    """
    return _beside(run, "states") / request


def lock_path(run: RunDirectory) -> Path:
    """Return the path of the lock that is held while a run is assembled."""
    return _beside(run, "lock")


def working_directories(run: RunDirectory) -> tuple[Path, ...]:
    """Return the directories that a run needs only while it is made or replaced, whether they exist or not."""
    return staged(run).path, _beside(run, "previous"), _beside(run, "states"), rejected(run)


def rejected(run: RunDirectory) -> Path:
    """Return the directory in which a run is kept aside that failed its checks."""
    return _beside(run, "rejected")


def reject(run: RunDirectory) -> Path:
    """Keep a staged run aside instead of publishing it; what its members were computed from is not used again.

    Args:
        run: The run.

    Returns:
        The directory in which it is kept, until a run of that init time is published.
    """
    kept = rejected(run)
    for leftover in (kept, _beside(run, "states")):
        shutil.rmtree(leftover, ignore_errors=True)
    _move(staged(run).path, kept)
    return kept


def begin(run: RunDirectory) -> RunDirectory:
    """Create an empty staged run, and remove what a killed process left there."""
    recover(run)
    stage = staged(run)
    shutil.rmtree(stage.path, ignore_errors=True)
    stage.plots.mkdir(parents=True)
    return stage


def begin_from(run: RunDirectory, also: Sequence[Path] = ()) -> RunDirectory:
    """Create a staged run from the files of the published one, which it will replace.

    The two share the files on disk, so a file must be replaced, never modified in place.

    Args:
        run: The published run.
        also: Files to keep besides the forecast, its Zarr, products and checks, and the manifest, as far as they exist.
    """
    stage = begin(run)
    for kept in (run.forecast, run.zarr, run.products, run.checks, run.manifest, *also):
        if kept.exists():
            _share(kept, stage.path / kept.name)
    return stage


def begin_without(run: RunDirectory, names: Sequence[str]) -> RunDirectory:
    """Create a staged run from all files of the published one except some; the two share the files on disk.

    Args:
        run: The published run.
        names: Files and directories that are left out, relative to the run directory.
    """
    stage = begin(run)
    for kept in sorted(run.path.iterdir()):
        if kept.name not in names:
            _share(kept, stage.path / kept.name)
    if not any(stage.plots.iterdir()):
        stage.plots.rmdir()
    return stage


def drawn_files(stage: RunDirectory) -> list[Path]:
    """Return the drawn and scored files of a staged run: all but forecast, Zarr, products, checks and manifest."""
    kept = {stage.forecast, stage.zarr, stage.products, stage.checks, stage.manifest}
    files = (path for path in sorted(stage.path.rglob("*")) if path.is_file())
    return [path for path in files if kept.isdisjoint((path, *path.parents))]


def publish(run: RunDirectory) -> Path:
    """Move a finished staged run into place, and remove the states of its members.

    Args:
        run: The run, whose staged directory has a manifest.

    Returns:
        The directory of the run.
    """
    stage, previous = staged(run), _beside(run, "previous")
    assert stage.manifest.exists(), f"{stage.path} has no manifest"
    run.path.parent.mkdir(parents=True, exist_ok=True)
    if not (run.path.exists() and _exchange(stage.path, run.path)):
        _replace(stage.path, run.path, previous)
    for leftover in working_directories(run):
        shutil.rmtree(leftover, ignore_errors=True)
    logger.info("Published %s", run.path)
    return run.path


def recover(run: RunDirectory) -> None:
    """Restore a published run that was being replaced when a process was killed."""
    previous = _beside(run, "previous")
    if previous.exists() and not run.path.exists():
        run.path.parent.mkdir(parents=True, exist_ok=True)
        _move(previous, run.path)


def _beside(run: RunDirectory, what: str) -> Path:
    path = staged(run).path
    return path.with_name(f"{path.name}.{what}")


def _move(source: Path, target: Path) -> None:
    """Rename a directory durably, so that the new name survives a power failure."""
    source.rename(target)
    for parent in {source.parent, target.parent}:
        synchronise(parent)


def _exchange(stage: Path, published: Path) -> bool:
    """Swap the staged run and the published one, so that readers find either at any moment; False if it cannot be."""
    swapped = exchange(stage, published)
    for parent in {stage.parent, published.parent} if swapped else ():
        synchronise(parent)
    return swapped


def _replace(stage: Path, published: Path, previous: Path) -> None:
    """Move a staged run into place; a published one is set aside first, where `recover` finds it after a kill."""
    if published.exists():
        shutil.rmtree(previous, ignore_errors=True)
        _move(published, previous)
    _move(stage, published)


def _share(source: Path, target: Path) -> None:
    """Give a file, or all files of a directory, a second name."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_link, dirs_exist_ok=True)
    else:
        _link(source, target)


def _link(source: Path | str, target: Path | str) -> None:
    try:
        os.link(source, target)
    except OSError:  # the file system has no hard links
        shutil.copy2(source, target)
