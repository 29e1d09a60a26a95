"""The manifest: what a run consists of, written last, so that a run without one does not exist for readers."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.storage.atomic_files import PARTIAL_SUFFIX, synchronise, write_durably
from forecast.products.files.runs import RunDirectory

FORMAT = 1
BLOCK_BYTES = 1 << 20


def write_manifest(
    run: Path | str,
    *,
    system_name: str,
    system_hash: str,
    model_id: str,
    data_hash: str,
    init_time: np.datetime64,
    seeds: Mapping[str, str] | Sequence[str],
    expected: Mapping[str, Any],
    delivered: Mapping[str, Any],
) -> Path:
    """Make a run exist: write, last and atomically, the size and sha256 of each of its files and what made them.

    Args:
        run: Run directory, otherwise complete.
        system_name: Name of the system.
        system_hash: Identity of what decides the members.
        model_id: Identity of the weights.
        data_hash: Identity of the analysis that the members started from.
        init_time: Initial time of the cycle.
        seeds: Seed per member, in the members' order or by member number.
        expected: What the system asked for, such as members and lead hours.
        delivered: What is in the files, in the same words.

    Raises:
        InvalidDataError: Delivered is not what was expected, or a file is half written.
    """
    for key, value in expected.items():
        if delivered.get(key) != value:
            raise InvalidDataError(f"run {run}: expected {key} {value}, delivered {delivered.get(key)}")
    content = {
        "format": FORMAT,
        "system": system_name,
        "init_time": np.datetime_as_string(init_time, unit="m") + "Z",
        "system_hash": system_hash,
        "model_id": model_id,
        "data_hash": data_hash,
        "seeds": dict(seeds) if isinstance(seeds, Mapping) else list(seeds),
        "expected": dict(expected),
        "delivered": dict(delivered),
        "files": {name: _describe(Path(run) / name) for name in _file_names(Path(run))},
    }
    return _write(Path(run) / "manifest.json", content)


def extend_manifest(run: Path | str, files: Sequence[Path]) -> Path:
    """Take files that were added to or replaced in a finished run, such as its scores and page, into its manifest.

    Raises:
        InvalidDataError: One of the other files has changed its size or is gone.
    """
    directory = Path(run)
    content = read_manifest(directory)
    names = {file.resolve().relative_to(directory.resolve()).as_posix() for file in files}
    for name, entry in content["files"].items():
        if name not in names:
            _check_size(directory, name, entry)
    content["files"].update({name: _describe(directory / name) for name in sorted(names)})
    return _write(directory / "manifest.json", content)


def read_manifest(run: Path | str) -> dict[str, Any]:
    """The manifest of a run.

    Raises:
        MissingDataError: The run has none: it is not finished.
        InvalidDataError: It is not a manifest.
    """
    path = Path(run) / "manifest.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingDataError(f"run {run}: it has no manifest.json, so it is not finished") from error
    except ValueError as error:
        raise InvalidDataError(f"{path}: not a manifest ({error})") from error
    if not isinstance(content, dict) or not isinstance(content.get("files"), dict) or content.get("format") != FORMAT:
        raise InvalidDataError(f"{path}: expected a manifest of format {FORMAT}")
    return content


def is_complete(run: Path | str) -> bool:
    """Whether a run has a manifest and every file of it has its size; reads no file's content."""
    try:
        content = read_manifest(run)
        for name, entry in content["files"].items():
            _check_size(Path(run), name, entry)
    except (MissingDataError, InvalidDataError):
        return False
    return bool(content["files"])


def verify_manifest(run: Path | str) -> dict[str, Any]:
    """Read every file of a run and compare it with the manifest.

    Returns:
        The manifest.

    Raises:
        MissingDataError: The run has no manifest.
        InvalidDataError: A file is missing or changed; it is named. Or the manifest names no file at all.
    """
    directory = Path(run)
    content = read_manifest(directory)
    if not content["files"]:
        raise InvalidDataError(f"{directory / 'manifest.json'}: expected files, found none")
    for name, entry in content["files"].items():
        _check_size(directory, name, entry)
        found = file_hash(directory / name)
        if found != entry["sha256"]:
            raise InvalidDataError(
                f"run {directory}, {name}: changed since it was published, "
                f"expected sha256 {entry['sha256'][:12]}…, found {found[:12]}…"
            )
    return content


def file_hash(path: Path) -> str:
    """sha256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def find_runs(root: Path | str, system_name: str) -> list[RunDirectory]:
    """Finished runs of a system under the directory of all runs, earliest first."""
    manifests = sorted((Path(root) / system_name).glob("*T*Z/manifest.json"))
    return [RunDirectory.at(manifest.parent) for manifest in manifests]


def _check_size(directory: Path, name: str, entry: Mapping[str, Any]) -> None:
    path = directory / name
    if not path.is_file():
        raise InvalidDataError(f"run {directory}, {name}: named in the manifest, but not there")
    if path.stat().st_size != entry["size"]:
        raise InvalidDataError(
            f"run {directory}, {name}: changed since it was published, "
            f"expected {entry['size']} bytes, found {path.stat().st_size}"
        )


def _file_names(run: Path) -> list[str]:
    names = [path.relative_to(run).as_posix() for path in sorted(run.rglob("*")) if path.is_file()]
    unfinished = [name for name in names if PARTIAL_SUFFIX in name]
    if unfinished:
        raise InvalidDataError(f"run {run}, {unfinished[0]}: half written, the run cannot be published")
    return [name for name in names if name != "manifest.json"]


def _describe(path: Path) -> dict[str, str | int]:
    if not path.is_file():
        raise InvalidDataError(f"{path}: expected a file to put into the manifest, found none")
    synchronise(path)
    return {"sha256": file_hash(path), "size": path.stat().st_size}


def _write(path: Path, content: Mapping[str, Any]) -> Path:
    return write_durably(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
