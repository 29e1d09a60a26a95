"""The steps as Prefect tasks: they take and return paths and small descriptions, never arrays.

Nothing is cached: a step whose run is published or whose archive is up to date is short anyway.
"""

import logging
from functools import partial
from pathlib import Path

from prefect.events import emit_event

from data_catalog.archive.reading import open_archive
from data_catalog.archive.workers import Workers
from data_catalog.catalog import DatasetEntry
from forecast.products.files.runs import RunDirectory
from forecast.states.starts import select_past
from forecast.system.system import System
from forecast.verification.evaluation_report import pooled, write_evaluation
from pipelines.data.archives import heal
from pipelines.data.ingest import ingest_new
from pipelines.flows.artifacts import show_run, show_scores
from pipelines.flows.source_limits import source_slots
from pipelines.flows.steps import step
from pipelines.operations.announcing import announce as announce_run
from pipelines.operations.announcing import announce_again, message_of
from pipelines.operations.cleaning import clean as clean_system
from pipelines.operations.copies import note_copy
from pipelines.operations.cycles import SystemCycles
from pipelines.operations.index import write_index
from pipelines.operations.metrics import write_metrics
from pipelines.operations.publication import copy_missing
from pipelines.operations.verify import verify as verify_all
from pipelines.operations.verify import verify_run
from pipelines.runs import forecast as forecasting
from pipelines.runs.checking import check_run
from pipelines.runs.cycle import Cycle
from pipelines.runs.inputs import open_inputs
from pipelines.runs.shared_members import make_members_together
from pipelines.runs.verifiable import runs_to_verify
from pipelines.scoring.verification_request import VerificationRequest
from pipelines.terminal.times import parse_time
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.home import Home
from pipelines.workspace.scheduler import LOCAL, open_scheduler
from pipelines.workspace.systems import find_system

logger = logging.getLogger("plumecast")


@step("ingest")
def ingest(home: str, entry: DatasetEntry, source: str | None = None) -> str:
    """Bring the archive of a dataset up to date; return its path."""
    with source_slots(entry.source):
        return str(ingest_new(Home(Path(home)), entry, source))


@step("new data and its init times")
def ingest_for_cycle(
    home: str, system_name: str, source: str | None = None, init: str | None = None, *, scheduler: str = LOCAL
) -> list[str]:
    """Bring the archive of a system up to date, and return the init times of the cycles to make, ISO 8601.

    Both are one step, so that data that comes late is asked for again.

    Args:
        home: Home directory.
        system_name: Name or path of a system.
        source: Path or URL to use instead of the catalogue's source.
        init: Wanted init time; None for the cycles that are due.
        scheduler: What reads and packs new data, as in `--scheduler`.

    Raises:
        MissingDataError: The analysis is not there yet.
    """
    place = Home(Path(home))
    system = find_system(system_name, place)
    cycles = SystemCycles(place, system)
    wanted = None if init is None else parse_time(init, "--init")
    with cycles.explained(wanted):
        with source_slots(system.entry.source), open_scheduler(scheduler, place) as workers:
            archived = open_archive(ingest_new(place, system.entry, source, workers))[["time"]]
        if wanted is None:
            return [str(time) for time in cycles.choose(archived["time"].values)]
        select_past(archived, wanted, system.state.past_states, system.state.step_hours)
        return [str(wanted)]


@step("mend the archive")
def mend_archive(home: str, entry: DatasetEntry, source: str | None = None) -> list[str]:
    """Mend everything that is damaged or lost in the archive of a dataset; return a line for each fault."""
    with source_slots(entry.source):
        return list(heal(entry, Home(Path(home)).archive(entry.name), source))


@step("members")
def make_members(cycle: Cycle) -> bool:
    """Write the NetCDF of all members into the staged run; return False if the published run already holds them."""
    inputs = open_inputs(cycle)
    return forecasting.make_members(cycle, inputs) if cycle.processes == 1 else make_members_together(cycle)


@step("products")
def make_products(cycle: Cycle) -> str:
    """Write mean, spread, quantiles and probabilities."""
    return str(forecasting.make_products(cycle))


@step("check")
def check(cycle: Cycle) -> dict[str, str]:
    """Check the staged run; return the outcome of each check. One that fails is kept aside and not published."""
    return dict(check_run(cycle).outcomes())


@step("figures and page")
def make_page(cycle: Cycle) -> list[str]:
    """Draw the figures and write the page; return the paths of the figures."""
    plots = forecasting.make_page(cycle, open_system_analysis(cycle.analysis, cycle.system, ensemble=True))
    return [str(plot) for plot in plots]


@step("publish")
def publish(cycle: Cycle) -> str:
    """Write the manifest and move the run into place; return its directory."""
    run = RunDirectory.at(forecasting.publish(cycle))
    show_run(cycle.system.name, run, next(iter(sorted(run.plots.glob("*.png"))), None))
    return str(run.path)


@step("copy to object storage")
def copy_runs(home: str, system: System) -> int:
    """Copy the runs that are not where the system publishes them; return their number."""
    place = Home(Path(home))
    return copy_missing(system, place.runs, partial(note_copy, SystemCycles(place, system).ledger()))


@step("find runs to verify")
def find_verifiable(home: str, system: System, runs: str | None = None) -> list[str]:
    """Return the runs of a home, or of another directory, whose verifying analyses are archived, earliest first."""
    place = Home(Path(home))
    times = open_archive(place.archive(system.dataset))["time"].values
    return [str(run.path) for run in runs_to_verify(system, times, place.runs if runs is None else Path(runs))]


@step("verify")
def verify(
    home: str,
    run: str,
    checkpoint: str | None = None,
    *,
    scores: str | None = None,
    system: System | None = None,
    workers: Workers | None = None,
) -> str:
    """Score one run into the score archive, and publish it with its scores; return the path of the scores."""
    directory = RunDirectory.at(run)
    request = _request_in(home, checkpoint=checkpoint, scores=scores, system=system)
    scored = verify_run(request, directory, workers)
    show_scores(directory.system_name, pooled([scored]))
    return str(directory.scores)


def _request_in(
    home: str, *, checkpoint: str | None = None, scores: str | None = None, system: System | None = None
) -> VerificationRequest:
    """Return the verification request for runs of a home."""
    return VerificationRequest(
        Home(Path(home)),
        system=system,
        scores=None if scores is None else Path(scores),
        checkpoint=None if checkpoint is None else Path(checkpoint),
    )


@step("announce")
def announce(home: str, system: System, run: str | None = None) -> None:
    """Tell those whom the system names about a published run, or about those that they did not take yet."""
    place = Home(Path(home))
    ledger = SystemCycles(place, system).ledger()
    if run is None:
        announce_again(ledger, system.announce, place.runs, system.name)
        return
    directory = RunDirectory.at(run)
    announce_run(ledger, system.announce, directory)
    identity = f"plumecast.run.{system.name}.{directory.path.name}"
    emit_event("plumecast-run.published", {"prefect.resource.id": identity}, payload=message_of(directory))


@step("metrics")
def metrics(home: str) -> str:
    """Write the metrics and the page of all cycles in a home; return the path of the metrics."""
    place = Home(Path(home))
    write_index(place)
    return str(write_metrics(place, place.metrics))


@step("clean up")
def clean(home: str, system: System) -> list[str]:
    """Retire what the rules of the system no longer keep; return a line for each thing."""
    lines = list(clean_system(Home(Path(home)), system))
    for line in lines:
        logger.info("%s", line)
    return lines


@step("verify together")
def verify_together(name: str, home: str, runs: list[str], out: str, checkpoint: str) -> str:
    """Score several runs, publish each with its scores, and pool them into one evaluation; return its path."""
    request = _request_in(home, checkpoint=checkpoint)
    evaluation = verify_all(request, [Path(run) for run in runs]).report
    show_scores(name, evaluation)
    return str(write_evaluation(evaluation, Path(out)))
