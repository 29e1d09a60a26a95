"""Checks that published runs are still what was published."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError, without_secrets
from data_catalog.sources.locations import parse_location
from forecast.products.files.manifest import Manifest
from forecast.products.files.proof import prove_run
from forecast.products.files.runs import RunDirectory
from forecast.products.files.stored_runs import prove_stored_run
from pipelines.runs.republish import require_run_directory

Further = Callable[[RunDirectory, Manifest], str]
"""A further check of a proven run, which says in a few words what it found."""


def check_runs(places: Sequence[str], further: Further | None = None) -> Iterator[str]:
    """Prove each run, and go on after one that is not as it was published.

    Args:
        places: Run directories, or URLs of runs in object storage.
        further: A further check of each run, which then must be a run directory; None for none.

    Yields:
        A line about each run.

    Raises:
        ConfigurationError: A path is not a run directory, or a URL may not be read.
        InvalidDataError: At the end, if a run is not what was published.
    """
    faults = 0
    if further is not None:
        _require_directories(places)
    for place in places:
        try:
            manifest = _prove(place)
            found = "" if further is None else f", {further(RunDirectory.at(place), manifest)}"
        except (InvalidDataError, MissingDataError) as error:
            faults += 1
            yield str(error)
        else:
            contents = manifest.delivered
            retired = f", {len(manifest.retired)} retired" if manifest.retired else ""
            yield (
                f"{without_secrets(place)}: as published, {len(contents.members)} members to "
                f"{max(contents.lead_hours)} h, {len(manifest.files)} files{retired}{found}"
            )
    if faults:
        raise InvalidDataError(f"check: expected {len(places)} runs as published, found {faults} that are not")


def _require_directories(places: Sequence[str]) -> None:
    for place in places:
        if "://" in place:
            raise ConfigurationError(f"run {place}: expected a run directory to make a member of again, found a URL")


def _prove(place: str) -> Manifest:
    if "://" in place:
        return prove_stored_run(parse_location(place))
    require_run_directory(Path(place))
    return prove_run(place)
