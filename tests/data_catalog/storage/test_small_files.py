"""A small file is read whole; what is no file, or too large, is refused in one line."""

import os
from pathlib import Path

import pytest

from data_catalog.errors import InvalidDataError
from data_catalog.storage.small_files import read_small


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    assert read_small(tmp_path / "a", most_bytes=7) == b"content"
    with pytest.raises(FileNotFoundError):
        read_small(tmp_path / "b")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(bytes(11))
    for name, found in {
        "folder": "expected a file, found a directory", "endless": "found a device", "pipe": "socket or pipe",
        "circle": "found Too many levels", "large": "expected at most 10 bytes, found 11",
    }.items():  # fmt: skip
        with pytest.raises(InvalidDataError, match=f"{name}: .*{found}"):
            read_small(tmp_path / name, most_bytes=10)
