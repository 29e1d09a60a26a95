"""The manifest of a run: its provenance and the checksum of each file; a run without one does not exist for readers."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.layout.times import iso
from data_catalog.storage.atomic_files import PARTIAL_SUFFIX, synchronise, write_durably
from data_catalog.storage.small_files import read_small
from data_catalog.storage.typed_files import faults_of_validation
from forecast.products.files.checked import Outcome, read_checked
from forecast.products.files.runs import RunDirectory

FORMAT: Literal[1] = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FileEntry(_Part):
    """Checksum and size of one file of a run."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]
    """Bytes."""


class RetiredFile(FileEntry):
    """A file of a run that is no longer kept."""

    retired: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    """Day on which it was retired."""


class Contents(_Part):
    """Members and leads of a run.

    Attributes:
        members: Member numbers.
        lead_hours: Lead times in hours.
    """

    members: tuple[int, ...]
    lead_hours: tuple[int, ...]


class Manifest(_Part):
    """The contents and the provenance of a run; the keys of `manifest.json`."""

    format: Literal[1]
    """Version of this set of keys; another set of keys gets another number."""
    generation: Annotated[int, Field(ge=1)] = 1
    """Counts the states of a run: each addition, such as scores, and each retirement makes a further one."""
    system: str
    """Name of the system."""
    init_time: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\dZ$")]
    """Init time of the cycle, such as 2008-01-15T00:00Z."""
    system_hash: str
    """Hash of the settings that determine the members."""
    model_id: str
    """Hash of the model."""
    data_hash: str
    """Hash of the analysis that the members started from."""
    analysis_quality: str | None = None
    """Verdict on that analysis: good, not judged, or suspect and why; None in runs of earlier releases."""
    analysis_members: tuple[int, ...] | None = None
    """Members of the analysis in turn: member m started from the one at position m modulo their number; None: one."""
    conditions: tuple[str, ...] | None = None
    """What the members were made to meet; None for a free forecast."""
    seeds: dict[str, str]
    """Seed by member number."""
    expected: Contents
    """Requested members and lead times."""
    delivered: Contents
    """Members and lead times in the forecast file."""
    checks: dict[str, Outcome] | None = None
    """Outcome of each check before publication, by name; None in runs of earlier releases."""
    files: dict[str, FileEntry]
    """Checksum and size of each file, by path relative to the run directory."""
    retired: dict[str, RetiredFile] | None = None
    """Checksum and size of each file that is no longer kept; None if all are."""


@dataclass(frozen=True)
class Start:
    """What is known of the analysis that the members of a run started from, and of what they were made to meet.

    Attributes:
        quality: Verdict on it.
        members: Its members, which the members of the run start from in turn; None if it is a single analysis.
        conditions: What the members were made to meet; None for a free forecast.
    """

    quality: str | None = None
    members: tuple[int, ...] | None = None
    conditions: tuple[str, ...] | None = None


def write_manifest(
    run: RunDirectory,
    *,
    system_hash: str,
    model_id: str,
    data_hash: str,
    start: Start | None = None,
    seeds: Mapping[str, str],
    expected: Contents,
    delivered: Contents,
) -> Path:
    """Write the manifest of a run, last and atomically: from then on the run exists for readers.

    Args:
        run: The run, otherwise complete; the manifest lists every file in its directory.
        system_hash: Hash of the settings that determine the members.
        model_id: Hash of the model.
        data_hash: Hash of the analysis that the members started from.
        start: What else is known of that analysis; None for nothing.
        seeds: Seed by member number.
        expected: Requested members and lead times.
        delivered: Members and lead times in the forecast file.

    Returns:
        Path of the manifest.

    Raises:
        InvalidDataError: `delivered` differs from `expected`, or a file is incomplete.
    """
    for name in Contents.model_fields:
        wanted, found = getattr(expected, name), getattr(delivered, name)
        if wanted != found:
            raise InvalidDataError(f"run {run.path}: expected {name} {list(wanted)}, found {list(found)}")
    checked = read_checked(run.checks)
    manifest = Manifest(
        format=FORMAT,
        system=run.system_name,
        init_time=iso(run.init_time),
        system_hash=system_hash,
        model_id=model_id,
        data_hash=data_hash,
        analysis_quality=None if start is None else start.quality,
        analysis_members=None if start is None else start.members,
        conditions=None if start is None else start.conditions,
        seeds=dict(seeds),
        expected=expected,
        delivered=delivered,
        checks=None if checked is None else checked.outcomes(),
        files={name: _entry_of(run.path / name) for name in _file_names(run.path)},
    )
    return store_manifest(run.manifest, manifest)


def extend_manifest(run: Path | str, files: Sequence[Path]) -> Path:
    """Update the manifest of a published run after files were added or replaced; the same files change nothing.

    Args:
        run: Run directory.
        files: Added or replaced files, such as the scores and the page.

    Returns:
        Path of the manifest.

    Raises:
        MissingDataError: The run has no manifest.
        InvalidDataError: Another file of the run is missing or its size has changed.
    """
    directory = Path(run)
    manifest = read_manifest(directory)
    added = entries_of(directory, files)
    for name, entry in manifest.files.items():
        if name not in added:
            _check_size(directory, name, entry)
    entries = {**manifest.files, **added}
    path = directory / "manifest.json"
    if entries == manifest.files:
        return path
    following = {"files": entries, "generation": manifest.generation + 1}
    return store_manifest(path, Manifest(**{**dict(manifest), **following}))


def entries_of(run: Path, files: Sequence[Path]) -> dict[str, FileEntry]:
    """Return the manifest's entries of some files of a run, by path relative to its directory.

    Args:
        run: Run directory.
        files: Files in it.

    Raises:
        InvalidDataError: A file is absent.
    """
    names = sorted({file.resolve().relative_to(run.resolve()).as_posix() for file in files})
    return {name: _entry_of(run / name) for name in names}


def store_manifest(path: Path, manifest: Manifest) -> Path:
    """Write a manifest atomically.

    Args:
        path: `manifest.json` of the run.
        manifest: Its content.

    Returns:
        `path`.
    """
    content = json.dumps(
        manifest.model_dump(mode="json", exclude_none=True), indent=2, ensure_ascii=False, allow_nan=False
    )
    return write_durably(path, content + "\n")


def read_manifest(run: Path | str) -> Manifest:
    """Read and check the manifest of a run, without checking the files that it lists.

    Args:
        run: Run directory.

    Raises:
        MissingDataError: The run has no manifest, so it is not finished.
        InvalidDataError: The file is not a manifest of format 1.
    """
    path = Path(run) / "manifest.json"
    try:
        content = read_small(path)
    except FileNotFoundError as error:
        raise MissingDataError(f"run {run}: expected manifest.json, found none; the run is not finished") from error
    return parse_manifest(content, str(path))


def parse_manifest(content: bytes, where: str) -> Manifest:
    """Check the content of a manifest.

    Args:
        content: Bytes of the file.
        where: Path or URL of the file; errors start with it.

    Raises:
        InvalidDataError: It is not a manifest of format 1.
    """
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        fault = faults_of_validation(error)[0]
        raise InvalidDataError(f"{where}: expected a manifest of format {FORMAT}; {fault}") from None


def is_complete(run: Path | str) -> bool:
    """Return whether a run has a manifest and all files that it lists, with their sizes; no content is read.

    Args:
        run: Run directory.
    """
    try:
        manifest = read_manifest(run)
        for name, entry in manifest.files.items():
            _check_size(Path(run), name, entry)
    except (MissingDataError, InvalidDataError):
        return False
    return bool(manifest.files)


def verify_manifest(run: Path | str) -> Manifest:
    """Read every file of a run and compare its size and checksum with the manifest.

    Args:
        run: Run directory.

    Returns:
        The manifest.

    Raises:
        MissingDataError: The run has no manifest.
        InvalidDataError: A file is missing or has changed, or the manifest lists no files.
    """
    directory = Path(run)
    manifest = read_manifest(directory)
    if not manifest.files:
        raise InvalidDataError(f"{directory / 'manifest.json'}: expected files, found none")
    for name, entry in manifest.files.items():
        _check_size(directory, name, entry)
        _check_hash(directory, name, entry)
    return manifest


def file_hash(path: Path) -> str:
    """Compute the SHA-256 of a file's content.

    Args:
        path: The file.

    Returns:
        64 hexadecimal digits.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def find_runs(root: Path | str, system_name: str) -> list[RunDirectory]:
    """List the finished runs of a system.

    Args:
        root: Directory of all runs of all systems.
        system_name: Name of the system.

    Returns:
        Runs that have a manifest, earliest first.
    """
    manifests = sorted((Path(root) / system_name).glob("*T*Z/manifest.json"))
    return [RunDirectory.at(manifest.parent) for manifest in manifests]


def _check_size(directory: Path, name: str, entry: FileEntry) -> None:
    path = directory / name
    if not path.is_file():
        raise InvalidDataError(f"run {directory}, {name}: expected this file of the manifest, found none")
    if path.stat().st_size != entry.size:
        raise InvalidDataError(
            f"run {directory}, {name}: changed since it was published, "
            f"expected {entry.size} bytes, found {path.stat().st_size}"
        )


def _check_hash(directory: Path, name: str, entry: FileEntry) -> None:
    found = file_hash(directory / name)
    if found != entry.sha256:
        raise InvalidDataError(
            f"run {directory}, {name}: changed since it was published, "
            f"expected sha256 {entry.sha256[:12]}…, found {found[:12]}…"
        )


def _file_names(run: Path) -> list[str]:
    names = [path.relative_to(run).as_posix() for path in sorted(run.rglob("*")) if path.is_file()]
    unfinished = [name for name in names if PARTIAL_SUFFIX in name]
    if unfinished:
        raise InvalidDataError(f"run {run}: expected finished files only, found {unfinished[0]}, which is incomplete")
    return [name for name in names if name != "manifest.json"]


def _entry_of(path: Path) -> FileEntry:
    if not path.is_file():
        raise InvalidDataError(f"{path}: expected a file for the manifest, found none")
    synchronise(path)
    return FileEntry(sha256=file_hash(path), size=path.stat().st_size)
