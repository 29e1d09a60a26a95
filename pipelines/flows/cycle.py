"""The flow of one scheduled cycle, and the part of it that makes a run."""

from dataclasses import replace
from pathlib import Path

from prefect import flow
from pydantic import SecretStr

from data_catalog.errors import MissingDataError
from data_catalog.storage.locks import lock
from forecast.system.system import System
from pipelines.flows import tasks
from pipelines.runs import staging
from pipelines.runs.cycle import Cycle, cycle_at_home
from pipelines.runs.due import lock_path
from pipelines.runs.sweep import sweep
from pipelines.terminal.times import parse_time
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system


@flow(name="plumecast-cycle", task_runner=tasks.ONE_AT_A_TIME, persist_result=False)
def cycle_flow(
    system: str,
    home: str,
    init: str | None = None,
    source: SecretStr | None = None,
    checkpoint: str | None = None,
    members: int | None = None,
    scores: str | None = None,
) -> str:
    """Ingest new data, forecast, publish, and verify earlier runs that can be verified now.

    Args:
        system: Name or path of a system.
        home: Home directory.
        init: Init time, ISO 8601; None for the cycle that is due.
        source: Path or URL to use instead of that of the system's schedule, or else the catalogue's source; secret,
            because Prefect shows parameters and a URL may hold a password.
        checkpoint: Directory of the checkpoint to use instead of the default.
        members: Size of the ensemble; None for the system's.
        scores: Score archive to use instead of the home's.

    Returns:
        The directory of the run.
    """
    place = Home(Path(home))
    found = find_system(system, place)
    with lock(lock_path(place, found.name), f"cycle of '{found.name}'"):
        sweep(place.runs, found.name)
        run = None
        try:
            init_time = tasks.ingest_for_cycle(home, system, tasks.disclosed(source) or found.schedule.source, init)
            given = None if checkpoint is None else Path(checkpoint)
            cycle = cycle_at_home(place, found, parse_time(init_time), members=members, checkpoint=given)
            run = make_run(replace(cycle, allow_suspect=found.schedule.allow_suspect))
        except MissingDataError:
            _verify_earlier(home, found, run, checkpoint, scores)  # today's data is late, that of earlier runs is not
            raise
        _verify_earlier(home, found, run, checkpoint, scores)
    return run


def _verify_earlier(home: str, system: System, run: str | None, checkpoint: str | None, scores: str | None) -> None:
    """Verify the runs before this one that can be verified now; without an archive there are none."""
    if not Home(Path(home)).archive(system.dataset).exists():
        return
    for earlier in tasks.find_verifiable(home, system):
        if earlier != run:
            tasks.verify(home, earlier, checkpoint, scores=scores, system=system)


def make_run(cycle: Cycle) -> str:
    """Make and publish one run, task by task, within a flow.

    Args:
        cycle: The request for the run.

    Returns:
        The directory of the run.
    """
    with lock(staging.lock_path(cycle.run), f"run {cycle.run.path}"):
        if tasks.make_members(cycle):
            tasks.make_products(cycle)
            tasks.make_page(cycle)
            tasks.publish(cycle)
    return str(cycle.run.path)
