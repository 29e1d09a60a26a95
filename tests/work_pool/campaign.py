"""Run cycles on a real Prefect server with a work pool and two workers, disturb them, and see that nothing is lost.

    python -m tests.work_pool.campaign --out DIRECTORY [--database postgresql+asyncpg://...] [--command 'srun ...']

The bundled weather and the shipped model make small forecasts. In turn: a tick is run by a worker; a cycle is cancelled
in mid-forecast, and leaves no process; a cycle's process is killed, and the server marks it as crashed within two
minutes; the server is restarted; three runs are asked for at once, and one runs at a time. After each, the next cycle
is published.
Ends in an error where anything else happens. Minutes; not a part of the tests.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

_PORT, _POOL, _SYSTEM = 4299, "nodes", "speedy-5p6"
_API = f"http://127.0.0.1:{_PORT}/api"
_MOST_SECONDS = 600
_CRASHED_WITHIN = 120
_SMALLER = {"members = 50": "members = 8", "lead_days = 10": "lead_days = 8", "batch_size = 25": "batch_size = 4"}


def run(out: Path, database: str | None, command: str | None) -> None:
    """Run the whole campaign.

    Args:
        out: Empty directory.
        database: Connection URL of the server's database; None for SQLite.
        command: What a worker starts for a cycle; None for a process of its own.
    """
    home, system = out / "home", _small_system(out)
    environment = {
        **os.environ,
        "PREFECT_API_URL": _API,
        "PREFECT_HOME": str(out / "prefect"),
        "PLUMECAST_HOME": str(home),
    }
    environment |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    environment |= {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database} if database else {}
    with _server(environment, out) as restart:
        _prefect(environment, "work-pool", "create", _POOL, "--type", "process")
        words = ["--command", command] if command else []
        _plumecast(environment, "deploy", str(system), "--pool", _POOL, "--cron", "0 0 1 1 *", *words)
        with _workers(environment, out, 2):
            _step("a tick is run", lambda: _completes(home, 1))
            _step("a cycle is cancelled in mid-forecast", lambda: _cancels(home))
            _step("the cancelled cycle is made", lambda: _completes(home, 2))
            _step("a killed cycle is marked as crashed", _is_marked)
            _step("the killed cycle is made", lambda: _completes(home, 3))
            _step("the server is restarted", restart)
            _step("a cycle after the restart", lambda: _completes(home, 4))
            _step("one of three at a time", lambda: _one_at_a_time(home))
    assert not _cycles(), "a process of a cycle is left"
    left = [str(path) for path in (home / "runs" / ".working").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert not left, left
    print("all is well")


def _small_system(out: Path) -> Path:
    shipped = Path(__file__).parents[2] / "pipelines" / "systems" / f"{_SYSTEM}.toml"
    text = shipped.read_text(encoding="utf-8")
    for old, new in _SMALLER.items():
        assert old in text, old
        text = text.replace(old, new)
    path = out / f"{_SYSTEM}.toml"
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def _server(environment: dict[str, str], out: Path) -> Iterator[Callable[[], None]]:
    """A server; yields what restarts it."""
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(_PORT)]
        with (out / "server.log").open("ab") as log:
            running.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        _await("an answer of the server", _answers)

    def restart() -> None:
        _end(running.pop())
        time.sleep(5)
        start()

    start()
    try:
        yield restart
    finally:
        _end(running.pop())


def _answers() -> bool:
    try:
        return httpx.get(f"{_API}/health", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


@contextmanager
def _workers(environment: dict[str, str], out: Path, count: int) -> Iterator[None]:
    command = [sys.executable, "-m", "pipelines", "worker", _POOL, "--limit", "2"]
    with (out / "workers.log").open("ab") as log:
        started = [subprocess.Popen(command, env=environment, stdout=log, stderr=log) for _ in range(count)]
    try:
        yield
    finally:
        for worker in started:
            _end(worker)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()  # a worker of a busy machine that waits for its next heartbeat


def _prefect(environment: dict[str, str], *words: str) -> None:
    subprocess.run([sys.executable, "-m", "prefect", *words], env=environment, check=True, stdout=subprocess.DEVNULL)


def _plumecast(environment: dict[str, str], *words: str) -> None:
    subprocess.run([sys.executable, "-m", "pipelines", *words], env=environment, check=True)


def _step(name: str, action: Callable[[], None]) -> None:
    begun = time.monotonic()
    action()
    print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)


def _await(what: str, found: Callable[[], bool], seconds: float = _MOST_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, f"expected {what} within {seconds:.0f} s"
        time.sleep(1)


def _ask(kind: str, path: str, **content: Any) -> Any:
    answer = httpx.request(kind, f"{_API}/{path}", json=content or None, timeout=60)
    answer.raise_for_status()
    return answer.json()


def _begin() -> str:
    """Ask for a run of the deployment, as its schedule would."""
    (deployment,) = _ask("POST", "deployments/filter", limit=10)
    return str(_ask("POST", f"deployments/{deployment['id']}/create_flow_run", state={"type": "SCHEDULED"})["id"])


def _state(run_id: str) -> str:
    return str(_ask("GET", f"flow_runs/{run_id}")["state"]["type"])


def _published(home: Path) -> int:
    return len(list((home / "runs" / _SYSTEM).glob("*Z/manifest.json")))


def _cycles() -> list[int]:
    """Processes that run a flow."""
    found = subprocess.run(["pgrep", "--full", "prefect.engine"], capture_output=True, text=True, check=False).stdout
    return [int(line) for line in found.split()]


def _completes(home: Path, published: int) -> None:
    run_id = _begin()
    _await("the cycle to complete", lambda: _state(run_id) in ("COMPLETED", "FAILED", "CRASHED"))
    assert _state(run_id) == "COMPLETED", _state(run_id)
    assert _published(home) == published, _published(home)


def _in_mid_forecast() -> str:
    run_id = _begin()
    forecasting = {"flow_runs": {"id": {"any_": [run_id]}}, "task_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
    _await("a task that makes members", lambda: any(
        task["name"].startswith("members") for task in _ask("POST", "task_runs/filter", **forecasting)
    ))  # fmt: skip
    return run_id


def _cancels(home: Path) -> None:
    run_id, before = _in_mid_forecast(), _published(home)
    _ask("POST", f"flow_runs/{run_id}/set_state", state={"type": "CANCELLING"})
    _await("the cycle to be cancelled", lambda: _state(run_id) == "CANCELLED")
    _await("its process to end", lambda: not _cycles(), 60)
    assert _published(home) == before


def _is_marked() -> None:
    run_id = _in_mid_forecast()
    for process in _cycles():
        os.kill(process, signal.SIGKILL)
    _await("the cycle to be marked as crashed", lambda: _state(run_id) == "CRASHED", _CRASHED_WITHIN)


def _one_at_a_time(home: Path) -> None:
    before, asked = _published(home), [_begin() for _ in range(3)]
    ended: set[str] = set()
    while len(ended) < len(asked):
        states = [_state(run_id) for run_id in asked]
        assert states.count("RUNNING") <= 1, states
        ended = {run_id for run_id, state in zip(asked, states, strict=True) if state in ("COMPLETED", "CANCELLED")}
        time.sleep(1)
    completed = sum(_state(run_id) == "COMPLETED" for run_id in asked)
    assert 1 <= completed == _published(home) - before


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--database")
    parser.add_argument("--command")
    given = parser.parse_args()
    given.out.mkdir(parents=True)
    run(given.out.absolute(), given.database, given.command)
