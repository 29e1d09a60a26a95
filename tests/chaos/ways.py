"""The ways in which a cycle is made: in one process, by several, with Dask's workers, by a work pool's worker.

An attempt is one try to make a cycle. What stands longer than that, a Dask cluster or a Prefect server with a worker,
is started before an attempt wherever it was killed.
"""

import subprocess
import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import httpx
import psutil

from pipelines.flows.environment import SETTINGS
from pipelines.flows.server import answers
from pipelines.terminal.processes import free_port
from tests.chaos.world import NAME, World

WAYS = ("plain", "ranks", "dask", "cluster", "pool")
KINDS = {
    "plain": ("flow", "server", "drawing"),
    "ranks": ("flow", "server", "rank", "drawing"),
    "dask": ("flow", "server", "dask worker", "drawing"),
    "cluster": ("flow", "server", "dask worker", "dask scheduler", "drawing"),
    "pool": ("flow", "server", "worker", "drawing"),
}
"""What is killed in each way."""
_WORDS = {
    "pipelines cycle": "flow",
    "prefect.engine": "flow",
    "flow-run execute": "flow",
    "pipelines.runs.shared_members": "rank",
    "prefect server": "server",
    "uvicorn": "server",
    "prefect worker": "worker",
    "pipelines worker": "worker",
    "dask_scheduler": "dask scheduler",
    "dask_worker": "dask worker",
    "multiprocessing.spawn": "drawing",
}
_OF_DASK = "MALLOC_TRIM_THRESHOLD_"
"""Environment variable that Dask gives to its workers, which are otherwise started as the process that draws."""
_STANDING = {"cluster": ("dask worker", "dask scheduler"), "pool": ("server", "worker")}
_PROGRAMS = {"cluster": ("scheduler", "nanny"), "pool": ("server", "worker")}
_ENDED = ("COMPLETED", "FAILED", "CRASHED")
POOL = "nodes"
START_SECONDS = 120.0
CRASHED_SECONDS = 900.0
"""How long a dead flow run may hold the slot of its system: Prefect gives one that never began ten minutes."""


def kind_of(process: psutil.Process) -> str:
    """Return what a process is: flow, server, rank, worker, dask worker, dask scheduler, drawing, or other."""
    words = " ".join(process.cmdline())
    kind = next((kind for part, kind in _WORDS.items() if part in words), "other")
    return "dask worker" if kind == "drawing" and _OF_DASK in process.environ() else kind


def processes_of(world: World) -> list[tuple[str, psutil.Process]]:
    """Return the living processes whose home is a world, each with what it is, oldest first."""
    found = []
    for process in psutil.process_iter(["create_time"]):
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("HOME") == str(world.root):
                found.append((kind_of(process), process))
        except psutil.Error:
            continue
    return sorted(found, key=lambda each: each[1].info["create_time"])


def passing(world: World, way: str) -> list[psutil.Process]:
    """Return the living processes of a world that end with a cycle, other than those that stand longer."""
    return [process for kind, process in processes_of(world) if kind not in _STANDING.get(way, ())]


class Attempt(Protocol):
    """One try to make a cycle."""

    def wait(self, timeout: float) -> int:
        """Return its exit status; raises `TimeoutExpired`."""


class Standing:
    """What makes the cycles of a world, and is started again where it was killed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._ports = {"scheduler": free_port(), "server": free_port()}
        self.started: Counter[str] = Counter()

    def attempt(self, way: str, init: str) -> Attempt:
        """Begin to make a cycle.

        Args:
            way: One of `WAYS`.
            init: Init time.
        """
        for name in [name for name in self._started if name not in _PROGRAMS.get(way, ())]:
            self._stop(name)
        words = ["cycle", str(self._world.system), "--init", init]
        if way == "ranks":
            words += ["--processes", "2"]
        if way == "dask":
            words += ["--scheduler", "processes"]
        if way == "cluster":
            words += ["--scheduler", self._cluster()]
        return self._flow_run(init) if way == "pool" else self._world.command(*words)

    def end(self) -> None:
        """End everything that stands."""
        for process in reversed(list(self._started.values())):
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._started.clear()

    def _cluster(self) -> str:
        """The address of a Dask cluster with a worker that its nanny starts again."""
        address = f"tcp://127.0.0.1:{self._ports['scheduler']}"
        port = ["--port", str(self._ports["scheduler"])]
        fresh = self._keep(
            "scheduler", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", *port, "--no-dashboard"
        )
        if fresh:
            self._stop("nanny")  # it would wait for the scheduler that is gone
        self._keep("nanny", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard")
        return address

    def _flow_run(self, init: str) -> "FlowRun":
        """A run of the deployment, which a worker takes."""
        api, database = f"http://127.0.0.1:{self._ports['server']}/api", str(self._world.root / "prefect")
        variables = {**SETTINGS, "PREFECT_API_URL": api, "PREFECT_HOME": database}
        port = ["--port", str(self._ports["server"])]
        if self._keep("server", "prefect", "server", "start", "--host", "127.0.0.1", *port, **variables):
            awaited("an answer of the server", lambda: answers(api), START_SECONDS)
        if self.started["server"] == 1 and not self.started["worker"]:
            made = self._world.start(["prefect", "work-pool", "create", POOL, "--type", "process"], variables)
            made.wait()  # the pool of an earlier campaign is there still
            asked = ["deploy", str(self._world.system), "--pool", POOL, "--cron", "0 0 1 1 *"]
            assert self._world.command(*asked, **variables).wait() == 0
        self._keep("worker", "pipelines", "worker", POOL, **variables)
        return FlowRun(self._world, api, init)

    def _keep(self, name: str, *words: str, **variables: str) -> bool:
        """Start a program unless it runs; return whether it was started."""
        if name in self._started and self._started[name].poll() is None and self._lives(name):
            return False
        self._stop(name)
        self._started[name] = self._world.standing(*words, **variables)
        self.started[name] += 1
        return True

    def _lives(self, name: str) -> bool:
        """Whether what a program starts lives too: a server's own process may be left without it."""
        return name != "server" or answers(f"http://127.0.0.1:{self._ports['server']}/api")

    def _stop(self, name: str) -> None:
        process = self._started.pop(name, None)
        if process is not None:
            for one in reversed([*_family(process.pid)]):
                one.kill()
            process.wait()
        port = str(self._ports.get(name, "none"))
        for kind, left in processes_of(self._world):  # such as a server whose starter was killed
            if kind == name and port in left.cmdline():
                left.kill()
                left.wait()


class FlowRun:
    """An attempt by a worker: a flow run of the deployment, asked for again while a dead one holds the slot."""

    def __init__(self, world: World, api: str, init: str) -> None:
        self._world, self._api, self._init = world, api, init
        self._asked_until = time.monotonic() + CRASHED_SECONDS
        self._run_id = self._ask()

    def _ask(self) -> str:
        (deployment,) = self._call("deployments/filter", {"deployments": {"name": {"any_": [NAME]}}})
        asked = {"state": {"type": "SCHEDULED"}, "parameters": {"init": self._init}}
        return str(self._call(f"deployments/{deployment['id']}/create_flow_run", asked)["id"])

    def _call(self, path: str, content: dict[str, object]) -> list[dict[str, str]] | dict[str, str]:
        """Ask the server, again while it is busy or just starts, as Prefect's own client does."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            answer = httpx.post(f"{self._api}/{path}", json=content, timeout=60)
            if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR or time.monotonic() > deadline:
                answer.raise_for_status()
                return answer.json()
            time.sleep(2)

    def _state(self) -> str:
        """The state of the flow run; that of a run whose server is gone is told by its process."""
        try:
            return str(httpx.get(f"{self._api}/flow_runs/{self._run_id}", timeout=10).json()["state"]["type"])
        except httpx.HTTPError:
            living = any(kind == "flow" for kind, _ in processes_of(self._world))
            return "RUNNING" if living else "LOST"

    def wait(self, timeout: float) -> int:
        """Return 0 once it is completed, 1 if it failed or its process is gone."""
        deadline = time.monotonic() + timeout
        while (state := self._state()) not in (*_ENDED, "LOST") and time.monotonic() < deadline:
            if state == "CANCELLED":
                assert time.monotonic() < self._asked_until, f"{self._init}: a dead run holds the slot"
                time.sleep(5)
                self._run_id = self._ask()
            needed = {"RUNNING": "flow", "SCHEDULED": "worker", "PENDING": "worker"}.get(state)
            if needed and not any(kind == needed for kind, _ in processes_of(self._world)):
                return self._dead()
            time.sleep(0.5)
        if state in (*_ENDED, "LOST"):
            return 0 if state == "COMPLETED" else 1
        raise subprocess.TimeoutExpired("flow run", timeout)

    def _dead(self) -> int:
        """The status of a run without a process, which may have ended just now."""
        time.sleep(2)
        return 0 if self._state() == "COMPLETED" else 1


def awaited(what: str, found: Callable[[], bool], seconds: float) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: It takes longer.
    """
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, f"expected {what} within {seconds:.0f} s"
        time.sleep(0.2)


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []
