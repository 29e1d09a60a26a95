"""A folder in an object store: Amazon S3, Google Cloud Storage, Azure, and what speaks as they do; HTTP to read only.

Each request is repeated while that may help (`patience`). Credentials come from the environment alone.
"""

import hashlib
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError

from data_catalog.errors import ConfigurationError, PlumecastError
from data_catalog.storage.folder import Content, Fingerprint, Folder, Stored, Version
from data_catalog.storage.object_stores import object_store
from data_catalog.storage.patience import ask, explained, patience_for

_WHOLE_BYTES = 16 << 20
"""Files up to this size are sent in one request, and have their MD5 as ETag on S3; larger ones go in parts."""
_PART_BYTES = 16 << 20
_PARTS_AT_ONCE = 4
_DELETED_AT_ONCE = 500
T = TypeVar("T")


class ObjectFolder(Folder):
    """The objects below a URL."""

    def __init__(self, url: str) -> None:
        """Connect to nothing yet.

        Args:
            url: s3://, gs://, az://, http:// or https://.

        Raises:
            ConfigurationError: It is a URL of another kind.
        """
        self.place = url.rstrip("/")
        self._store = object_store(self.place)
        self._patience = patience_for(self.place)

    def read(self, name: str) -> Content | None:
        """Return the content of an object; None if there is none."""
        return self._ask(lambda: self._read(name), name)

    def fetch(self, name: str, target: Path | None = None) -> str | None:
        """Read an object block by block; return its SHA-256, None if there is no such object."""
        return self._ask(lambda: self._fetch(name, target), name)

    def listing(self, below: str = "") -> list[Stored]:
        """Return the objects of the folder; hidden ones are left out."""
        found = self._ask(lambda: self._listing(below), below)
        return sorted(found, key=lambda each: each.name)

    def holds(self, name: str, expected: Fingerprint) -> bool:
        """Return whether an object is stored with a known content: by an ETag that is its MD5, else by reading it."""
        known = self._ask(lambda: self._head(name), name)
        if known is None or known.size != expected.size:
            return False
        return (known.etag or "").strip('"') == expected.md5 or self.fetch(name) == expected.sha256

    def size(self, name: str) -> int | None:
        """Return the size of an object in bytes; None if there is none.

        Args:
            name: Its name.
        """
        known = self._ask(lambda: self._head(name), name)
        return None if known is None else known.size

    def write(self, name: str, content: bytes | Path) -> None:
        """Write a whole object, whether it exists or not."""
        if isinstance(content, Path) and content.stat().st_size > _WHOLE_BYTES:
            self._write_in_parts(name, content)
            return
        body = content if isinstance(content, bytes) else content.read_bytes()
        self._ask(lambda: obstore.put(self._store, name, body, use_multipart=False), name, to="write")

    def create(self, name: str, content: bytes) -> bool:
        """Write an object that must not exist yet; of several that try at once, one succeeds."""
        return self._put_if(name, content, "create")

    def replace(self, name: str, content: bytes, version: Version) -> bool:
        """Replace an object that is still as it was read; of several that try at once, one succeeds."""
        return self._put_if(name, content, dict(version))

    def copy(self, source: str, target: str) -> None:
        """Write an object with the content of another one, within the store."""
        self._ask(lambda: obstore.copy(self._store, source, target), target, to="write")

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; those that do not exist are passed over."""
        all_names = list(names)
        for first in range(0, len(all_names), _DELETED_AT_ONCE):
            some = all_names[first : first + _DELETED_AT_ONCE]
            self._ask(lambda some=some: self._delete(some), some[0], to="delete")  # type: ignore[misc]

    def _write_in_parts(self, name: str, path: Path) -> None:
        with path.open("rb") as file:

            def send() -> None:
                file.seek(0)
                obstore.put(self._store, name, file, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE)

            self._ask(send, name, to="write")

    def _put_if(self, name: str, content: bytes, mode: Any) -> bool:
        """Write on a condition. An answer that was lost makes a second request find what the first one wrote."""

        def send() -> bool:
            try:
                obstore.put(self._store, name, content, mode=mode, use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return False
            return True

        if self._ask(send, name, to="write"):
            return True
        now = self.read(name)
        return now is not None and now.body == content

    def _ask(self, request: Callable[[], T], name: str, *, to: str = "read") -> T:
        """Return the answer to a request, which is repeated while that may help; raise one line about the place."""
        what = f"{self.place}/{name}" if name else self.place
        try:
            return ask(lambda: _found(request, self.place, to), self._patience, what)
        except PlumecastError:
            raise
        except Exception as error:
            raise explained(error, what, "an object store that answers", to=to) from error

    def _read(self, name: str) -> Content | None:
        try:
            found = obstore.get(self._store, name)
        except FileNotFoundError:
            return None
        stated = {"e_tag": found.meta["e_tag"], "version": found.meta["version"]}
        return Content(bytes(found.bytes()), {key: value for key, value in stated.items() if value})

    def _fetch(self, name: str, target: Path | None) -> str | None:
        try:
            found = obstore.get(self._store, name)
        except FileNotFoundError:
            return None
        digest = hashlib.sha256()
        with ExitStack() as stack:
            file = None if target is None else stack.enter_context(target.open("wb"))
            for block in found.stream():
                digest.update(block)
                if file is not None:
                    file.write(block)
        return digest.hexdigest()

    def _head(self, name: str) -> Stored | None:
        try:
            return _stored(obstore.head(self._store, name))
        except FileNotFoundError:
            return None

    def _listing(self, below: str) -> list[Stored]:
        try:
            found = [_stored(meta) for metas in obstore.list(self._store, below or None) for meta in metas]
        except FileNotFoundError:
            return []
        return [each for each in found if not any(part.startswith(".") for part in each.name.split("/"))]

    def _delete(self, names: list[str]) -> None:
        try:
            obstore.delete(self._store, names)
        except FileNotFoundError:
            for name in names if len(names) > 1 else []:
                self._delete([name])


def _found(request: Callable[[], T], place: str, to: str) -> T:
    try:
        return request()
    except FileNotFoundError as error:
        raise ConfigurationError(f"{place}: expected an existing bucket to {to}, found none") from error


def _stored(meta: Any) -> Stored:
    return Stored(meta["path"], meta["size"], meta["last_modified"], meta["e_tag"])
