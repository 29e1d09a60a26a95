"""Finds the messages of a GRIB file by their headers, without reading values, and cuts a single field out of one.

A GRIB 2 message may hold several fields, as the winds of NCEP do. Each is read as if it were a message of its own.

Source: WMO Manual on Codes, volume I.2, FM 92 GRIB editions 1 and 2
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from data_catalog.errors import InvalidDataError

_MARK, _END = b"GRIB", b"7777"
_BLOCK_BYTES = 64 * 1024
_HEAD_BYTES = {1: 8, 2: 16}
_LARGE, _LARGE_UNIT, _LARGEST_REST = 0x800000, 120, 120
"""GRIB 1 counts messages of 8 MB and more in units of 120 bytes; the length of section 4 holds the rest, as ecCodes
and its predecessors write it."""
_NO_BITMAP = b"\0\0\0\6\6\xff"
_NO_VALUES = b"\0\0\0\5\7"
_NO_VALUES_1 = b"\0\0\x0c\x08" + bytes(8)
_HAS_GRID, _HAS_BITMAP = 0x80, 0x40
_SAME_BITMAP = 254


@dataclass(frozen=True)
class MessagePlace:
    """Where a field lies.

    Attributes:
        start: First byte of its message.
        length: Number of bytes of its message.
        part: Which field of its message it is, from 0.
    """

    start: int
    length: int
    part: int = 0


def find_fields(file: BinaryIO, name: str) -> Iterator[tuple[MessagePlace, bytes]]:
    """Yield each field of a file, with a message that has its header and no values.

    Args:
        file: A GRIB file of either edition or both; bytes between messages are passed over.
        name: Its path or URL; errors start with it.

    Raises:
        InvalidDataError: A message is cut off, or of another edition; names the first byte of it.
    """
    position = 0
    while (start := _next_mark(file, position)) is not None:
        what = f"{name}: message at byte {start}"
        length, edition = _measured(file, start, what)
        headers = _headers_1(file, start) if edition == 1 else _headers_2(file, start, length, what)
        for part, header in enumerate(headers):
            yield MessagePlace(start, length, part), header
        position = start + length


def field_of(message: bytes, part: int) -> bytes:
    """Return the message of a single field.

    Args:
        message: A message that may hold several fields.
        part: Which of them, from 0.

    Raises:
        InvalidDataError: There are not so many.
    """
    if message[7] == 1:
        return message
    found: list[dict[int, bytes]] = []
    sections: dict[int, bytes] = {}
    bitmap = b""
    for number, section in _sections(message):
        # A later grid or product takes the place of an earlier one; what is not repeated stays in force.
        sections[number] = section
        if number == 6 and section[5] != _SAME_BITMAP:
            bitmap = section
        if number == 7:
            found.append({**sections, 6: bitmap})
    if part >= len(found):
        raise InvalidDataError(f"GRIB message: expected {part + 1} fields, found {len(found)}")
    return message if len(found) == 1 else _composed(message[:8], found[part])


def check_message(message: bytes, length: int, what: str) -> None:
    """Check that a message has arrived whole.

    Args:
        message: Its bytes.
        length: How many it should have.
        what: File or URL, and the field; errors start with it.

    Raises:
        InvalidDataError: It is shorter, or does not begin or end as a message does.
    """
    if len(message) != length or not message.startswith(_MARK) or not message.endswith(_END):
        raise InvalidDataError(
            f"{what}: expected a GRIB message of {length} bytes, found {len(message)} bytes from {message[:4]!r} to "
            f"{message[-4:]!r}; the file is cut off, damaged or has changed"
        )


def _next_mark(file: BinaryIO, position: int) -> int | None:
    """Return where the next message begins."""
    if _read(file, position, len(_MARK)) == _MARK:
        return position
    while True:
        file.seek(position)
        block = file.read(_BLOCK_BYTES)
        at = block.find(_MARK)
        if at >= 0:
            return position + at
        if len(block) < _BLOCK_BYTES:
            return None
        position += len(block) - len(_MARK) + 1


def _read(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)


def _whole(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def _measured(file: BinaryIO, start: int, what: str) -> tuple[int, int]:
    """Return length and edition of a message that is all there."""
    head = _read(file, start, 16)
    edition = head[7] if len(head) == 16 else 0
    if edition not in _HEAD_BYTES:
        raise InvalidDataError(f"{what}: expected GRIB edition 1 or 2, found {edition or 'a file that is cut off'}")
    length = _whole(head[8:16]) if edition == 2 else _length_1(file, start, _whole(head[4:7]))
    end = _read(file, start + length - len(_END), len(_END))
    if end != _END:
        raise InvalidDataError(
            f"{what}: expected {length} bytes that end with 7777, found {end!r}; the file is cut off or damaged"
        )
    return length, edition


def _length_1(file: BinaryIO, start: int, coded: int) -> int:
    if not coded & _LARGE:
        return coded
    end = start + _HEAD_BYTES[1] + sum(map(len, _sections_1(file, start, keep=(1, 2, 3))))
    rest = _whole(_read(file, end, 3))
    length = (coded & ~_LARGE) * _LARGE_UNIT
    return length - rest + len(_END) if rest < _LARGEST_REST else coded


def _sections_1(file: BinaryIO, start: int, keep: tuple[int, ...]) -> list[bytes]:
    """Return sections 1, and 2 and 3 where they are there, of a GRIB 1 message."""
    position = start + _HEAD_BYTES[1]
    sections = []
    flags = _read(file, position, 8)[7]
    for number, present in ((1, True), (2, flags & _HAS_GRID), (3, flags & _HAS_BITMAP)):
        if present and number in keep:
            sections.append(_read(file, position, _whole(_read(file, position, 3))))
            position += len(sections[-1])
    return sections


def _headers_1(file: BinaryIO, start: int) -> list[bytes]:
    product, *grid = _sections_1(file, start, keep=(1, 2))
    product = product[:7] + bytes([product[7] & ~_HAS_BITMAP]) + product[8:]
    body = b"".join((product, *grid, _NO_VALUES_1, _END))
    return [_MARK + (_HEAD_BYTES[1] + len(body)).to_bytes(3, "big") + b"\1" + body]


def _headers_2(file: BinaryIO, start: int, length: int, what: str) -> Iterator[bytes]:
    head = _read(file, start, 8)
    sections: dict[int, bytes] = {}
    position, end = start + _HEAD_BYTES[2], start + length - len(_END)
    while position < end:
        first = _read(file, position, 5)
        size, number = _whole(first[:4]), first[4]
        if size < 5 or position + size > end:
            raise InvalidDataError(f"{what}: expected sections that fit into the message, found one of {size} bytes")
        if number == 7:
            yield _composed(head, {**sections, 6: _NO_BITMAP, 7: _NO_VALUES})
        elif number != 6:
            sections[number] = _read(file, position, size)
        position += size


def _sections(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of each section of a GRIB 2 message."""
    position = _HEAD_BYTES[2]
    while position < len(message) - len(_END):
        size = _whole(message[position : position + 4])
        if size < 5:
            raise InvalidDataError(f"GRIB message: expected sections of 5 bytes at least, found {size}")
        yield message[position + 4], message[position : position + size]
        position += size


def _composed(head: bytes, sections: Mapping[int, bytes]) -> bytes:
    """Return a GRIB 2 message of some sections; `head` is the part of section 0 before the length."""
    body = b"".join(sections[number] for number in sorted(sections)) + _END
    return head + (_HEAD_BYTES[2] + len(body)).to_bytes(8, "big") + body
