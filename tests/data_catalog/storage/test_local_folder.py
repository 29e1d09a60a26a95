"""What is particular to a folder on disk."""

import os
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from data_catalog.storage.local_folder import LocalFolder


def test_empty_directories_are_deleted_with_their_files(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path / "place")
    folder.write("a/b/c", b"1")
    folder.write("a/d", b"2")
    folder.delete(["a/b/c"])
    assert not (tmp_path / "place" / "a" / "b").exists()
    folder.delete(["a/d"])
    assert list((tmp_path / "place").iterdir()) == []
    assert (tmp_path / "place").is_dir()


def test_nothing_else_is_left_beside_a_file(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    assert folder.create("a", b"1")
    before = folder.read("a")
    assert before is not None
    assert folder.replace("a", b"2", before.version)
    assert not folder.replace("a", b"3", before.version)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_where_a_directory_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "place").write_bytes(b"")
    folder = LocalFolder(tmp_path / "place")
    assert folder.read("a") is None
    assert folder.listing() == []
    with pytest.raises(ConfigurationError, match=r"place/a: expected to be able to write, found .*; \d+ MiB are free"):
        folder.write("a", b"1")


def test_a_kill_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = LocalFolder(tmp_path)
    folder.write("a", b"old")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        folder.write("a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
