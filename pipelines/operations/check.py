"""Checks that published runs are still what was published."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data_catalog.errors import InvalidDataError, MissingDataError
from forecast.products.files.proof import prove_run
from pipelines.runs.republish import require_run_directory


def check_runs(directories: Sequence[Path]) -> Iterator[str]:
    """Prove each run, and go on after one that is not as it was published.

    Args:
        directories: Run directories.

    Yields:
        A line about each run.

    Raises:
        ConfigurationError: A path is not a run directory.
        InvalidDataError: At the end, if a run is not what was published.
    """
    faults = 0
    for directory in directories:
        require_run_directory(directory)
        try:
            manifest = prove_run(directory)
        except (InvalidDataError, MissingDataError) as error:
            faults += 1
            yield str(error)
        else:
            contents = manifest.delivered
            yield (
                f"{directory}: as published, {len(contents.members)} members to {max(contents.lead_hours)} h, "
                f"{len(manifest.files)} files"
            )
    if faults:
        raise InvalidDataError(f"check: expected {len(directories)} runs as published, found {faults} that are not")
