"""A short form of the campaign; the script tries thousands."""

from pathlib import Path

import pytest

from data_catalog.archive.healing import archive_faults, heal_archive
from tests.archive_damage.campaign import make_archive, run_seeds
from tests.archive_damage.damages import contents
from tests.archive_damage.tiny import ENTRY, make_analysis


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_catalog.archive.contents.times_per_block", lambda points: 4)
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # no power is lost here


def test_random_damages_are_found_and_mended_to_the_byte() -> None:
    outcomes = run_seeds(range(1, 28, 2))
    assert [outcome for outcome in outcomes if outcome.fault] == []
    assert len({outcome.kind for outcome in outcomes}) >= 5


def test_an_archive_whose_ledgers_are_both_lost_is_made_again(tmp_path: Path) -> None:
    make_archive(tmp_path / "a.zarr")
    before = contents(tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / "ledger.jsonl").unlink()
    (tmp_path / "a.zarr" / "ledger.copy.jsonl").write_bytes(b"rubbish")
    assert len(heal_archive(ENTRY, tmp_path / "a.zarr", make_analysis)) == 1
    assert archive_faults(tmp_path / "a.zarr") == ()
    after = contents(tmp_path / "a.zarr")
    chunks = [name for name in before if "/c." in name]
    assert len(chunks) == 12
    assert [name for name in chunks if after[name] != before[name]] == []
