"""A short form of the campaign; the script tries thousands."""

from pathlib import Path

import pytest

from data_catalog.archive.healing import archive_faults, heal_archive
from tests.archive_damage.campaign import run_seeds
from tests.archive_damage.damages import contents
from tests.archive_damage.forms import ARCHIVE, FORMS, Form


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_catalog.archive.contents.times_per_block", lambda points: 4)
    monkeypatch.setattr("data_catalog.archive.series._CHUNK_BYTES", 1)
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # no power is lost here


def test_random_damages_are_found_and_mended_to_the_byte() -> None:
    outcomes = run_seeds(range(1, 28, 2))
    assert [outcome for outcome in outcomes if outcome.fault] == []
    assert len({outcome.kind for outcome in outcomes}) >= 5
    assert len({outcome.form for outcome in outcomes}) >= 5


@pytest.mark.parametrize("form", [form for form in FORMS if not form.twin], ids=lambda form: form.name)
def test_an_archive_whose_ledgers_are_both_lost_is_made_again(tmp_path: Path, form: Form) -> None:
    form.make(tmp_path)
    archive = tmp_path / ARCHIVE
    before = contents(archive)
    (archive / "ledger.jsonl").unlink()
    (archive / "ledger.copy.jsonl").write_bytes(b"rubbish")
    assert len(heal_archive(form.entry, archive, form.whole)) == 1
    assert archive_faults(archive) == ()
    after = contents(archive)
    chunks = [name for name in before if "/c." in name]
    assert len(chunks) >= 10
    assert [name for name in chunks if after[name] != before[name]] == []
