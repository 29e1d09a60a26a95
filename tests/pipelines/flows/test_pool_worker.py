"""A worker of a pool runs until it ends or is told to, and dead runs are looked for meanwhile."""

import os
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from pipelines.cli.app import main
from pipelines.flows import pool_worker
from pipelines.workspace.home import Home

_UNTIL_TOLD = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: exit(5)); time.sleep(60)"


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    swept: list[str] = []
    monkeypatch.setattr(pool_worker, "free_places", lambda _, pool: swept.append(pool))
    monkeypatch.setattr(pool_worker, "SWEEP_SECONDS", 0.05)
    return swept


def _worker_is(program: str, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Let a worker be another program; return the words with which it is started."""
    asked: list[list[str]] = []

    def tied(words: list[str]) -> list[str]:
        asked.append(words)
        return [sys.executable, "-c", program]

    monkeypatch.setattr(pool_worker, "tied_command", tied)
    return asked


def test_the_status_of_a_worker_that_ends_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sweeps: list[str]
) -> None:
    asked = _worker_is("exit(3)", monkeypatch)
    assert pool_worker.run_worker(Home(tmp_path), "nodes", ["--limit", "2"]) == 3
    assert asked == [["prefect", "worker", "start", "--pool", "nodes", "--limit", "2"]]
    assert set(sweeps) == {"nodes"}


def test_a_worker_is_told_to_end_and_looked_after_until_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sweeps: list[str]
) -> None:
    _worker_is(_UNTIL_TOLD, monkeypatch)
    before = signal.getsignal(signal.SIGTERM)
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
    assert pool_worker.run_worker(Home(tmp_path), "nodes", []) == 0
    assert len(sweeps) > 2
    assert signal.getsignal(signal.SIGTERM) == before


class _Client:
    """A server with two deployments."""

    def __enter__(self) -> "_Client":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read_deployments(self, work_pool_filter: Any) -> list[SimpleNamespace]:
        assert work_pool_filter.name.any_ == ["nodes"]
        return [SimpleNamespace(name="here"), SimpleNamespace(name="never-ran-here")]


def test_only_systems_whose_schedule_ran_at_this_home_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[str], timedelta]] = []

    def mark(_client: object, _home: Home, names: list[str], *, older_than: timedelta) -> int:
        asked.append((names, older_than))
        return len(names)

    monkeypatch.setattr(pool_worker, "get_client", lambda **_: _Client())
    monkeypatch.setattr(pool_worker, "mark_dead_cycles", mark)
    home = Home(tmp_path)
    home.schedule_lock("here").parent.mkdir(parents=True)
    home.schedule_lock("here").touch()
    pool_worker.free_places(home, "nodes")
    assert asked == [(["here"], pool_worker.BEGINS_WITHIN)]


def test_a_server_that_does_not_answer_is_asked_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unreachable(**_: object) -> _Client:
        raise httpx.ConnectError("connection refused")

    monkeypatch.setattr(pool_worker, "get_client", unreachable)
    pool_worker.free_places(Home(tmp_path), "nodes")
    assert "Prefect server: expected an answer, found connection refused; it is asked again" in caplog.text


def test_a_worker_needs_a_server(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("pipelines.flows.environment.configured_address", lambda: None)
    assert main(["worker", "nodes"]) == 2
    assert "worker: expected the address of a Prefect server in PREFECT_API_URL" in capsys.readouterr().err
