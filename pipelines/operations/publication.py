"""Copies the published runs of a system to object storage, and clears away what no reader can need there."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain
from pathlib import Path

from data_catalog.clock import utc_now
from data_catalog.errors import ConfigurationError, PlumecastError
from data_catalog.sources.locations import parse_location
from data_catalog.storage.folder import Fingerprint, Folder, Stored
from data_catalog.storage.folders import folder_at
from forecast.products.files.manifest import file_hash, find_runs
from forecast.products.files.runs import RunDirectory
from forecast.products.files.stored_runs import MANIFEST, generation_of
from forecast.system.cycles import CYCLE_NAME, cycle_name
from forecast.system.publish import check_destination
from forecast.system.system import System
from pipelines.runs.copying import copy_run
from pipelines.runs.republish import require_run_directory

logger = logging.getLogger("plumecast")
KEPT = timedelta(days=1)
"""How long the files of a replaced generation stay, for readers who have its manifest; and those of a killed copy."""


def destination(url: str) -> Folder:
    """Return the folder that runs are copied to.

    Args:
        url: As `[publish] to` in a system file.

    Raises:
        ConfigurationError: It is no such URL.
    """
    try:
        return folder_at(parse_location(check_destination(url)))
    except ValueError as error:
        raise ConfigurationError(f"publish: {error}, found another one") from None


def copy_by_hand(directories: Sequence[Path], url: str) -> Iterator[str]:
    """Copy some runs.

    Args:
        directories: Run directories.
        url: Where to copy them.

    Yields:
        A line about each.

    Raises:
        PlumecastError: A run cannot be copied.
    """
    folder = destination(url)
    for directory in directories:
        require_run_directory(directory)
        run = RunDirectory.at(directory)
        copied = copy_run(folder, run)
        place = f"{folder.place}/{run.system_name}/{cycle_name(run.init_time)}"
        yield f"{directory}: {'copied to' if copied else 'is already at'} {place}"


def copy_missing(system: System, runs: Path, note: Callable[[RunDirectory, str, str], None] = lambda *_: None) -> int:
    """Copy the published runs of a system that are not where it publishes, the latest first.

    Args:
        system: The system; one without `[publish] to` copies nothing.
        runs: Directory of all runs of all systems.
        note: Takes each run, the SHA-256 of its manifest, and why it could not be copied, or nothing.

    Returns:
        Number of runs that had something to copy.

    Raises:
        ConfigurationError: The store refuses to be written to, or there is no such bucket.
        MissingDataError: The store does not answer. The runs stay published here, and the next call copies them.
        InvalidDataError: A file of a run has changed since it was published.
    """
    if system.publish.to is None:
        return 0
    folder, copied = destination(system.publish.to), 0
    there: dict[str, Stored] = {}
    for position, run in enumerate(find_runs(runs, system.name)[::-1]):
        manifest = file_hash(run.manifest)
        try:
            there = there or {stored.name: stored for stored in folder.listing(system.name)}
            # The latest is always looked at whole, since a kill may have left `latest.json` behind.
            copied += (position == 0 or not _is_current(folder, run, there)) and copy_run(folder, run)
        except PlumecastError as error:
            note(run, manifest, str(error))
            raise
        note(run, manifest, "")
    sweep_stored(folder, there.values())
    return copied


def sweep_stored(folder: Folder, there: Iterable[Stored]) -> int:
    """Delete the files of generations that no manifest has named for a day: replaced ones, and killed copies.

    Args:
        folder: Where runs are published.
        there: What is stored there, of any number of systems.

    Returns:
        Number of deleted files.
    """
    manifests: dict[str, Stored] = {}
    generations: dict[str, dict[str, list[Stored]]] = defaultdict(lambda: defaultdict(list))
    for stored in there:
        system_name, cycle, *inside = (*stored.name.split("/")[:4], "")
        run = f"{system_name}/{cycle}"
        if CYCLE_NAME.fullmatch(cycle) and inside == [MANIFEST, ""]:
            manifests[run] = stored
        elif CYCLE_NAME.fullmatch(cycle) and len(inside) == 3:
            generations[run][inside[0]].append(stored)
    doomed = [
        stored.name for run, found in generations.items() for stored in _unnamed(folder, run, found, manifests.get(run))
    ]
    folder.delete(doomed)
    return len(doomed)


def _unnamed(
    folder: Folder, run: str, generations: Mapping[str, list[Stored]], manifest: Stored | None
) -> Iterable[Stored]:
    """Files of old generations of a run other than the one that its manifest names."""
    if manifest is not None and (len(generations) == 1 or not _is_old(manifest)):
        return []
    content = folder.read(f"{run}/{MANIFEST}")
    current = "" if content is None else generation_of(content.body)
    return chain.from_iterable(
        files for name, files in generations.items() if name != current and all(map(_is_old, files))
    )


def _is_old(stored: Stored) -> bool:
    return utc_now() - stored.changed > KEPT


def _is_current(folder: Folder, run: RunDirectory, there: Mapping[str, Stored]) -> bool:
    """Return whether the manifest of a run is published as it is here."""
    name = f"{run.system_name}/{cycle_name(run.init_time)}/{MANIFEST}"
    return name in there and folder.holds(name, Fingerprint.of(run.manifest))
