"""The ledger of an archive, a file of committed records: times that are not in it do not exist for readers.

Each line is a checksum and a JSON object. A line is appended and synced only after the chunks that it names are on
disk, so a process may be killed at any moment: a truncated last line is ignored. Before a chunk with committed times is
replaced, an `intent` with the new hashes is recorded, so that both the old and the new chunk are valid until the
`commit`.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.storage.atomic_files import append_durably

LEDGER_NAME = "ledger.jsonl"
_FORMAT = 1


@dataclass(frozen=True)
class Header:
    """The fixed properties of an archive."""

    dataset: str
    channels: tuple[str, ...]
    static: Mapping[str, str]
    """SHA-256 of the values of each channel without time, by name."""
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    times_per_block: int
    attributes: Mapping[str, str]
    field_attributes: Mapping[str, Mapping[str, str]]

    def as_record(self) -> dict[str, Any]:
        """The header as the JSON object of the ledger's first line."""
        return {
            "record": "archive",
            "format": _FORMAT,
            "dataset": self.dataset,
            "channels": list(self.channels),
            "static": dict(self.static),
            "latitude": self.latitude.tolist(),
            "longitude": self.longitude.tolist(),
            "times_per_block": self.times_per_block,
            "attributes": dict(self.attributes),
            "field_attributes": {name: dict(attributes) for name, attributes in self.field_attributes.items()},
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Header":
        """Build the header from the JSON object of the ledger's first line."""
        return cls(
            dataset=record["dataset"],
            channels=tuple(record["channels"]),
            static=record["static"],
            latitude=np.array(record["latitude"], np.float64),
            longitude=np.array(record["longitude"], np.float64),
            times_per_block=record["times_per_block"],
            attributes=record["attributes"],
            field_attributes=record["field_attributes"],
        )


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

    def __init__(self, path: Path, header: Header, blocks: list[Block], length: int) -> None:
        self.path = path
        self.header = header
        self.blocks = blocks
        self._length = length

    @classmethod
    def read(cls, archive: Path) -> "Ledger":
        """Read the ledger of an archive.

        Args:
            archive: Directory of the archive.

        Raises:
            MissingDataError: There is no archive.
            InvalidDataError: The ledger is damaged.
        """
        path = archive / LEDGER_NAME
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise MissingDataError(f"{archive}: expected an archive (made by ingest), found none") from None
        *lines, unfinished = content.split(b"\n")
        records = [_parsed(line, f"{path}: line {number}") for number, line in enumerate(lines, 1)]
        if not records or records[0].get("record") != "archive" or records[0].get("format") != _FORMAT:
            raise InvalidDataError(f"{path}: expected an archive's ledger of format {_FORMAT}, found something else")
        ledger = cls(path, Header.from_record(records[0]), [], len(content) - len(unfinished))
        for record in records[1:]:
            ledger._apply(record)
        return ledger

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
        self._append(
            {"record": "commit", "block": block, "times": [*times], "digests": [*digests], "chunks": _as_lists(chunks)}
        )

    def _append(self, record: dict[str, Any]) -> None:
        line = ledger_line(record)
        append_durably(self.path, line, after=self._length)
        self._length += len(line)
        self._apply(record)

    def _apply(self, record: Mapping[str, Any]) -> None:
        index = record["block"]
        if index == len(self.blocks):
            self.blocks.append(Block())
        block = self.blocks[index]
        chunks = {name: StoredChunk(*values) for name, values in record["chunks"].items()}
        if record["record"] == "intent":
            for name, chunk in chunks.items():
                block.intended.setdefault(name, []).append(chunk)
            return
        block.times += record["times"]
        block.digests += record["digests"]
        block.chunks = chunks
        block.intended = {}

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

    def identity(self) -> str:
        """SHA-256 of grid, channels, times and values, independent of the order of arrival."""
        record = self.header.as_record()
        kept = {key: record[key] for key in ("dataset", "channels", "static", "latitude", "longitude")}
        sha = hashlib.sha256(json.dumps(kept, sort_keys=True).encode())
        for block_time, digest in sorted(
            (time, digest) for block in self.blocks for time, digest in zip(block.times, block.digests, strict=True)
        ):
            sha.update(f"{block_time} {digest}\n".encode())
        return sha.hexdigest()


def ledger_line(record: Mapping[str, Any]) -> bytes:
    """Encode a record as a line with its checksum.

    Args:
        record: The record, written as JSON.
    """
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _parsed(line: bytes, what: str) -> dict[str, Any]:
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        raise InvalidDataError(
            f"{what}: expected checksum {zlib.crc32(text):08x}, found {checksum[:8]!r}: it is damaged"
        )
    record: dict[str, Any] = json.loads(text)
    return record


def _as_lists(chunks: Mapping[str, StoredChunk]) -> dict[str, list[str | int]]:
    return {name: [chunk.sha256, chunk.size] for name, chunk in chunks.items()}
