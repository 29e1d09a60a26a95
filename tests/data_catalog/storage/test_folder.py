"""Fingerprints of contents."""

import hashlib
from pathlib import Path

from data_catalog.storage.folder import Fingerprint


def test_a_file_has_the_fingerprint_of_its_bytes(tmp_path: Path) -> None:
    body = bytes(range(256)) * 10_000
    (tmp_path / "file").write_bytes(body)
    found = Fingerprint.of(tmp_path / "file")
    assert found == Fingerprint.of(body)
    assert found.size == 2_560_000
    assert found.sha256 == hashlib.sha256(body).hexdigest()
    assert found.md5 == hashlib.md5(body).hexdigest()
