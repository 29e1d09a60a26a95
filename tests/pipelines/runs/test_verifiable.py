"""Which starts there are, and which runs can be verified."""

from pathlib import Path

import numpy as np
import pytest

from forecast.products.files.manifest import Contents, write_manifest
from forecast.products.files.runs import RunDirectory
from forecast.system.system import System
from pipelines.runs.verifiable import runs_to_verify
from pipelines.workspace.starts import startable
from pipelines.workspace.systems import find_system


def days(first: str, count: int) -> np.ndarray:
    return (np.datetime64(first) + np.arange(count)).astype("datetime64[ns]")


def time(text: str) -> np.datetime64:
    return np.datetime64(text, "ns")


@pytest.fixture
def system(tiny: Path) -> System:
    return find_system(str(tiny))


def add_run(runs: Path, init: str, leads: int = 3) -> RunDirectory:
    run = RunDirectory(runs, "tiny", time(init))
    run.path.mkdir(parents=True)
    run.forecast.write_bytes(b"members")
    kept = Contents(members=(0,), lead_hours=tuple(24 * lead for lead in range(1, leads + 1)))
    write_manifest(
        run,
        system_hash="a",
        model_id="b",
        data_hash="c",
        seeds={"0": "0"},
        expected=kept,
        delivered=kept,
    )
    return run


def test_starts_need_their_past(system: System) -> None:
    times = np.delete(days("2008-01-01", 6), 2)
    assert startable(system, times).tolist() == days("2008-01-02", 5)[[0, 3, 4]].tolist()


def test_verifiable_once_every_lead_is_archived(system: System, tmp_path: Path) -> None:
    early, late = add_run(tmp_path, "2008-01-01"), add_run(tmp_path, "2008-01-02")
    assert runs_to_verify(system, days("2007-12-01", 35), tmp_path) == [early]
    assert runs_to_verify(system, days("2007-12-01", 36), tmp_path) == [early, late]
    early.scores.write_text("{}")
    assert runs_to_verify(system, days("2007-12-01", 36), tmp_path) == [late]
