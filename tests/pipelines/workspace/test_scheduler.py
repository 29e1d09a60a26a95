"""What `--scheduler` may be, and what is said where it cannot be."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from pipelines.cli.app import main
from pipelines.workspace.home import Home
from pipelines.workspace.scheduler import check_scheduler, open_scheduler


def test_local_needs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.terminal.parts.is_installed", lambda module: False)
    with open_scheduler("local", Home(tmp_path)) as workers:
        assert workers is None
    with pytest.raises(ModuleNotFoundError, match="distributed"):
        check_scheduler("processes")


@pytest.mark.parametrize("name", ["threads", "localhost:8786", "http://head:8786", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--scheduler: expected local, processes or tcp://HOST:PORT, found"):
        check_scheduler(name)


def test_a_missing_part_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path))
    monkeypatch.setattr("pipelines.terminal.parts.is_installed", lambda module: module != "distributed")
    assert main(["archive", "verify", "speedy-5p6", "--scheduler", "tcp://127.0.0.1:1"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith("expected dask.distributed, found none; install it with: pip install 'plumecast[dask]'")
    assert main(["ingest", "speedy-5p6", "--scheduler", "dask"]) == 2
    assert "--scheduler: expected local, processes or tcp://HOST:PORT, found 'dask'" in capsys.readouterr().err


def test_a_cluster_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.workspace.dask_workers._CONNECT_SECONDS", 1)
    with (
        pytest.raises(ConfigurationError, match=r"tcp://127.0.0.1:1: expected a Dask scheduler, found none"),
        open_scheduler("tcp://127.0.0.1:1", Home(tmp_path)),
    ):
        pass


@contextmanager
def _started_cluster(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Address and process of a scheduler that has one worker."""
    told, quiet = folder / "scheduler.json", {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    common = ("--scheduler-file", str(told), "--no-dashboard")
    with subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *common], **quiet
    ) as scheduler:
        while not told.exists():
            time.sleep(0.1)
        with subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1", *common, "--no-nanny"], **quiet
        ) as worker:
            yield json.loads(told.read_text())["address"], scheduler
            worker.kill()
        scheduler.kill()


def _lose(scheduler: subprocess.Popen[bytes], address: str, home: Home) -> None:
    """Give a cluster work and kill its scheduler meanwhile."""
    with open_scheduler(address, home) as workers:
        assert workers is not None
        for _ in workers.in_order(time.sleep, [0, 0, 0, *[1] * 20]):
            scheduler.kill()


def test_a_scheduler_that_is_lost_is_named(tmp_path: Path) -> None:
    told = "expected the Dask scheduler to stay until the end, found it gone"
    with (
        _started_cluster(tmp_path) as (address, scheduler),
        pytest.raises(ConfigurationError, match=f"--scheduler {address}: {told}"),
    ):
        _lose(scheduler, address, Home(tmp_path))
