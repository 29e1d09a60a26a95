"""Files of a run that are no longer kept: a further generation of its manifest says which, and what they were."""

from collections.abc import Sequence
from pathlib import Path

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.products.files.manifest import (
    Manifest,
    RetiredFile,
    entries_of,
    read_manifest,
    store_manifest,
)
from forecast.products.files.runs import RunDirectory


def retire_files(run: Path, names: Sequence[str], day: str, changed: Sequence[Path] = ()) -> Manifest:
    """Write the next generation of a run's manifest, in which some files are retired.

    Args:
        run: Run directory, where these files are no longer.
        names: Files or directories, relative to the run directory.
        day: Day on which they are retired, ISO 8601.
        changed: Files of the run that were changed meanwhile, such as its page.

    Returns:
        The new manifest.
    """
    manifest = read_manifest(run)
    gone = {name: entry for name, entry in manifest.files.items() if _is_within(name, names)}
    retired = {name: RetiredFile(**dict(entry), retired=day) for name, entry in gone.items()}
    files = {name: entry for name, entry in manifest.files.items() if name not in gone} | entries_of(run, changed)
    following = {"files": files, "retired": {**(manifest.retired or {}), **retired}}
    made = Manifest(**{**dict(manifest), **following, "generation": manifest.generation + 1})
    store_manifest(run / "manifest.json", made)
    return made


def retired_on(manifest: Manifest, path: Path) -> str | None:
    """Return the day on which a file or directory of a run was retired; None if it is kept.

    Args:
        manifest: Manifest of the run.
        path: The file; only its name counts.
    """
    days = [entry.retired for name, entry in (manifest.retired or {}).items() if _is_within(name, [path.name])]
    return days[0] if days else None


def require_kept(run: RunDirectory, path: Path, what: str) -> None:
    """Refuse a file of a run that was retired.

    Args:
        run: The published run.
        path: A file of the run.
        what: What the file holds, such as members.

    Raises:
        ConfigurationError: It was retired.
        InvalidDataError: The manifest is invalid.
    """
    try:
        day = None if path.exists() else retired_on(read_manifest(run.path), path)
    except MissingDataError:
        return
    if day is not None:
        raise ConfigurationError(
            f"run {run.path}: expected its {what}, found that they were retired on {day} by [retention] of its system; "
            "its scores are kept"
        )


def _is_within(name: str, places: Sequence[str]) -> bool:
    return any(name == place or name.startswith(f"{place}/") for place in places)
