"""Two directories swap their names at once."""

import errno
from pathlib import Path

import pytest

from data_catalog.storage import exchange as exchanging
from data_catalog.storage.exchange import exchange


def two_directories(place: Path) -> tuple[Path, Path]:
    for name in ("first", "second"):
        (place / name).mkdir()
        (place / name / "content").write_text(name)
    return place / "first", place / "second"


def test_two_directories_swap_their_names(tmp_path: Path) -> None:
    first, second = two_directories(tmp_path)
    assert exchange(first, second)
    assert ((first / "content").read_text(), (second / "content").read_text()) == ("second", "first")


def test_an_absent_path_is_an_error(tmp_path: Path) -> None:
    first, _ = two_directories(tmp_path)
    with pytest.raises(FileNotFoundError, match="absent"):
        exchange(first, tmp_path / "absent")
    assert (first / "content").read_text() == "first"


@pytest.mark.parametrize("call", [None, lambda *_: -1], ids=["no such call", "a file system that cannot"])
def test_where_it_cannot_be_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: object) -> None:
    first, second = two_directories(tmp_path)
    monkeypatch.setattr(exchanging, "_system_call", lambda: call)
    monkeypatch.setattr("ctypes.get_errno", lambda: errno.EINVAL)
    assert not exchange(first, second)
    assert (first / "content").read_text() == "first"
