"""Several processes make one run, and their failure is that of one command."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import verify_manifest
from pipelines.cli.app import main
from pipelines.terminal import processes as launching
from pipelines.terminal.processes import launch, without_processes
from pipelines.workspace.home import Home


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])


def test_two_processes_make_the_run_of_one(place: Home, tiny: Path, weather_file: Path, tmp_path: Path) -> None:
    words = ["forecast", str(tiny), "--init", "2008-01-10", "--analysis", str(weather_file), "--members", "5"]
    words += ["--device", "cpu"]
    assert main([*words, "--out", str(tmp_path / "alone")]) == 0
    assert main([*words, "--out", str(tmp_path / "together"), "--processes", "2"]) == 0
    runs = [tmp_path / name / "tiny" / "20080110T0000Z" for name in ("alone", "together")]
    assert verify_manifest(runs[1]).delivered.members == tuple(range(5))
    assert not list((tmp_path / "together" / ".working").rglob("*.npy"))
    alone, together = (open_forecast(run).load() for run in runs)
    for name, std in (("msl", 600.0), ("t2m", 3.0)):
        # One rounding of the stored values comes on top of the tolerance of the members themselves.
        np.testing.assert_allclose(together[name].values, alone[name].values, rtol=2**-12, atol=1e-4 * std)


def test_an_error_of_all_processes_is_printed_once(capfd: pytest.CaptureFixture[str]) -> None:
    assert launch(["forecast", "no-such-system", "--init", "2008-01-10"], 2) == 2
    complaints = [line for line in capfd.readouterr().err.splitlines() if line.startswith("plumecast: ")]
    assert len(complaints) == 1
    assert "system 'no-such-system'" in complaints[0]


def test_the_option_is_taken_out() -> None:
    assert without_processes(["train", "x", "--processes", "4", "--resume"]) == ["train", "x", "--resume"]
    assert without_processes(["--processes=4", "train", "x"]) == ["train", "x"]


def test_a_command_that_cannot_be_shared_is_refused(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert main(["evaluate", "speedy-5p6", "--out", "scores.json"]) == 2
    assert "evaluate: expected a single process, found one of 4" in capsys.readouterr().err


def test_a_process_of_torchrun_launches_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigurationError, match="torchrun"):
        launch(["train", "x"], 2)


@pytest.mark.parametrize(
    ("failed", "statuses", "cause"),
    [
        (1, [2, -6], 0),
        (1, [-6, 3], 1),
        (1, [1, -6], 0),
        (1, [1, 1], 1),
        (1, [1, -9], 1),
        (1, [-15, -9], 1),
        (0, [1, 2], 1),
    ],
)
def test_the_first_failure_is_reported(failed: int, statuses: list[int], cause: int) -> None:
    assert launching._cause(failed, statuses) == cause


def children(parent: int) -> list[int]:
    """Processes that a process has started, from /proc."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, its_parent = status.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it has just ended
            continue
        if int(its_parent) == parent and state != "Z":
            found.append(int(status.parent.name))
    return found


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_killed_launcher_leaves_no_processes_behind(tiny: Path, weather_file: Path, tmp_path: Path) -> None:
    words = ["train", tiny, "--analysis", weather_file, "--out", tmp_path / "out", "--iterations", "100000"]
    command = [sys.executable, "-m", "pipelines", *map(str, words), "--processes", "2", "--device", "cpu"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PLUMECAST_HOME": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as launcher:
        until = time.monotonic() + 60
        while len(started := children(launcher.pid)) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(launcher.pid, signal.SIGKILL)
    assert len(started) == 2
    until = time.monotonic() + 30
    while any(map(is_running, started)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(is_running, started))


def test_a_system_is_written_where_no_affinity_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path))
    assert main(["new-system", "era5-5p6", "--out", str(tmp_path / "own.toml")]) == 0
