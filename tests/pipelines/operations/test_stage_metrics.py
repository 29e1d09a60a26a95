"""Durations, outcomes, retries, bytes and memory of stages come from the logs of the latest cycles."""

import os
import time as clock
from collections.abc import Callable

import pytest

from forecast.products.files.runs import RunDirectory
from forecast.system.system import System
from pipelines.operations.cleaning import clean
from pipelines.operations.cycle_ledger import CycleLedger
from pipelines.operations.metrics import write_metrics
from pipelines.operations.stage_metrics import logged_runs
from pipelines.runs.stage_log import StageLog, log_path, logged
from pipelines.workspace.home import Home
from tests.pipelines.operations.conftest import add_run, time
from tests.pipelines.operations.test_metrics import read

Begin = Callable[..., CycleLedger]


def test_stages_of_the_latest_cycles(begin: Begin, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.operations.metrics._newest_analysis", lambda *_: None)
    ledger = begin("data")
    place = Home(ledger.path.parents[1])
    first, second = add_run(place.runs, "2008-01-01"), RunDirectory(place.runs, "tiny", time("2008-01-02"))
    with logged(first, "members", first.forecast, members=range(4)):
        pass
    StageLog(second, "members").note("begun")  # and killed
    with pytest.raises(RuntimeError), logged(second, "members"):
        raise RuntimeError
    found = read(write_metrics(place, place.metrics))
    assert found["plumecast_stage_attempts", "members", "tiny"] == 2
    counts = {
        outcome: found["plumecast_stage_outcomes", outcome, "members", "tiny"]
        for outcome in ("done", "failed", "killed")
    }
    assert counts == {"done": 1, "failed": 1, "killed": 1}
    assert found["plumecast_stage_bytes", "members", "tiny"] == len(b"members")
    assert found["plumecast_stage_seconds", "members", "tiny"] >= 0
    assert found["plumecast_stage_memory_bytes", "members", "tiny"] > 2**20


def test_old_logs_are_removed(system: System, place: Home) -> None:
    run = RunDirectory(place.runs, "tiny", time("2008-01-01"))
    StageLog(run, "members").note("begun")
    ruled = system.changed(retention={"members_days": 30, "products_days": 60})
    assert list(clean(place, ruled)) == []
    then = clock.time() - 61 * 86400
    os.utime(log_path(run), (then, then))
    (said,) = clean(place, ruled, dry_run=True)
    assert said.endswith("of 61 days, would be removed")
    assert logged_runs(place.runs, "tiny") == [run]
    list(clean(place, ruled))
    assert logged_runs(place.runs, "tiny") == []
