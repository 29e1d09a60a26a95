"""Files are complete or absent, whatever happens while they are written."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from data_catalog.storage.atomic_files import (
    append_durably,
    atomic_path,
    create_durably,
    disk_errors,
    move_durably,
    write_aside,
    write_durably,
)

KILLED = """
import os, signal, sys
from pathlib import Path
from data_catalog.storage.atomic_files import atomic_path
with atomic_path(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_file_appears_at_the_end_of_the_block(tmp_path: Path) -> None:
    path = tmp_path / "made" / "file"
    with atomic_path(path) as partial:
        partial.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert [left.name for left in path.parent.iterdir()] == ["file"]


def test_a_failed_block_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = write_durably(tmp_path / "file", "old")
    with pytest.raises(OSError, match="Not a directory"), atomic_path(path) as partial:
        (partial / "inside").write_text(str(partial.write_text("half")))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_a_killed_process_are_overwritten(tmp_path: Path) -> None:
    path = write_durably(tmp_path / "file", "old")
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False).returncode < 0
    assert path.read_text() == "old"
    assert sorted(left.name for left in tmp_path.iterdir()) == [".file.partial", "file"]
    write_durably(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_appears_atomically(tmp_path: Path) -> None:
    path = tmp_path / "store"
    (tmp_path / ".store.partial").mkdir()
    (tmp_path / ".store.partial" / "left").touch()
    with atomic_path(path) as partial:
        (partial / "inner").mkdir(parents=True)
        (partial / "inner" / "chunk").write_bytes(b"1")
    assert [str(inside.relative_to(path)) for inside in sorted(path.rglob("*"))] == ["inner", "inner/chunk"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_temporary_file_may_lie_aside(tmp_path: Path) -> None:
    aside, path = tmp_path / "aside", tmp_path / "z500" / "chunk"
    with atomic_path(path, aside=aside) as partial:
        assert partial.parent == aside
        partial.write_text("new")
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_text_and_bytes_are_written(tmp_path: Path) -> None:
    assert write_durably(tmp_path / "text", "5 °C").read_bytes() == b"5 \xc2\xb0C"
    assert write_durably(tmp_path / "bytes", b"\x00\xff").read_bytes() == b"\x00\xff"


def test_one_of_several_writers_creates_a_file(tmp_path: Path) -> None:
    path = tmp_path / "made" / "file"
    create_durably(path, "first")
    with pytest.raises(FileExistsError):
        create_durably(path, "second")
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def test_an_append_truncates_an_interrupted_write(tmp_path: Path) -> None:
    path = write_durably(tmp_path / "log", "one\ntw")
    append_durably(path, b"two\n", after=4)
    assert path.read_text() == "one\ntwo\n"


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "a full disk"), (errno.EROFS, "a read-only file system"), (errno.EIO, "Input/output error")],
)
def test_an_unwritable_disk_is_one_error_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    path = write_durably(tmp_path / "file", "old")

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    for write in (write_durably, create_durably):
        with pytest.raises(ConfigurationError, match=f"expected to be able to write, found .*{words}") as told:
            write(path, "new")
        assert "\n" not in str(told.value)
        assert "MiB are free on /" in str(told.value)
    with pytest.raises(ConfigurationError, match=words):
        append_durably(path, b"new", after=3)
    assert list(tmp_path.iterdir()) == [path]


def test_only_disk_errors_are_reworded(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="found NetCDF: HDF error"), disk_errors(tmp_path / "file"):
        raise RuntimeError("NetCDF: HDF error")
    with pytest.raises(ValueError, match="ours"), disk_errors(tmp_path / "file"):
        raise ValueError("ours")


def test_files_are_written_aside_and_moved_together(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"old")
    aside = tmp_path / ".aside"
    moves = {write_aside(tmp_path / name, name.encode(), aside=aside): tmp_path / name for name in ("one", "sub/two")}
    twice = write_aside(tmp_path / "one", b"again", aside=aside)
    assert len({*moves, twice}) == 3
    assert (tmp_path / "one").read_bytes() == b"old"
    move_durably(moves)
    assert (tmp_path / "one").read_bytes() == b"one"
    assert (tmp_path / "sub" / "two").read_bytes() == b"sub/two"
    assert list(aside.iterdir()) == [twice]
    with pytest.raises(ConfigurationError, match="one: expected to be able to write"):
        move_durably({tmp_path / "absent": tmp_path / "one"})


@pytest.mark.parametrize("can_swap", [True, False])
def test_a_directory_replaces_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_swap: bool) -> None:
    if not can_swap:
        monkeypatch.setattr("data_catalog.storage.atomic_files.exchange", lambda *_: False)
    path = tmp_path / "twin"
    for name in ("old", "new"):
        with atomic_path(path) as partial:
            partial.mkdir()
            (partial / name).write_text(name)
            assert not path.exists() or [found.name for found in path.iterdir()] == ["old"]
    assert [found.name for found in path.iterdir()] == ["new"]
    assert [found.name for found in tmp_path.iterdir()] == ["twin"]
