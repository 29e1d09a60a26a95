"""Runs in object storage: where their files lie, and the proof that they are what was published.

    <system>/latest.json                         the latest run, replaced in one step
    <system>/<cycle>/manifest.json               the manifest, which publishes the run in one step
    <system>/<cycle>/<generation>/...            the files of the run as that manifest lists them, and a copy of it

An object store cannot rename, and a run is published again with its scores. So the files of each generation lie under
the beginning of the SHA-256 of its manifest: none of them ever changes, and a reader who has a manifest finds the files
that belong to it.
"""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.storage.folder import Folder
from data_catalog.storage.folders import folder_at
from forecast.products.files.manifest import Manifest, parse_manifest
from forecast.products.files.proof import prove_manifest
from forecast.products.files.runs import RunDirectory

MANIFEST = "manifest.json"
LATEST = "latest.json"
_GENERATION_DIGITS = 16


def generation_of(manifest: bytes) -> str:
    """Return the name of the folder of the files that a manifest lists.

    Args:
        manifest: Bytes of the manifest.
    """
    return hashlib.sha256(manifest).hexdigest()[:_GENERATION_DIGITS]


def prove_stored_run(place: Path | str) -> Manifest:
    """Prove a run in object storage: read all of its files, and compare them with the manifest and it with them.

    A run directory that was copied as it is, with its files beside the manifest, is proven as well.

    Args:
        place: URL or path of the run, such as s3://bucket/forecasts/speedy-5p6/20080115T0000Z.

    Returns:
        The manifest.

    Raises:
        ConfigurationError: The place is no such URL, or may not be read.
        MissingDataError: The run has no manifest, or the store does not answer.
        InvalidDataError: A file is absent or changed, or the manifest says something else than the forecast file.
    """
    folder = folder_at(place)
    content = folder.read(MANIFEST)
    if content is None:
        raise MissingDataError(f"run {folder.place}: expected {MANIFEST}, found none; the run is not finished")
    where = f"{folder.place}/{MANIFEST}"
    manifest = parse_manifest(content.body, where)
    generation = f"{generation_of(content.body)}/"
    beside = "" if folder.read(f"{generation}{MANIFEST}") is None else generation
    with TemporaryDirectory() as scratch:
        # RunDirectory.at refuses a name that is no init time, so that a forged one cannot leave the directory.
        run = _mirror(Path(scratch), folder)
        run.path.mkdir(parents=True)
        for name in manifest.files:
            _check_file(folder, beside, manifest, name, run.forecast if name == run.forecast.name else None)
        prove_manifest(manifest, run, where)
    return manifest


def _mirror(root: Path, folder: Folder) -> RunDirectory:
    """Return a run directory below another root, for the run of a folder, by the names at the end of its place."""
    names = folder.place.rstrip("/").split("/")[-2:]
    if len(names) < 2 or names[0] in ("", ".", ".."):
        raise InvalidDataError(f"run {folder.place}: expected a place that ends in <system>/<cycle>")
    return RunDirectory.at(root.joinpath(*names))


def _check_file(folder: Folder, beside: str, manifest: Manifest, name: str, target: Path | None) -> None:
    """Read a file of the manifest and compare its checksum; keep it where a target is given."""
    expected, found = manifest.files[name].sha256, folder.fetch(f"{beside}{name}", target)
    if found is None:
        raise InvalidDataError(f"run {folder.place}, {name}: expected this file of the manifest, found none")
    if found != expected:
        raise InvalidDataError(
            f"run {folder.place}, {name}: changed since it was published, "
            f"expected sha256 {expected[:12]}…, found {found[:12]}…"
        )
