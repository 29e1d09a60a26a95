"""Copies a published run to object storage, so that readers there never see a part of one.

First the files, in a folder of their own that no manifest names yet; each is proven by its checksum. Then the manifest,
in one conditional write, which publishes the run; then `latest.json`, in another. A copy that was killed is taken up by
the next one: what is there and sound is not sent again.
"""

import json
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from pydantic_core import from_json

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.storage.folder import Content, Fingerprint, Folder, Stored
from forecast.products.files.manifest import FileEntry, Manifest, parse_manifest
from forecast.products.files.runs import RunDirectory
from forecast.products.files.stored_runs import LATEST, MANIFEST, generation_of
from forecast.system.cycles import cycle_name

logger = logging.getLogger("plumecast")
_FILES_AT_ONCE = 8
_ATTEMPTS = 3
_LARGEST_COPY_BYTES = 5 << 30
"""Size up to which stores copy an object in one request."""


def copy_run(folder: Folder, run: RunDirectory) -> bool:
    """Copy a published run, unless it is there already.

    Args:
        folder: Where runs are published, the parent of the folders of the systems.
        run: The published run. It may be published again meanwhile; then that generation is copied.

    Returns:
        Whether there was something to copy.

    Raises:
        ConfigurationError: The store refuses to be written to, or there is no such bucket.
        MissingDataError: The run has no manifest, or the store does not answer.
        InvalidDataError: A file of the run has changed since it was published, or does not arrive as it was sent.
    """
    copied = False
    for attempt in range(1, _ATTEMPTS + 1):
        content = _manifest_bytes(run)
        copy = RunCopy(folder, run, content)
        try:
            copied |= copy.send_files()
            if copy.publish():
                return copied
        except (InvalidDataError, FileNotFoundError):
            if attempt == _ATTEMPTS or _manifest_bytes(run) == content:
                raise
    raise MissingDataError(
        f"{folder.place}: expected no other process publishing {run.stem} there, found one that does; try again later"
    )


@dataclass(frozen=True)
class RunCopy:
    """The copy of one generation of a run.

    Attributes:
        folder: Where runs are published.
        run: The run on disk.
        content: Bytes of its manifest.
    """

    folder: Folder
    run: RunDirectory
    content: bytes

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest."""
        return parse_manifest(self.content, str(self.run.manifest))

    @property
    def place(self) -> str:
        """Name of the run's folder."""
        return f"{self.run.system_name}/{cycle_name(self.run.init_time)}"

    @property
    def files_at(self) -> str:
        """Name of the folder of this generation's files."""
        return f"{self.place}/{generation_of(self.content)}"

    @cached_property
    def published(self) -> Content | None:
        """The manifest that is published there now."""
        return self.folder.read(f"{self.place}/{MANIFEST}")

    def send_files(self) -> bool:
        """Bring every file of the generation there, and prove it; return whether any was missing."""
        there = {stored.name: stored for stored in self.folder.listing(self.files_at)}
        is_published = self.published is not None and self.published.body == self.content
        missing = [name for name in self.manifest.files if not self._is_there(name, there, trusted=is_published)]
        earlier = self._earlier_files()
        with ThreadPoolExecutor(_FILES_AT_ONCE) as threads:
            list(threads.map(lambda name: self._send(name, earlier), missing))
        if f"{self.files_at}/{MANIFEST}" not in there:
            self.folder.write(f"{self.files_at}/{MANIFEST}", self.content)
        if missing:
            logger.info("Copied %d files of %s to %s", len(missing), self.run.path, self.folder.place)
        return bool(missing)

    def publish(self) -> bool:
        """Make this generation the one that readers find, and the run the latest if it is; return False if overtaken.

        The files are there.
        """
        before = self.published
        if (before is None or before.body != self.content) and not self.folder.put(
            f"{self.place}/{MANIFEST}", self.content, before
        ):
            return False
        return self._publish_latest()

    def _publish_latest(self) -> bool:
        name = f"{self.run.system_name}/{LATEST}"
        wanted = json.dumps(
            {
                "format": 1,
                "system": self.manifest.system,
                "init_time": self.manifest.init_time,
                "run": cycle_name(self.run.init_time),
                "files": f"{cycle_name(self.run.init_time)}/{generation_of(self.content)}",
            },
            indent=2,
        ).encode()
        for _ in range(_ATTEMPTS):
            before = self.folder.read(name)
            is_ours = before is not None and before.body == wanted
            if is_ours or _init_time(before) > self.manifest.init_time or self.folder.put(name, wanted, before):
                return True
        return False

    def _is_there(self, name: str, there: Mapping[str, Stored], *, trusted: bool) -> bool:
        """Return whether a file is there: by its size alone once the generation is published, else by its checksum."""
        stored, entry = there.get(f"{self.files_at}/{name}"), self.manifest.files[name]
        if stored is None or stored.size != entry.size:
            return False
        return trusted or self.folder.holds(stored.name, self._fingerprint(name))

    def _earlier_files(self) -> dict[FileEntry, str]:
        """Where the generation that is published now has its files, by their checksum and size."""
        if self.published is None or self.published.body == self.content:
            return {}
        try:
            earlier = parse_manifest(self.published.body, f"{self.folder.place}/{self.place}/{MANIFEST}")
        except InvalidDataError:
            return {}
        files_at = f"{self.place}/{generation_of(self.published.body)}"
        there = {stored.name for stored in self.folder.listing(files_at)}
        names = {entry: f"{files_at}/{name}" for name, entry in earlier.files.items()}
        return {entry: name for entry, name in names.items() if name in there and entry.size <= _LARGEST_COPY_BYTES}

    def _send(self, name: str, earlier: Mapping[FileEntry, str]) -> None:
        """Copy a file within the store if it is there, else send it; prove that it has arrived."""
        target, fingerprint = f"{self.files_at}/{name}", self._fingerprint(name)
        if (same := earlier.get(self.manifest.files[name])) is not None:
            self.folder.copy(same, target)
            if self.folder.holds(target, fingerprint):
                return
        for _ in range(_ATTEMPTS):
            self.folder.write(target, self.run.path / name)
            if self.folder.holds(target, fingerprint):
                return
        raise InvalidDataError(f"{self.folder.place}/{target}: expected the bytes that were sent, found others")

    def _fingerprint(self, name: str) -> Fingerprint:
        """Read a file of the run, and prove it by the manifest before anybody else gets it."""
        found, expected = Fingerprint.of(self.run.path / name), self.manifest.files[name].sha256
        if found.sha256 != expected:
            raise InvalidDataError(
                f"run {self.run.path}, {name}: changed since it was published, "
                f"expected sha256 {expected[:12]}…, found {found.sha256[:12]}…"
            )
        return found


def _manifest_bytes(run: RunDirectory) -> bytes:
    try:
        return run.manifest.read_bytes()
    except FileNotFoundError:
        raise MissingDataError(f"run {run.path}: expected manifest.json, found none; the run is not finished") from None


def _init_time(latest: Content | None) -> str:
    """Init time of the run that `latest.json` names; empty if it names none."""
    if latest is None:
        return ""
    try:
        found = from_json(latest.body)
    except ValueError:
        return ""
    return str(found.get("init_time", "")) if isinstance(found, dict) else ""
