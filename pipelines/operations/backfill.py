"""Makes the runs of a past period that do not exist yet, beside the scheduled cycles, which go first."""

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from data_catalog.archive.reading import open_archive
from data_catalog.errors import ConfigurationError, MissingDataError, PlumecastError
from data_catalog.layout.times import iso
from data_catalog.storage.locks import is_held
from forecast.system.system import System
from pipelines.operations.cycle_states import published_runs
from pipelines.operations.cycles import SystemCycles
from pipelines.operations.verify import verify_run
from pipelines.runs.cycle import cycle_at_home
from pipelines.runs.forecast import make_run
from pipelines.runs.inputs import open_inputs
from pipelines.runs.verifiable import runs_to_verify
from pipelines.scoring.verification_request import VerificationRequest
from pipelines.terminal.progress import progress
from pipelines.workspace.datasets import declare_variables
from pipelines.workspace.home import Home
from pipelines.workspace.starts import HOUR, startable

logger = logging.getLogger("plumecast")
PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class Backfill:
    """A request for the runs of a past period.

    Attributes:
        home: Home directory.
        system: The system.
        start: First init time, UTC.
        end: Last init time, UTC.
        every_hours: Hours between init times.
        members: Size of the ensembles; None for the system's.
        checkpoint: Directory of the checkpoint; None for the default.
    """

    home: Home
    system: System
    start: np.datetime64
    end: np.datetime64
    every_hours: int
    members: int | None = None
    checkpoint: Path | None = None

    def init_times(self) -> list[np.datetime64]:
        """Return the init times of the period that an archived analysis allows and that no run is published for.

        Raises:
            MissingDataError: The archive has no analysis to start from in the period, or does not exist.
        """
        archive = self.home.archive(self.system.dataset)
        if not archive.exists():
            raise MissingDataError(f"backfill: expected the archive {archive}, found none; 'plumecast ingest' makes it")
        wanted = np.arange(self.start, self.end + np.timedelta64(1, "ns"), self.every_hours * HOUR)
        starts = startable(self.system, open_archive(archive)["time"].values)
        possible = wanted[np.isin(wanted, starts)]
        if not possible.size:
            raise MissingDataError(
                f"backfill: expected analyses from {iso(self.start)} to {iso(self.end)}, every {self.every_hours} h, "
                "to start from, found none"
            )
        made = published_runs(self.home.runs, self.system.name)
        return [init_time for init_time in possible if init_time not in made]


def backfill(request: Backfill, *, workers: int = 1) -> Iterator[str]:
    """Make the runs that are missing, verify what can be verified, and go on after a run that fails.

    What is published stays as it is, so a backfill that was interrupted continues where it stopped.

    Args:
        request: The period.
        workers: Number of processes, each making one run at a time.

    Yields:
        A line about each run.

    Raises:
        PlumecastError: At the end, the first failure.
    """
    missing, failures = request.init_times(), list[PlumecastError]()
    with progress(f"Backfill {request.system.name}", len(missing), "runs") as advance:
        for done, (init_time, failure) in enumerate(_each_made(request, missing, workers), 1):
            advance(done)
            yield f"{iso(init_time)}: {failure or 'published'}"
            failures += [failure] if failure else []
    yield from _verified(request)
    if failures:
        raise failures[0]


def _each_made(
    request: Backfill, init_times: Sequence[np.datetime64], workers: int
) -> Iterator[tuple[np.datetime64, PlumecastError | None]]:
    if workers == 1:
        yield from ((init_time, _make(request, init_time)) for init_time in init_times)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), declare_variables, (request.home,)) as pool:
        asked = {pool.submit(_make, request, init_time): init_time for init_time in init_times}
        for future in as_completed(asked):
            yield asked[future], _failure_of(future, workers)


def _failure_of(future: Future[PlumecastError | None], workers: int) -> PlumecastError | None:
    try:
        return future.result()
    except BrokenProcessPool:
        return ConfigurationError(
            f"backfill: expected {workers} processes to finish, found one that was killed, such as for want of memory; "
            "run it again with fewer --workers"
        )


def _wait_for_schedule(request: Backfill) -> None:
    """Wait while a scheduled cycle of the system is at work."""
    busy = request.home.cycle_lock(request.system.name)
    if is_held(busy):
        logger.info("A scheduled cycle of %s is at work, and goes first", request.system.name)
    while is_held(busy):
        time.sleep(PAUSE_SECONDS)


def _make(request: Backfill, init_time: np.datetime64) -> PlumecastError | None:
    """Make one run once no scheduled cycle of the system is at work; return its failure."""
    _wait_for_schedule(request)
    try:
        with SystemCycles(request.home, request.system).recorded(init_time, asked=True):
            cycle = cycle_at_home(
                request.home, request.system, init_time, members=request.members, checkpoint=request.checkpoint
            )
            make_run(cycle, open_inputs(cycle))
    except PlumecastError as error:
        return error
    return None


def _verified(request: Backfill) -> Iterator[str]:
    """Verify the runs of the period that can be verified."""
    times = open_archive(request.home.archive(request.system.dataset))["time"].values
    asked = VerificationRequest(request.home, system=request.system, checkpoint=request.checkpoint)
    for run in runs_to_verify(request.system, times, request.home.runs):
        if request.start <= run.init_time <= request.end:
            verify_run(asked, run)
            yield f"{iso(run.init_time)}: verified"
