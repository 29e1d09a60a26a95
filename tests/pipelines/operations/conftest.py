"""Ledgers and published runs of a tiny system, made without forecasts."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from forecast.products.files.manifest import Contents, write_manifest
from forecast.products.files.runs import RunDirectory
from forecast.system.system import System
from pipelines.operations.cycle_ledger import Clock, CycleLedger, Plan
from pipelines.workspace.systems import find_system


def time(text: str) -> np.datetime64:
    return np.datetime64(text, "ns")


def days(first: str, count: int) -> np.ndarray:
    return (np.datetime64(first) + np.arange(count)).astype("datetime64[ns]")


def add_run(runs: Path, init: str) -> RunDirectory:
    """A published run with a forecast file of a few bytes."""
    run = RunDirectory(runs, "tiny", time(init))
    run.path.mkdir(parents=True)
    run.forecast.write_bytes(b"members")
    kept = Contents(members=(0,), lead_hours=(24, 48, 72))
    hashes = {"system_hash": "a", "model_id": "b", "data_hash": "c"}
    write_manifest(run, **hashes, seeds={"0": "0"}, expected=kept, delivered=kept)
    return run


@pytest.fixture
def system(tiny: Path) -> System:
    return find_system(str(tiny))


@pytest.fixture
def begin(tmp_path: Path) -> Callable[..., CycleLedger]:
    """Returns a ledger whose first cycle is due on 1 January 2008."""

    def ledger(clock: Clock = "wall", *, every_hours: int = 24, wait_hours: float = 6.0) -> CycleLedger:
        made = CycleLedger.read(tmp_path / "cycles" / "tiny.jsonl")
        made.append(
            Plan(system="tiny", first=time("2008-01-01"), every_hours=every_hours, wait_hours=wait_hours, clock=clock)
        )
        return made

    return ledger
