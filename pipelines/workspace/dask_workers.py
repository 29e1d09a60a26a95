"""Worker processes of this machine, and those of a Dask cluster: the only place that opens a Dask client.

Workers read sources, archives and runs by the same paths as this process, so the machines of a cluster share a file
system.
"""

import logging
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager

import dask
from distributed import Client, KilledWorker, LocalCluster, WorkerPlugin
from distributed.comm.core import CommClosedError
from distributed.system import MEMORY_LIMIT

from data_catalog.archive.workers import Workers
from data_catalog.cores import usable_cores
from data_catalog.errors import ConfigurationError
from pipelines.workspace.datasets import declare_variables
from pipelines.workspace.home import Home

logger = logging.getLogger("plumecast")
_CONNECT_SECONDS = 30
_MEMORY_SHARE = 0.8
"""Of the memory of this machine, what all worker processes may use together."""
_SETTINGS = {
    # A worker that is killed is started again, and its tasks run again on any worker, so often.
    "distributed.scheduler.allowed-failures": 3,
    # A task holds a few blocks at a time and returns digests: more is a fault, and no reason to write to disk.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
}


class PreparedWorker(WorkerPlugin):
    """Prepares a worker, also one that starts later.

    It learns the variables that a user's dataset files declare, and computes lazy arrays of a task itself: Dask would
    hand them to the cluster, whose workers then wait for each other.
    """

    name = "plumecast"

    def __init__(self, home: Home) -> None:
        self._home = home

    def setup(self, worker: object) -> None:
        """Prepare this worker process."""
        dask.config.set(scheduler="synchronous")
        declare_variables(self._home)


@contextmanager
def processes(home: Home, count: int | None = None) -> Iterator[Workers]:
    """Start worker processes on this machine, which share most of its memory.

    Args:
        home: Home directory, whose dataset files declare variables.
        count: Number of processes; None for one for each core, at least two.

    Raises:
        ConfigurationError: Workers are killed again and again.
    """
    number = count or max(2, usable_cores())
    limit = int(MEMORY_LIMIT * _MEMORY_SHARE / number)
    with (
        dask.config.set(_SETTINGS),
        LocalCluster(n_workers=number, threads_per_worker=1, memory_limit=limit, dashboard_address=None) as started,
        Client(started, set_as_default=False) as client,
    ):
        logger.info("%d worker processes of at most %.1f GB", number, limit / 1e9)
        with _workers(client, "processes", home) as workers:
            yield workers
        logging.getLogger("distributed.nanny").setLevel(logging.ERROR)  # what it kills now has nothing left to do


@contextmanager
def cluster(address: str, home: Home) -> Iterator[Workers]:
    """Connect to a Dask cluster.

    Args:
        address: Address of its scheduler, such as `tcp://head:8786`.
        home: Home directory, whose dataset files declare variables; the cluster shares it.

    Raises:
        ConfigurationError: No scheduler answers, it has no workers, it is lost, or workers are killed again and again.
    """
    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"--scheduler {address}: expected a Dask scheduler, found none") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
        except TimeoutError:
            raise ConfigurationError(f"--scheduler {address}: expected at least one worker, found none") from None
        with _workers(client, address, home) as workers:
            yield workers


@contextmanager
def _workers(client: Client, name: str, home: Home) -> Iterator[Workers]:
    try:
        client.register_plugin(PreparedWorker(home))
        count = sum(client.nthreads().values())
        logger.info("%d threads of %s", count, name)
        yield Workers(client.get_executor(pure=False), count, lambda: client.status == "running")
    except KilledWorker as error:
        raise ConfigurationError(
            f"--scheduler {name}: expected workers to finish their tasks, found a task that ended four of them; give "
            "each worker more memory, or see their logs"
        ) from error
    except (CancelledError, CommClosedError) as error:
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # it would log a traceback as it closes
        raise ConfigurationError(
            f"--scheduler {name}: expected the Dask scheduler to stay until the end, found it gone; what was finished "
            "stays: start it again and repeat the command"
        ) from error
