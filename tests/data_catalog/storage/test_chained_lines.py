"""Lines of a ledger, chained by hash."""

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_catalog.errors import InvalidDataError
from data_catalog.storage.chained_lines import CHAINED, CHECKED, chained_lines, longest_chain, read_lines

RECORDS = [{"number": number} for number in range(8)]
WHOLE = chained_lines(RECORDS)


def test_lines_round_trip_without_an_unfinished_one() -> None:
    lines = read_lines(WHOLE + b"0123 {", "ledger")
    assert (list(lines.records), lines.length, lines.format) == (RECORDS, len(WHOLE), CHAINED)
    assert len(set(lines.hashes)) == len(RECORDS)


def test_lines_with_a_checksum_each_are_read() -> None:
    texts = [json.dumps(record).encode() for record in RECORDS]
    lines = read_lines(b"".join(b"%08x %s\n" % (zlib.crc32(text), text) for text in texts), "ledger")
    assert (list(lines.records), lines.hashes, lines.format) == (RECORDS, (), CHECKED)


@given(st.data())
def test_a_lost_repeated_moved_or_exchanged_line_is_found(data: st.DataObject) -> None:
    lines = WHOLE.splitlines(keepends=True)
    at, to = data.draw(st.integers(0, 6)), data.draw(st.integers(0, 6))
    kind = data.draw(st.sampled_from(["lose", "repeat", "move", "exchange"]))
    if kind == "lose":
        del lines[at]
    elif kind == "repeat":
        lines.insert(to, lines[at])
    elif kind == "move":
        lines.insert(to if to < at else to + 1, lines.pop(at))
    else:
        lines[at] = chained_lines([{"number": 98}, {"number": 99}]).splitlines(keepends=True)[1]
    damaged = b"".join(lines)
    if damaged == WHOLE:
        return
    with pytest.raises(InvalidDataError, match=r"ledger: line \d+: expected"):
        read_lines(damaged, "ledger")
    assert longest_chain([damaged, WHOLE]) == WHOLE
    if kind not in ("lose", "exchange"):
        assert longest_chain([damaged]) == WHOLE


def test_two_damaged_copies_make_a_whole_one() -> None:
    lines = WHOLE.splitlines(keepends=True)
    assert longest_chain([b"".join(lines[:2] + lines[3:]), b"".join(lines[:5] + lines[6:])]) == WHOLE
    assert longest_chain([b"".join(lines[:4])]) == b"".join(lines[:4])
    assert longest_chain([b"rubbish", b""]) == b""
