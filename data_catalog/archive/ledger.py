"""The ledger of an archive, a file of committed records: times that are not in it do not exist for readers.

Lines are chained by hash (`storage.chained_lines`). A line is appended and synced only after the chunks that it names
are on disk, so a process may be killed at any moment: a truncated last line is ignored. Before a chunk with committed
times is rewritten, an `intent` with the new hashes is recorded, so that both the old and the new chunk are valid until
the `commit`. `published` names the metadata and coordinates that other Zarr readers see.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_catalog.archive.header import Header
from data_catalog.archive.holes import Holes
from data_catalog.archive.releases import Releases
from data_catalog.archive.verdicts import Verdicts
from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.sources.archive_marks import LEDGER_NAME, no_ledger
from data_catalog.storage.atomic_files import append_durably, write_durably
from data_catalog.storage.chained_lines import CHAINED, chained_line, chained_lines, read_lines
from data_catalog.storage.object_path import AnyPath

COPY_NAME = "ledger.copy.jsonl"
"""A second copy of the ledger, from which damaged or lost lines are restored."""


@dataclass(frozen=True)
class StoredChunk:
    """Hash and size of a chunk file."""

    sha256: str
    size: int

    @classmethod
    def of(cls, content: bytes) -> "StoredChunk":
        """Hash and size of the bytes to be stored."""
        return cls(hashlib.sha256(content).hexdigest(), len(content))


@dataclass
class Block:
    """Times that share one chunk of each channel, in order of arrival."""

    times: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    chunks: dict[str, StoredChunk] = field(default_factory=dict)
    intended: dict[str, list[StoredChunk]] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)
    """How often the values of a time were replaced, of times for which they were."""

    def accepts(self, channel: str, content: bytes) -> bool:
        """Return whether these bytes are the committed chunk, or one that was about to replace it.

        Args:
            channel: Name of the channel.
            content: Bytes of its chunk file.
        """
        found = StoredChunk.of(content)
        return found == self.chunks[channel] or found in self.intended.get(channel, [])


class Ledger:
    """The records of one archive, read from its ledger file; the writer appends to both."""

    def __init__(self, path: AnyPath, header: Header, *, length: int, hashes: Sequence[str]) -> None:
        self.path = path
        self.header = header
        self.blocks: list[Block] = []
        self.published: dict[str, StoredChunk] = {}
        """Hash and size of each metadata and coordinate file by name, as last published."""
        self.is_published = False
        """Whether nothing has been committed since the last publication; False while an ingest is running or killed."""
        self.verdicts = Verdicts()
        """Verdicts on the times that were judged."""
        self.holes = Holes()
        """Times that a source was asked for and did not have."""
        self.releases = Releases()
        """Times that are preliminary."""
        self.last_commit = ""
        """Hash of the last line other than `published`; empty in a ledger of format 1."""
        self.length = length
        """Number of bytes up to the end of the last complete line."""
        self._hashes = list(hashes)

    @classmethod
    def read(cls, archive: AnyPath) -> "Ledger":
        """Read the ledger of an archive.

        Args:
            archive: Directory of the archive, or its address in object storage.

        Raises:
            MissingDataError: There is no archive.
            InvalidDataError: The ledger is damaged, or lost.
        """
        path = archive / LEDGER_NAME
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            if isinstance(archive, Path) and archive.is_dir() and any(archive.iterdir()):
                raise InvalidDataError(no_ledger(archive)) from None
            raise MissingDataError(f"{archive}: expected an archive (made by ingest), found none") from None
        except OSError as error:
            raise InvalidDataError(f"{path}: expected a readable file, found {error.strerror}") from error
        return cls.parsed(content, path)

    @classmethod
    def parsed(cls, content: bytes, path: AnyPath) -> "Ledger":
        """Read a ledger from its bytes.

        Args:
            content: Bytes of the file.
            path: Path of the file; errors start with it.

        Raises:
            InvalidDataError: A line is damaged, or does not follow the line before it.
        """
        lines = read_lines(content, str(path))
        header = lines.records[0] if lines.records else {}
        if header.get("record") != "archive" or header.get("format") != lines.format:
            raise InvalidDataError(f"{path}: expected an archive's ledger of format 1 or 2, found something else")
        ledger = cls(path, Header.from_record(header), length=lines.length, hashes=lines.hashes)
        for number, record in enumerate(lines.records):
            ledger._apply(record, lines.hashes[number] if lines.hashes else "")
        return ledger

    @property
    def file(self) -> Path:
        """The ledger file of an archive on disk; no other is written to line by line."""
        assert isinstance(self.path, Path), f"{self.path} is not on disk"
        return self.path

    @property
    def is_chained(self) -> bool:
        """Whether lines are chained by hash: False for an archive that no ingest has written to since format 1."""
        return bool(self._hashes)

    def knows(self, line_hash: str) -> bool:
        """Return whether a line with this hash is in the ledger.

        Args:
            line_hash: Hash of a line, as published.
        """
        return line_hash in self._hashes

    def upgrade(self) -> "Ledger":
        """Chain the lines of a ledger of format 1, and return it as read again; no other record changes."""
        if self.is_chained:
            return self
        header, *records = read_lines(self.file.read_bytes(), str(self.file)).records
        write_durably(self.file, chained_lines([{**header, "format": CHAINED}, *records]))
        return Ledger.read(self.file.parent)

    def intend(self, block: int, chunks: Mapping[str, StoredChunk]) -> None:
        """Record chunks that are about to replace committed chunks of a block, by channel."""
        self._append({"record": "intent", "block": block, "chunks": _as_lists(chunks)})

    def commit(
        self, block: int, times: Sequence[str], digests: Sequence[str], chunks: Mapping[str, StoredChunk]
    ) -> None:
        """Record the times added to a block, and its chunks, all of which are on disk.

        Args:
            block: Number of the block.
            times: Added times, ISO 8601, to the second; empty if the block was repaired.
            digests: Digest of the values of each time.
            chunks: The chunk of each channel.
        """
        self._append(_commit_record(block, Block([*times], [*digests], dict(chunks))))

    def commit_new(self, blocks: Sequence[Block]) -> None:
        """Record new blocks, whose chunks are all on disk; a kill leaves the first ones recorded, or none.

        Args:
            blocks: The blocks that follow those of the archive.
        """
        self._append(*(_commit_record(len(self.blocks) + number, one) for number, one in enumerate(blocks)))

    def replace(
        self, block: int, times: Sequence[str], digests: Sequence[str], chunks: Mapping[str, StoredChunk]
    ) -> None:
        """Record that the values of some times of a block were replaced, as the source corrected them.

        Args:
            block: Number of the block.
            times: Replaced times, ISO 8601, to the second.
            digests: Digest of the new values of each time.
            chunks: The chunk of each channel, which is on disk.
        """
        self._append(
            {"record": "replace", "block": block, "times": [*times], "digests": [*digests], "chunks": _as_lists(chunks)}
        )

    def correct_static(self, digests: Mapping[str, str]) -> None:
        """Record that fields without time are about to be replaced, as the source corrected them.

        Args:
            digests: SHA-256 of the new values of each, by name.
        """
        self._append({"record": "static", "static": dict(digests)})

    def judge(self, record: Mapping[str, Any]) -> None:
        """Record verdicts on some times, from `verdicts.record_of`."""
        self._append(dict(record))

    def note_holes(self, record: Mapping[str, Any]) -> None:
        """Record times that a source was asked for and did not have, from `holes.record_of`."""
        self._append(dict(record))

    def note_releases(self, record: Mapping[str, Any]) -> None:
        """Record which times are preliminary, and which no longer, from `Releases.record_of`."""
        self._append(dict(record))

    def publish(self, files: Mapping[str, StoredChunk]) -> None:
        """Record the metadata and coordinates that other Zarr readers see now, by name."""
        self._append({"record": "published", "files": _as_lists(files)})

    def _append(self, *records: dict[str, Any]) -> None:
        """Append records, all of them in one write."""
        lines, hashes = [], [self._hashes[-1]]
        for record in records:
            line, own = chained_line(record, hashes[-1])
            lines.append(line)
            hashes.append(own)
        append_durably(self.file, b"".join(lines), after=self.length)
        self.length += sum(map(len, lines))
        self._hashes += hashes[1:]
        for record, own in zip(records, hashes[1:], strict=True):
            self._apply(record, own)

    def _apply(self, record: Mapping[str, Any], own_hash: str) -> None:
        if record["record"] == "published":
            self.published, self.is_published = _as_chunks(record["files"]), True
            return
        self.last_commit, self.is_published = own_hash, False
        if record["record"] == "static":
            self.header = replace(self.header, static={**self.header.static, **record["static"]})
        elif record["record"] == "judged":
            self.verdicts.add(record)
        elif record["record"] == "holes":
            self.holes.add(record)
        elif record["record"] == "releases":
            self.releases.add(record)
        elif record["record"] != "archive":
            self._apply_to_block(record)

    def _apply_to_block(self, record: Mapping[str, Any]) -> None:
        index = record["block"]
        if index == len(self.blocks):
            self.blocks.append(Block())
        block = self.blocks[index]
        chunks = _as_chunks(record["chunks"])
        if record["record"] == "intent":
            for name, chunk in chunks.items():
                block.intended.setdefault(name, []).append(chunk)
            return
        if record["record"] == "replace":
            for time, digest in zip(record["times"], record["digests"], strict=True):
                block.digests[block.times.index(time)] = digest
                block.generations[time] = block.generations.get(time, 0) + 1
            self.verdicts.forget(record["times"])
        else:
            block.times += record["times"]
            block.digests += record["digests"]
            self.holes.fill(record["times"])
        block.chunks, block.intended = chunks, {}

    @property
    def count(self) -> int:
        """Number of times in the archive."""
        return sum(len(block.times) for block in self.blocks)

    def arrival_times(self) -> NDArray[np.datetime64]:
        """Times in order of arrival."""
        return np.array([time for block in self.blocks for time in block.times], "datetime64[ns]")

    def digest_by_time(self) -> dict[np.datetime64, str]:
        """Digest of the values of each time."""
        digests = (digest for block in self.blocks for digest in block.digests)
        return dict(zip(self.arrival_times(), digests, strict=True))

    def has_other_values(self, earlier: "Ledger") -> bool:
        """Return whether values have been replaced since an earlier state of the archive.

        Args:
            earlier: Ledger of the archive as it was read before.
        """
        return any(
            block.digests[: len(before.digests)] != before.digests
            for block, before in zip(self.blocks, earlier.blocks, strict=False)
        )

    def identity(self) -> str:
        """SHA-256 of grid, channels, times and values, independent of the order of arrival."""
        record = self.header.as_record()
        names = ("dataset", "channels", "static", "latitude", "longitude", "members")
        kept = {key: record[key] for key in names if key in record}
        sha = hashlib.sha256(json.dumps(kept, sort_keys=True).encode())
        for block_time, digest in sorted(
            (time, digest) for block in self.blocks for time, digest in zip(block.times, block.digests, strict=True)
        ):
            sha.update(f"{block_time} {digest}\n".encode())
        return sha.hexdigest()


def _commit_record(index: int, block: Block) -> dict[str, Any]:
    chunks = _as_lists(block.chunks)
    return {"record": "commit", "block": index, "times": block.times, "digests": block.digests, "chunks": chunks}


def _as_lists(chunks: Mapping[str, StoredChunk]) -> dict[str, list[str | int]]:
    return {name: [chunk.sha256, chunk.size] for name, chunk in chunks.items()}


def _as_chunks(lists: Mapping[str, Sequence[Any]]) -> dict[str, StoredChunk]:
    return {name: StoredChunk(*values) for name, values in lists.items()}
