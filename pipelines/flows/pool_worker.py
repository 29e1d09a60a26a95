"""Runs a worker of a work pool, and marks the flow runs whose process is gone, which hold the place of the next cycle.

Prefect's automation does the latter while its server lives; what died together with the server, as in a loss of power,
it never sees. Prefect reads its settings when it is first imported: import this module only when they are known.
"""

import logging
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

import httpx
from prefect import get_client
from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName
from prefect.exceptions import PrefectException

from pipelines.flows.crashed_runs import mark_dead_cycles
from pipelines.terminal.tied import launcher_variable, tied_command
from pipelines.workspace.home import Home

logger = logging.getLogger("plumecast")
SWEEP_SECONDS = 300.0
BEGINS_WITHIN = timedelta(minutes=10)
"""How long a process may take from its flow run's state to the lock of its schedule; a younger run is left alone."""


def run_worker(home: Home, pool: str, words: Sequence[str]) -> int:
    """Run a worker until it ends or is told to end; look for dead runs of its pool at once and every five minutes.

    Args:
        home: Home directory of the cycles.
        pool: Name of the work pool.
        words: Further options of `prefect worker start`.

    Returns:
        Exit status of the worker, 0 if it was told to end; as of a shell, 128 and the signal if one ended it.
    """
    command = tied_command(["prefect", "worker", "start", "--pool", pool, *words])
    worker = subprocess.Popen(command, env={**os.environ, **launcher_variable()})  # noqa: S603
    with worker, _told_to(worker) as told:
        while True:
            free_places(home, pool)
            try:
                status = worker.wait(SWEEP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return 0 if told else status if status >= 0 else 128 - status


def free_places(home: Home, pool: str) -> None:
    """Mark the runs of a pool's deployments whose process is gone; a server that does not answer is asked later.

    Args:
        home: Home directory of the cycles. Systems whose schedule never ran there are left alone: the home may be
            mounted elsewhere only.
        pool: Name of the work pool.
    """
    try:
        with get_client(sync_client=True) as client:
            made = client.read_deployments(work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])))
            names = [each.name for each in made if home.schedule_lock(each.name).exists()]
            marked = mark_dead_cycles(client, home, names, older_than=BEGINS_WITHIN)
    except (httpx.HTTPError, PrefectException) as error:
        logger.warning("Prefect server: expected an answer, found %s; it is asked again", error or type(error).__name__)
        return
    if marked:
        logger.info("Marked %d flow runs of a killed process as crashed", marked)


@contextmanager
def _told_to(worker: "subprocess.Popen[bytes]") -> Iterator[list[int]]:
    """Pass a request to end on to the worker, which lets its runs end; yields the requests that came."""
    told: list[int] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        told.append(number)
        worker.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
