"""The flow of one scheduled cycle, and the part of it that makes a run."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from prefect import flow
from prefect.runtime import flow_run
from pydantic import SecretStr

from data_catalog.errors import InvalidDataError, MissingDataError, PlumecastError
from data_catalog.storage.disks import as_full_disk
from data_catalog.storage.locks import lock
from forecast.products.files.runs import RunDirectory
from forecast.products.plots.second_process import drawing_beside
from pipelines.flows import tasks
from pipelines.flows.environment import FLOW_NAME
from pipelines.flows.mending import with_sound_archive
from pipelines.flows.notifying import notified
from pipelines.flows.pauses import when_there_is_room
from pipelines.flows.resources import ONE_PROCESS, Resources
from pipelines.flows.retries import delays_until, is_scheduled, lock_patience_seconds
from pipelines.flows.shadows import run_shadows
from pipelines.flows.steps import ONE_AT_A_TIME, disclosed
from pipelines.operations.cycles import SystemCycles
from pipelines.runs import staging
from pipelines.runs.cycle import Cycle, cycle_at_home
from pipelines.runs.inputs import open_inputs
from pipelines.runs.sweep import sweep
from pipelines.terminal.times import parse_time
from pipelines.workspace.home import Home
from pipelines.workspace.scheduler import LOCAL, check_scheduler, open_scheduler
from pipelines.workspace.systems import find_system

logger = logging.getLogger("plumecast")


def _name_of_run() -> str:
    """Return the name of a flow run on Prefect's page: the system, and the cycle where it is asked for."""
    parameters = flow_run.parameters
    return f"{Path(parameters['system']).stem}-{parameters.get('init') or 'due'}"


@flow(name=FLOW_NAME, flow_run_name=_name_of_run, task_runner=ONE_AT_A_TIME, persist_result=False)
def cycle_flow(
    system: str,
    home: str,
    init: str | None = None,
    source: SecretStr | None = None,
    checkpoint: str | None = None,
    members: int | None = None,
    scores: str | None = None,
    resources: Resources = ONE_PROCESS,
) -> list[str]:
    """Ingest new data, make the cycles that are due, publish, and verify earlier runs that can be verified now.

    Args:
        system: Name or path of a system.
        home: Home directory.
        init: Init time, ISO 8601; None for the cycles that are due.
        source: Path or URL to use instead of that of the system's schedule, or else the catalogue's source; secret,
            because Prefect shows parameters and a URL may hold a password.
        checkpoint: Directory of the checkpoint to use instead of the default.
        members: Size of the ensemble; None for the system's.
        scores: Score archive to use instead of the home's.
        resources: What the cycle computes with.

    Returns:
        The directories of the runs; none while the system is held.
    """
    place = Home(Path(home))
    check_scheduler(resources.scheduler)
    cycles = SystemCycles(place, find_system(system, place))
    name, model = cycles.system.name, None if checkpoint is None else Path(checkpoint)
    work = _Work(
        cycles,
        system,
        disclosed(source) or cycles.system.schedule.source,
        init,
        resources.scheduler,
        partial(cycle_at_home, place, cycles.system, members=members, checkpoint=model, processes=resources.processes),
        partial(tasks.verify, str(place.root), checkpoint=checkpoint, scores=scores, system=cycles.system),
    )
    with notified(cycles), _alone_on_schedule(place, name):
        if work.is_held():
            return []
        try:
            return when_there_is_room(partial(_worked, work), place.root)
        finally:
            _write_metrics(place)


def _write_metrics(home: Home) -> None:
    """Write the metrics of all cycles, however this one ended; that they cannot be written fails no cycle."""
    try:
        tasks.metrics.with_options(retries=0)(str(home.root))
    except Exception as error:
        logger.warning("No metrics are written: %s", error)


@dataclass(frozen=True)
class _Work:
    """What a flow run does.

    Attributes:
        cycles: The cycles of the system.
        system: Name or path of the system, as the user gave it.
        source: Path or URL to ingest and mend from; None for the catalogue's source.
        init: Init time that is asked for; None for the cycles that are due.
        scheduler: What reads and packs new data and scores runs, as in `--scheduler`.
        request: Returns the request for the run of an init time.
        verify: Verifies the run in a directory.
    """

    cycles: SystemCycles
    system: str
    source: str | None
    init: str | None
    scheduler: str
    request: Callable[[np.datetime64], Cycle]
    verify: Callable[..., str]

    def cycle(self, init_time: np.datetime64) -> Cycle:
        return replace(self.request(init_time), allow_suspect=self.cycles.system.schedule.allow_suspect)

    def is_held(self) -> bool:
        held = self.cycles.ledger().is_held
        if held:
            name = self.cycles.system.name
            logger.warning("%s is held: no cycle is made until 'plumecast release %s'", name, self.system)
        return held

    def alone(self) -> AbstractContextManager[None]:
        """Hold the lock of the cycles of the system."""
        name = self.cycles.system.name
        patience = lock_patience_seconds()
        return lock(self.cycles.home.cycle_lock(name), f"cycle of '{name}'", patience_seconds=patience)


@contextmanager
def _alone_on_schedule(home: Home, name: str) -> Iterator[None]:
    """Hold the lock that says that a scheduled cycle of a system is alive, also while it waits; at a terminal none."""
    if not is_scheduled():
        yield
        return
    path = home.schedule_lock(name)
    with lock(path, f"scheduled cycle of '{name}'", patience_seconds=lock_patience_seconds()):
        yield


def _worked(work: _Work) -> list[str]:
    """Wait for data, which leaves other cycles of the system free to go on; then make and verify runs alone."""
    try:
        init_times = with_sound_archive(partial(_init_times, work), work.cycles, work.source)
    except MissingDataError:
        with work.alone():
            _finish(work, [])  # today's data is late, that of earlier runs is not
        raise
    with work.alone():
        if work.is_held():
            return []
        sweep(work.cycles.home.runs, work.cycles.system.name)
        runs: list[str] = []
        try:
            runs.extend(_make_each(work, init_times))
        except (MissingDataError, InvalidDataError):
            _finish(work, runs)
            raise
        _finish(work, runs)
    return runs


def _finish(work: _Work, runs: Sequence[str]) -> None:
    """Announce and copy what is published; verify earlier runs, let shadows follow, and clean up."""
    home, system = str(work.cycles.home.root), work.cycles.system
    for run in (*runs, None):  # None stands for what was not taken earlier
        try:
            tasks.announce.with_options(retries=0)(home, system, run)
        except Exception as error:
            logger.warning("%s: published, but not announced: %s", run or "earlier runs", error)
    with copied(work.cycles):
        _verify_earlier(work, runs)
        run_shadows(work.cycles, [RunDirectory.at(run).init_time for run in runs], work.request, make_run)
        if system.retention is not None:
            tasks.clean(home, system)


@contextmanager
def copied(cycles: SystemCycles) -> Iterator[None]:
    """Copy what is published to where the system says, before the block and again after it changed runs.

    A store that does not answer holds up nothing here: that is raised at the end, and the next cycle copies the rest.
    """
    copy = partial(tasks.copy_runs.with_options(retries=0), str(cycles.home.root), cycles.system)
    if cycles.system.publish.to is None:
        yield
        return
    try:
        copy()
    except PlumecastError as error:
        yield
        raise error
    yield
    copy()


def _init_times(work: _Work) -> list[np.datetime64]:
    """Bring the archive up to date, waiting for late data as long as the schedule says; return the cycles to make."""
    home, delays = str(work.cycles.home.root), delays_until(work.cycles.system.schedule.wait_hours)
    asked = home, work.system, work.source, work.init
    patient = tasks.ingest_for_cycle.with_options(retries=len(delays), retry_delay_seconds=delays)
    return [parse_time(each) for each in patient(*asked, scheduler=work.scheduler)]


def _make_each(work: _Work, init_times: Sequence[np.datetime64]) -> Iterator[str]:
    """Make each run, although another one fails; the first failure is raised at the end."""
    failures: list[Exception] = []
    asked = work.init is not None
    for init_time in init_times if asked else work.cycles.unmade(init_times):
        try:
            yield _make_one(work, init_time, asked=asked)
        except Exception as error:
            if as_full_disk(error, work.cycles.home.root):
                raise
            failures.append(error)
            logger.error("%s", error)
    if failures:
        raise failures[0]


def _make_one(work: _Work, init_time: np.datetime64, *, asked: bool) -> str:
    cycles, patience = work.cycles, lock_patience_seconds()
    if not asked:
        cycles.refuse_rejected(init_time, lambda: open_inputs(work.cycle(init_time)).digest)
    with cycles.recorded(init_time, asked=asked, patience_seconds=patience) as remarks:
        cycle = work.cycle(init_time)
        return with_sound_archive(partial(_make, cycle), cycles, work.source, remarks)


def _verify_earlier(work: _Work, runs: Sequence[str]) -> None:
    """Verify the runs before these that can be verified now; without an archive there are none."""
    cycles = work.cycles
    if not cycles.home.archive(cycles.system.dataset).exists():
        return
    verifiable = [run for run in tasks.find_verifiable(str(cycles.home.root), cycles.system) if run not in runs]
    with open_scheduler(work.scheduler if verifiable else LOCAL, cycles.home) as workers:
        for earlier in verifiable:
            with_sound_archive(partial(work.verify, earlier, workers=workers), cycles, work.source)
            cycles.ledger().record([RunDirectory.at(earlier).init_time], "verified")


def make_run(cycle: Cycle) -> str:
    """Make and publish one run, task by task, within a flow.

    Args:
        cycle: The request for the run.

    Returns:
        The directory of the run.
    """
    with lock(staging.lock_path(cycle.run), f"run {cycle.run.path}", patience_seconds=lock_patience_seconds()):
        return _make(cycle)


def _make(cycle: Cycle) -> str:
    """Make and publish one run, whose lock is held."""
    with drawing_beside() if is_scheduled() else nullcontext():  # at a terminal the command line has begun it
        if tasks.make_members(cycle):
            tasks.make_products(cycle)
            tasks.check(cycle)
            tasks.make_page(cycle)
            tasks.publish(cycle)
    return str(cycle.run.path)
