"""The model's process: followed piece by piece, and what is said where it cannot run or ends early."""

from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError, InvalidDataError, UnreachableError
from data_catalog.sources.speedy.process import PYTHON_VARIABLE, run_simulator, simulator_python
from tests.data_catalog.sources.speedy.stand_in import stand_in


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(PYTHON_VARIABLE, str(stand_in(tmp_path / "python")))
    return tmp_path / "simulation"


def test_pieces_are_told_when_they_are_on_disk(folder: Path) -> None:
    for number in run_simulator(folder, 0, 3, 2):
        assert (folder / f"state_{number + 1:05d}.npz").exists()
        assert (folder / f"piece_{number:05d}.npz").exists() == (number >= 2)
    assert number == 3


def test_a_process_that_is_killed_leaves_what_is_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_DIES", "2")
    done = []
    with pytest.raises(UnreachableError, match="after piece 1, found it ended by signal SIGKILL"):
        done.extend(run_simulator(folder, 0, 3, 0))
    assert (folder / "state_00002.npz").exists()


def test_a_reader_that_stops_ends_the_process(folder: Path) -> None:
    pieces = run_simulator(folder, 0, 500, 0)
    next(pieces)
    pieces.close()
    assert not (folder / "state_00501.npz").exists()


def test_values_that_are_not_finite_are_told_as_such(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_FAILS", "3")
    with pytest.raises(InvalidDataError, match="no longer finite"):
        list(run_simulator(folder, 0, 5, 0))


def test_a_python_without_the_model_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PYTHON_VARIABLE, "/no/such/python")
    with pytest.raises(ConfigurationError, match="PLUMECAST_SPEEDY_PYTHON: expected a Python with jcm, found /no/such"):
        list(run_simulator(folder, 0, 1, 0))
    monkeypatch.delenv(PYTHON_VARIABLE)
    monkeypatch.setattr("data_catalog.sources.speedy.process.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'plumecast\[speedy\]'"):
        simulator_python()
