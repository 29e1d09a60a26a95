"""Killed copies never show a reader a part of a run."""

from pathlib import Path

from tests.object_storage.campaign import campaign, careless_copy


def test_kills_never_show_half_a_run(s3_address: str, tmp_path: Path) -> None:
    outcome = campaign(6, 1, tmp_path, s3_address)
    assert outcome.faults == ()
    assert outcome.kills == 6
    assert outcome.reader["whole"] > 0


def test_the_reader_finds_half_a_run(s3_address: str, tmp_path: Path) -> None:
    assert campaign(3, 2, tmp_path, s3_address, copying=careless_copy).faults
