"""Lines of an append-only ledger, chained by hash, so that a lost, repeated, moved or altered line breaks the chain.

A line is a hash, a space and a JSON object; the hash covers the hash of the line before and the object. Ledgers of
format 1 have a checksum of each line instead, which does not show that a line is lost.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pydantic_core import from_json

from data_catalog.errors import InvalidDataError

CHAINED, CHECKED = 2, 1
"""Formats of a ledger: lines chained by hash, and lines with a checksum each."""
_CHECKSUM_LENGTH = 8


@dataclass(frozen=True)
class Lines:
    """The complete lines of a ledger.

    Attributes:
        records: The JSON object of each line.
        hashes: The hash of each line; empty for format 1.
        length: Number of bytes up to the end of the last complete line.
        format: `CHAINED` or `CHECKED`.
    """

    records: tuple[dict[str, Any], ...]
    hashes: tuple[str, ...]
    length: int
    format: int


def chained_line(record: Mapping[str, Any], before: str) -> tuple[bytes, str]:
    """Encode a record as the next line of a ledger.

    Args:
        record: The record, written as JSON.
        before: Hash of the line before; empty for the first line.

    Returns:
        The line with its newline, and its hash.
    """
    text = json.dumps(record, separators=(",", ":")).encode()
    own = _hash(before, text)
    return own.encode() + b" " + text + b"\n", own


def chained_lines(records: Sequence[Mapping[str, Any]]) -> bytes:
    """Encode all records of a ledger.

    Args:
        records: The records in order, the header first.
    """
    lines, before = [], ""
    for record in records:
        line, before = chained_line(record, before)
        lines.append(line)
    return b"".join(lines)


def read_lines(content: bytes, where: str) -> Lines:
    """Read the lines of a ledger and check each; a last line without its newline is left out.

    Args:
        content: Bytes of the file.
        where: Path of the file; errors start with it.

    Raises:
        InvalidDataError: A line is damaged, or does not follow the line before it.
    """
    *lines, unfinished = content.split(b"\n")
    is_old = bool(lines) and lines[0].find(b" ") == _CHECKSUM_LENGTH
    records, hashes = [], [""]
    for number, line in enumerate(lines, 1):
        mark, _, text = line.partition(b" ")
        expected = f"{zlib.crc32(text):08x}" if is_old else _hash(hashes[-1], text)
        if mark != expected.encode():
            raise InvalidDataError(
                f"{where}: line {number}: expected {expected[:_CHECKSUM_LENGTH]}, found {mark[:_CHECKSUM_LENGTH]!r}: "
                "it is damaged, or a line before it is lost"
            )
        records.append(from_json(text))
        hashes.append("" if is_old else expected)
    length = len(content) - len(unfinished)
    return Lines(tuple(records), () if is_old else tuple(hashes[1:]), length, CHECKED if is_old else CHAINED)


def longest_chain(copies: Sequence[bytes]) -> bytes:
    """Put the longest sound ledger together from the lines of damaged copies.

    Args:
        copies: Contents of copies of one ledger, in any state.

    Returns:
        The bytes of the ledger; empty if no copy has its first line.
    """
    by_copy = [content.split(b"\n") for content in copies]
    found: list[bytes] = []
    before = ""
    while (line := _next_line(by_copy, len(found), before)) is not None:
        found.append(line + b"\n")
        before = line.partition(b" ")[0].decode()
    return b"".join(found)


def _next_line(by_copy: Sequence[Sequence[bytes]], number: int, before: str) -> bytes | None:
    """Return the line that follows, which is usually at its own place in one of the copies."""
    usual = (lines[number] for lines in by_copy if number < len(lines))
    for line in chain(usual, chain.from_iterable(by_copy)):
        mark, _, text = line.partition(b" ")
        if mark == _hash(before, text).encode():
            return line
    return None


def _hash(before: str, text: bytes) -> str:
    return hashlib.sha256(before.encode() + text).hexdigest()
