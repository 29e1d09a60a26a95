from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_catalog.archive.header import Header
from data_catalog.archive.ledger import Ledger, StoredChunk
from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.sources.archive_marks import LEDGER_NAME
from data_catalog.storage.chained_lines import chained_lines

HEADER = Header(
    dataset="tiny",
    channels=("msl",),
    static={},
    latitude=np.array([-1 / 3, 0.1]),
    longitude=np.array([0.0, 180.0]),
    times_per_block=2,
    attributes={"title": "Tiny"},
    field_attributes={"msl": {"units": "Pa"}},
)
CHUNKS = {"msl": StoredChunk.of(b"whatever")}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    (tmp_path / LEDGER_NAME).write_bytes(chained_lines([HEADER.as_record()]))
    ledger = Ledger.read(tmp_path)
    ledger.commit(0, ["2001-01-01T00:00:00", "2001-01-02T00:00:00"], ["aa", "bb"], CHUNKS)
    ledger.commit(1, ["2001-01-03T00:00:00"], ["cc"], CHUNKS)
    ledger.intend(1, {"msl": StoredChunk.of(b"new")})
    ledger.commit(1, ["2001-01-04T00:00:00"], ["dd"], {"msl": StoredChunk.of(b"new")})
    return ledger


def test_a_ledger_round_trips(ledger: Ledger) -> None:
    read = Ledger.read(ledger.path.parent)
    assert read.header.latitude.tolist() == HEADER.latitude.tolist()
    assert (read.count, read.identity()) == (4, ledger.identity())
    assert read.blocks == ledger.blocks
    assert read.blocks[1].accepts("msl", b"new")
    assert not read.blocks[1].accepts("msl", b"whatever")


def test_old_and_new_chunk_are_valid_between_intent_and_commit(ledger: Ledger) -> None:
    ledger.intend(0, {"msl": StoredChunk.of(b"newer")})
    block = Ledger.read(ledger.path.parent).blocks[0]
    assert block.accepts("msl", b"newer")
    assert block.accepts("msl", b"whatever")
    assert not block.accepts("msl", b"other")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_a_truncated_ledger_is_an_earlier_ledger(ledger: Ledger, data: st.DataObject) -> None:
    whole = ledger.path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    ledger.path.write_bytes(whole[:cut])
    try:
        if whole[:cut].count(b"\n") == 0:
            with pytest.raises(InvalidDataError, match="expected an archive's ledger"):
                Ledger.read(ledger.path.parent)
        else:
            read = Ledger.read(ledger.path.parent)
            assert read.count == [0, 2, 3, 3, 4][whole[:cut].count(b"\n") - 1]
            read.commit(len(read.blocks), ["2002-01-01T00:00:00"], ["ee"], CHUNKS)
            assert Ledger.read(ledger.path.parent).count == read.count
    finally:
        ledger.path.write_bytes(whole)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_a_flipped_bit_is_an_error(ledger: Ledger, data: st.DataObject) -> None:
    whole = ledger.path.read_bytes()
    damaged = bytearray(whole)
    damaged[data.draw(st.integers(0, len(whole) - 2))] ^= 1 << data.draw(st.integers(0, 7))
    ledger.path.write_bytes(damaged)
    try:
        with pytest.raises(InvalidDataError, match=r"ledger\.jsonl"):
            Ledger.read(ledger.path.parent)
    finally:
        ledger.path.write_bytes(whole)


def test_a_missing_archive_is_missing_data(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="expected an archive"):
        Ledger.read(tmp_path / "absent.zarr")
