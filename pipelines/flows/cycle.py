"""The flow of one scheduled cycle, and the part of it that makes a run."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from prefect import flow
from prefect.runtime import flow_run
from pydantic import SecretStr

from data_catalog.errors import MissingDataError, PlumecastError
from data_catalog.storage.locks import lock
from forecast.products.files.runs import RunDirectory
from pipelines.flows import tasks
from pipelines.flows.retries import delays_until, lock_patience_seconds
from pipelines.flows.steps import ONE_AT_A_TIME, disclosed
from pipelines.operations.cycles import SystemCycles
from pipelines.runs import staging
from pipelines.runs.cycle import Cycle, cycle_at_home
from pipelines.runs.sweep import sweep
from pipelines.terminal.times import parse_time
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system

logger = logging.getLogger("plumecast")
FLOW_NAME = "plumecast-cycle"


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

    Returns:
        The directories of the runs; none while the system is held.
    """
    place = Home(Path(home))
    cycles = SystemCycles(place, find_system(system, place))
    name, model = cycles.system.name, None if checkpoint is None else Path(checkpoint)
    request = partial(cycle_at_home, place, cycles.system, members=members, checkpoint=model)
    with lock(place.cycle_lock(name), f"cycle of '{name}'", patience_seconds=lock_patience_seconds()):
        if cycles.ledger().is_held:
            logger.warning("%s is held: no cycle is made until 'plumecast release %s'", name, system)
            return []
        sweep(place.runs, name)
        runs: list[str] = []
        try:
            init_times = _init_times(cycles, system, disclosed(source), init)
            runs.extend(_make_each(cycles, init_times, request, asked=init is not None))
        except MissingDataError:
            with copied(cycles):
                _verify_earlier(cycles, runs, checkpoint, scores)  # today's data is late, that of earlier runs is not
            raise
        with copied(cycles):
            _verify_earlier(cycles, runs, checkpoint, scores)
    return runs


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


def _init_times(cycles: SystemCycles, system: str, source: str | None, init: str | None) -> list[np.datetime64]:
    """Bring the archive up to date, waiting for late data as long as the schedule says; return the cycles to make."""
    schedule = cycles.system.schedule
    delays = delays_until(schedule.wait_hours)
    patient = tasks.ingest_for_cycle.with_options(retries=len(delays), retry_delay_seconds=delays)
    return [parse_time(each) for each in patient(str(cycles.home.root), system, source or schedule.source, init)]


def _make_each(
    cycles: SystemCycles, init_times: Sequence[np.datetime64], request: Callable[[np.datetime64], Cycle], *, asked: bool
) -> Iterator[str]:
    """Make each run, although another one fails; the first failure is raised at the end."""
    failures: list[Exception] = []
    for init_time in init_times:
        try:
            with cycles.recorded(init_time, asked=asked):
                run = make_run(replace(request(init_time), allow_suspect=cycles.system.schedule.allow_suspect))
        except Exception as error:
            failures.append(error)
            logger.error("%s", error)
        else:
            yield run
    if failures:
        raise failures[0]


def _verify_earlier(cycles: SystemCycles, runs: Sequence[str], checkpoint: str | None, scores: str | None) -> None:
    """Verify the runs before these that can be verified now; without an archive there are none."""
    home, system = str(cycles.home.root), cycles.system
    if not cycles.home.archive(system.dataset).exists():
        return
    for earlier in tasks.find_verifiable(home, system):
        if earlier not in runs:
            tasks.verify(home, earlier, checkpoint, scores=scores, system=system)
            cycles.ledger().record([RunDirectory.at(earlier).init_time], "verified")


def make_run(cycle: Cycle) -> str:
    """Make and publish one run, task by task, within a flow.

    Args:
        cycle: The request for the run.

    Returns:
        The directory of the run.
    """
    with lock(staging.lock_path(cycle.run), f"run {cycle.run.path}", patience_seconds=lock_patience_seconds()):
        if tasks.make_members(cycle):
            tasks.make_products(cycle)
            tasks.make_page(cycle)
            tasks.publish(cycle)
    return str(cycle.run.path)
