"""One scheduled cycle, and the part of it that makes a run."""

from pathlib import Path

from prefect import flow

from data_catalog.storage.locks import lock
from pipelines.flows import tasks
from pipelines.runs import staging
from pipelines.runs.cycle import Cycle, cycle_at_home
from pipelines.runs.due import lock_path
from pipelines.terminal.times import parse_time
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system


@flow(name="plumecast-cycle", task_runner=tasks.ONE_AT_A_TIME, persist_result=False)
def cycle_flow(
    system: str,
    home: str,
    init: str | None = None,
    source: str | None = None,
    checkpoint: str | None = None,
    members: int | None = None,
    scores: str | None = None,
) -> str:
    """Ingest what is new, forecast, publish, verify what has become verifiable.

    Args:
        system: Name or path of a system.
        home: Home directory.
        init: ISO time; the cycle that is due when None.
        source: Path or URL in place of the catalogue's.
        checkpoint: Directory in place of the found one.
        members: Size of the ensemble; the system's when None.
        scores: Score archive in place of the home's.

    Returns:
        The run's directory.
    """
    place = Home(Path(home))
    found = find_system(system)
    with lock(lock_path(place, found.name), f"cycle of '{found.name}'"):
        tasks.ingest(home, found.dataset, source)
        given = None if checkpoint is None else Path(checkpoint)
        init_time = parse_time(init or tasks.choose_init_time(home, system), "--init")
        cycle = cycle_at_home(place, found, init_time, members=members, checkpoint=given)
        run = make_run(cycle)
        for earlier in tasks.find_verifiable(home, found):
            if earlier != run:
                tasks.verify(home, earlier, checkpoint, scores=scores, system=found)
    return run


def make_run(cycle: Cycle) -> str:
    """Make and publish one run, task by task; call within a flow.

    Returns:
        The run's directory.
    """
    with lock(staging.lock_path(cycle.run), f"run {cycle.run.path}"):
        if tasks.make_members(cycle):
            tasks.make_products(cycle)
            tasks.make_page(cycle)
            tasks.publish(cycle)
    return str(cycle.run.path)
