"""A folder on disk, in the ways of folders anywhere."""

import hashlib
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from data_catalog.storage.atomic_files import atomic_path, create_durably, disk_errors, write_durably
from data_catalog.storage.folder import Content, Fingerprint, Folder, Stored, Version
from data_catalog.storage.locks import lock

_PATIENCE_S = 30.0
"""How long a conditional write waits for another one of the same file."""


class LocalFolder(Folder):
    """A directory on disk; it need not exist before something is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = str(path)

    def read(self, name: str) -> Content | None:
        """Return the content of a file; None if there is none."""
        try:
            body = (self.path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Content(body, _version(body))

    def fetch(self, name: str, target: Path | None = None) -> str | None:
        """Read a file block by block; return its SHA-256, None if there is no such file."""
        file = self.path / name
        if not file.is_file():
            return None
        if target is None:
            return Fingerprint.of(file).sha256
        shutil.copyfile(file, target)
        return Fingerprint.of(target).sha256

    def listing(self, below: str = "") -> list[Stored]:
        """Return the files of the folder, also those in folders within it; hidden ones are left out."""
        found = []
        for directory, _, names in os.walk(self.path / below):
            for name in names:
                file = Path(directory, name)
                relative = file.relative_to(self.path)
                with suppress(FileNotFoundError):  # deleted meanwhile
                    if not any(part.startswith(".") for part in relative.parts):
                        status = file.stat()
                        changed = datetime.fromtimestamp(status.st_mtime, UTC)
                        found.append(Stored(relative.as_posix(), status.st_size, changed))
        return sorted(found, key=lambda each: each.name)

    def holds(self, name: str, expected: Fingerprint) -> bool:
        """Return whether a file is stored with a known content."""
        file = self.path / name
        return file.is_file() and file.stat().st_size == expected.size and Fingerprint.of(file) == expected

    def write(self, name: str, content: bytes | Path) -> None:
        """Write a whole file, whether it exists or not."""
        if isinstance(content, bytes):
            write_durably(self.path / name, content)
            return
        with atomic_path(self.path / name) as partial, disk_errors(self.path / name):
            shutil.copyfile(content, partial)

    def create(self, name: str, content: bytes) -> bool:
        """Write a file that must not exist yet; of several that try at once, one succeeds."""
        try:
            create_durably(self.path / name, content)
        except FileExistsError:
            return (self.path / name).read_bytes() == content
        return True

    def replace(self, name: str, content: bytes, version: Version) -> bool:
        """Replace a file that is still as it was read; of several that try at once, one succeeds."""
        file = self.path / name
        held = file.with_name(f".{file.name}.lock")
        with lock(held, str(file), patience_seconds=_PATIENCE_S):
            now = self.read(name)
            is_as_read = now is not None and now.version == version
            if is_as_read:
                write_durably(file, content)
            held.unlink()
        return is_as_read or (now is not None and now.body == content)

    def copy(self, source: str, target: str) -> None:
        """Write a file with the content of another one of the folder."""
        self.write(target, self.path / source)

    def delete(self, names: Iterable[str]) -> None:
        """Delete files, and folders that are empty then; those that do not exist are passed over."""
        for file in (self.path / name for name in names):
            with disk_errors(file):
                file.unlink(missing_ok=True)
            for parent in file.parents[: len(file.relative_to(self.path).parts) - 1]:
                with suppress(OSError):
                    parent.rmdir()


def _version(body: bytes) -> Version:
    return {"sha256": hashlib.sha256(body).hexdigest()}
