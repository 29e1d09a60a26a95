"""Copies an archive to object storage, where it is read in place, through its ledger, as on disk.

A reader believes nothing that the ledger does not say. So chunks are sent first, and proven there; then the ledger
replaces the one before in a single conditional write; what other Zarr readers see follows. A chunk that is replaced is
kept under its hash until the ledger is there, so that readers of the ledger before find what it says. A copy that was
killed at any moment is taken up by the next. One machine at a time copies to a place: it holds a lease there.
"""

import hashlib
import socket
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from data_catalog.archive.chunks import SUPERSEDED, chunk_name
from data_catalog.archive.layout import static_file
from data_catalog.archive.ledger import COPY_NAME, Ledger
from data_catalog.archive.publication import check_no_lost_lines, content_of, published_files
from data_catalog.archive.reading import read_static_field
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.sources.archive_marks import LEDGER_NAME
from data_catalog.storage.chained_lines import longest_chain
from data_catalog.storage.folder import Content, Fingerprint, Folder, Stored
from data_catalog.storage.leases import lease

_FILES_AT_ONCE = 8
_ATTEMPTS = 3


class _ReplacedError(Exception):
    """A chunk is no longer what the ledger said of it when the copy began."""


def copy_archive(
    archive: Path,
    folder: Folder,
    *,
    prove: bool = False,
    doubted: Collection[str] = (),
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Copy what an archive in object storage lacks; the archive may be written to meanwhile.

    Args:
        archive: Directory of the archive.
        folder: Folder of the copy; nothing, or an earlier copy of the same archive.
        prove: Whether to prove every file that is there, and to send again those that are damaged.
        doubted: Names of files to prove though not all are.
        on_progress: Called with the number of chunks and fields that are there, of `file_count`.

    Returns:
        Number of chunks and fields that were sent.

    Raises:
        ConfigurationError: The folder holds something else, or may not be written to.
        MissingDataError: There is no archive, the store does not answer, or another process copies to the same place.
        InvalidDataError: A chunk of the archive is damaged.
    """
    for _ in range(_ATTEMPTS):
        ledger = _sound(archive)
        try:
            every = _files_of(ledger) if prove else doubted
            return ArchiveCopy(archive, folder, ledger, frozenset(every)).run(on_progress)
        except _ReplacedError as replaced:
            if _sound(archive).length == ledger.length:
                raise InvalidDataError(
                    f"{archive}/{replaced}: expected what the ledger says, found another content or none; "
                    f"'plumecast archive heal {ledger.header.dataset}' mends it"
                ) from None
    raise MissingDataError(f"{archive}: expected an archive at rest, found one that is written to; try again later")


def file_count(archive: Path) -> int:
    """Return the number of chunks and of fields without time in an archive.

    Args:
        archive: Directory of the archive.

    Raises:
        MissingDataError: There is no archive.
        InvalidDataError: The ledger is damaged or lost.
    """
    return len(_files_of(_sound(archive)))


def _sound(archive: Path) -> Ledger:
    ledger = Ledger.read(archive)
    check_no_lost_lines(archive, ledger)
    if not ledger.is_chained:
        raise InvalidDataError(f"{archive}: expected a chained ledger, found one of format 1; ingest into it once")
    return ledger


@dataclass(frozen=True)
class ArchiveCopy:
    """The copy of an archive as one state of its ledger says.

    Attributes:
        archive: Directory of the archive.
        folder: Folder of the copy.
        ledger: Ledger of the archive.
        doubted: Names of the files that are proven though they are there.
    """

    archive: Path
    folder: Folder
    ledger: Ledger
    doubted: frozenset[str] = frozenset()

    def run(self, on_progress: Callable[[int], None] | None = None) -> int:
        """Bring everything there; return how many chunks and fields were sent.

        Args:
            on_progress: Called with the number of chunks and fields that are there, of `file_count`.
        """
        with lease(self.folder, _holder(self.archive)) as renew:
            sent = self._send_all(renew, on_progress)
            self._publish()
        return sent

    def _send_all(self, renew: Callable[[], None], on_progress: Callable[[int], None] | None) -> int:
        missing, sent = list(self._missing()), 0
        with ThreadPoolExecutor(_FILES_AT_ONCE) as threads:
            for done, is_new in enumerate(threads.map(self._send, missing), 1):
                sent += is_new
                renew()
                if on_progress is not None:
                    on_progress(len(_files_of(self.ledger)) - len(missing) + done)
        return sent

    def _publish(self) -> None:
        """Replace the ledger there, and then what other Zarr readers see."""
        if not self.folder.put(LEDGER_NAME, self._content, self._before):
            raise MissingDataError(
                f"{self.folder.place}: expected no other process copying there, found one that does; try again later"
            )
        for name, content in published_files(self.ledger).items():
            self._write_if_new(name, content)
        self._write_if_new(COPY_NAME, self._content)
        self.folder.delete([stored.name for stored in self.folder.listing(SUPERSEDED)])

    @cached_property
    def _content(self) -> bytes:
        """Bytes of the ledger, as far as it was read."""
        return self.ledger.file.read_bytes()[: self.ledger.length]

    @cached_property
    def _before(self) -> Content | None:
        """The ledger that is there now, which ours must continue; where it is damaged, its copy there completes it."""
        before = self.folder.read(LEDGER_NAME)
        if before is None:
            if (found := self.folder.read("zarr.json")) is not None and not self._is_ours(found.body):
                raise ConfigurationError(
                    f"{self.folder.place}: expected nothing or a copy of this archive, found other Zarr"
                )
            return None
        copied = self.folder.read(COPY_NAME)
        recorded = longest_chain([before.body, b"" if copied is None else copied.body])
        if not recorded or not self._content.startswith(recorded):
            raise ConfigurationError(
                f"{self.folder.place}: expected a copy of {self.archive}, found one of another archive, or a later one"
            )
        return Content(recorded, before.version)

    def _is_ours(self, group: bytes) -> bool:
        return group == published_files(self.ledger)["zarr.json"]

    @cached_property
    def _theirs(self) -> Mapping[str, str]:
        """What the ledger there says of each file: SHA-256 of chunks, digest of fields without time."""
        before = self._before
        return {} if before is None else _files_of(Ledger.parsed(before.body, self.archive / LEDGER_NAME))

    @cached_property
    def _there(self) -> dict[str, Stored]:
        return {stored.name: stored for stored in self.folder.listing()}

    def _missing(self) -> Iterator[str]:
        """Names of the files that are not there, or that the ledger there does not name, or that are to be proven."""
        for name, digest in _files_of(self.ledger).items():
            if name in self.doubted or name not in self._there or self._theirs.get(name) != digest:
                yield name

    def _send(self, name: str) -> bool:
        """Send a chunk or a field without time, and prove that it has arrived; return False if it was there."""
        content = self._content_of(name)
        fingerprint = Fingerprint.of(content)
        if name in self._there and self.folder.holds(name, fingerprint):
            return False
        kept = f"{SUPERSEDED}/{self._theirs.get(name)}"
        if name in self._theirs and name in self._there and kept not in self._there:
            self.folder.copy(name, kept)
        for _ in range(_ATTEMPTS):
            self.folder.write(name, content)
            if self.folder.holds(name, fingerprint):
                return True
        raise InvalidDataError(f"{self.folder.place}/{name}: expected the bytes that were sent, found others")

    def _content_of(self, name: str) -> bytes:
        """Read a file of the archive, and prove it by the ledger before anybody else gets it."""
        channel, _, chunk = name.partition("/")
        content = content_of(self.archive / name)
        if channel in self.ledger.header.static:
            read_static_field(self.archive, self.ledger.header, channel)
        elif content is None or not self.ledger.blocks[int(chunk.split(".")[1])].accepts(channel, content):
            raise _ReplacedError(name)
        assert content is not None
        return content

    def _write_if_new(self, name: str, content: bytes) -> None:
        if name not in self._there or not self.folder.holds(name, Fingerprint.of(content)):
            self.folder.write(name, content)


def _holder(archive: Path) -> str:
    """Words for the machine and the directory that copies come from, the same for each of its runs."""
    words = f"{socket.gethostname()} {uuid.getnode()} {archive.absolute()}"
    return hashlib.sha256(words.encode()).hexdigest()


def _files_of(ledger: Ledger) -> dict[str, str]:
    """What a ledger says of each of its files, by name."""
    dims = len(ledger.header.chunk_shape)
    chunks = {
        f"{channel}/{chunk_name(dims, number)}": chunk.sha256
        for number, block in enumerate(ledger.blocks)
        for channel, chunk in block.chunks.items()
    }
    return {static_file(name): digest for name, digest in ledger.header.static.items()} | chunks
