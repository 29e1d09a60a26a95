"""A lock is held by one process at a time, and released when that process ends."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest

from data_catalog.errors import ConfigurationError, MissingDataError
from data_catalog.storage import locks
from data_catalog.storage.locks import is_held, lock

HOLDER = """
import sys
from pathlib import Path
from data_catalog.storage.locks import lock
with lock(Path(sys.argv[1]), "it"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def _held_elsewhere(path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_vanishes_with_its_process_and_names_it(tmp_path: Path) -> None:
    path = tmp_path / "made" / "lock"
    with _held_elsewhere(path) as process:
        assert is_held(path)
        with (
            pytest.raises(MissingDataError, match=f"the run: expected no other process.*found process {process.pid};"),
            lock(path, "the run"),
        ):
            pass
    assert not is_held(path)
    with lock(path, "the run"):
        assert path.read_text() == str(os.getpid())
        assert is_held(path)
    assert not is_held(path)


def test_a_patient_process_waits_for_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with _held_elsewhere(path) as process:
        Timer(0.3, process.kill).start()
        with lock(path, "the run", patience_seconds=60):
            assert path.read_text() == str(os.getpid())


def test_a_lock_is_not_taken_twice_in_one_process(tmp_path: Path) -> None:
    with (
        lock(tmp_path / "lock", "it"),
        pytest.raises(MissingDataError, match=str(os.getpid())),
        lock(tmp_path / "lock", "it"),
    ):
        pass


def test_is_held_does_not_take_the_lock(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "absent")
    (tmp_path / "lock").touch()
    assert not is_held(tmp_path / "lock")
    with lock(tmp_path / "lock", "it"):
        pass


def test_an_unwritable_lock_file_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="expected to be able to write"), lock(tmp_path / "file" / "l", "it"):
        pass


def test_a_lock_whose_file_its_holder_removed_is_taken_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening the file and locking it, another process held the lock and removed the file."""
    path, opened = tmp_path / "lock", locks._open

    def removed_after_opening(wanted: Path) -> int:
        descriptor = opened(wanted)
        monkeypatch.setattr(locks, "_open", opened)
        wanted.unlink()
        return descriptor

    monkeypatch.setattr(locks, "_open", removed_after_opening)
    with lock(path, "it"):
        assert is_held(path)
