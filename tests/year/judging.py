"""What must be true of a home after a year of cycles."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from data_catalog.errors import PlumecastError
from forecast.products.files.manifest import find_runs
from forecast.products.files.proof import prove_run
from forecast.products.files.runs import RunDirectory
from pipelines.operations.cycle_ledger import CycleLedger
from pipelines.operations.cycle_states import DONE, CycleState
from pipelines.operations.cycles import states_at_home
from pipelines.operations.index import write_index
from pipelines.operations.metrics import write_metrics
from pipelines.runs import staging
from pipelines.terminal.times import now
from pipelines.workspace.systems import find_system
from tests.chaos.world import NAME
from tests.year.world import YearWorld

SLACK_DAYS = 4
"""How much longer than by the rules files may be kept, as nothing is cleaned while nothing runs."""


def size_of(world: YearWorld) -> int:
    """Return the bytes of all runs, also of shadows, and of what is beside them."""
    places = [world.home.runs, world.home.root / "shadows"]
    return sum(path.lstat().st_blocks * 512 for place in places for path in place.rglob("*"))


def faults_of(world: YearWorld, first: np.datetime64, days: int) -> tuple[dict[str, int], list[str]]:
    """Return how many cycles are in each state, and what is wrong, a line each.

    Args:
        world: The home.
        first: Day of the first cycle.
        days: Number of days.
    """
    ledger = CycleLedger.read(world.home.cycle_ledger(NAME))
    states = {str(state.init_time)[:10]: state for state in states_at_home(world.home, NAME, ledger)}
    wanted = [str(first + day) for day in range(days)]
    faults = [f"{day}: due, in no ledger" for day in wanted if day not in states]
    faults += [f"{day}: in the ledger, never due" for day in states if day not in wanted]
    faults += [fault for day, state in states.items() for fault in _state_faults(world, day, state)]
    faults += _metrics_faults(world, Counter(state.state for state in states.values()))
    faults += _retention_faults(world)
    faults += _page_faults(world, states)
    faults += [f"{path}: left behind" for path in world.home.root.rglob("*.partial*")]
    return dict(Counter(state.state for state in states.values())), faults


def _state_faults(world: YearWorld, day: str, state: CycleState) -> Iterator[str]:
    run = RunDirectory(world.home.runs, NAME, state.init_time)
    if state.state not in DONE:
        if not state.reason:
            yield f"{day}: {state.state}, and not explained"
        if run.path.exists():
            yield f"{day}: {state.state}, and there is a run"
        return
    try:
        manifest = prove_run(run.path)
    except PlumecastError as error:
        yield f"{day}: {error}"
        return
    if (state.state == "verified") != run.scores.exists():
        yield f"{day}: {state.state}, and scores.json says otherwise"
    if not run.report.exists() and "report.html" not in (manifest.retired or {}):
        yield f"{day}: no page, and it was not retired"
    yield from (f"{path}: left behind" for path in staging.working_directories(run) if path.exists())


def _page_faults(world: YearWorld, states: Mapping[str, CycleState]) -> Iterator[str]:
    """The static page and the JSON beside it must show the same cycles."""
    page = write_index(world.home).read_text()
    (told,) = json.loads((world.home.runs / "index.json").read_text())["systems"].values()
    if {cycle["init_time"][:10]: cycle["state"] for cycle in told["cycles"]} != {
        day: state.state for day, state in states.items()
    }:
        yield "index.json: expected the cycles of the ledger, found others"
    for state, count in Counter(state.state for state in states.values()).items():
        if page.count(f"<td>{state}</td>") != count:
            yield f"index.html: expected {count} {state}, found {page.count(f'<td>{state}</td>')}"
    pages = len(list(world.home.runs.glob(f"{NAME}/*/report.html")))
    if page.count("report.html") != pages:
        yield f"index.html: expected links to {pages} pages, found {page.count('report.html')}"


def _retention_faults(world: YearWorld) -> Iterator[str]:
    """Nothing may be there that the rules of retention no longer keep."""
    rules = find_system(str(world.system), world.home).retention
    assert rules is not None
    assert rules.members_days is not None
    assert rules.products_days is not None
    for run in (run for runs in world.home.all_runs for run in find_runs(runs, NAME)):
        days = rules.members_days if run.scores.exists() else rules.products_days
        for path, most in ((run.forecast, days), (run.products, rules.products_days)):
            age = (now() - run.init_time) / np.timedelta64(1, "D")
            if path.exists() and age > most + SLACK_DAYS:
                yield f"{path}: of {age:.0f} days, expected at most {most}"


def _metrics_faults(world: YearWorld, counts: Counter[str]) -> Iterator[str]:
    """The metrics must count the same states, and all published runs."""
    text = write_metrics(world.home, world.home.metrics).read_text()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    told = {one.labels["state"]: int(one.value) for one in samples if one.name == "plumecast_cycles"}
    if {state: count for state, count in told.items() if count} != dict(counts):
        yield f"metrics: expected {dict(counts)}, found {told}"
    (newest,) = (one.value for one in samples if one.name == "plumecast_newest_forecast_init_timestamp_seconds")
    last = find_runs(world.home.runs, NAME)[-1].init_time
    if newest != float(last.astype("datetime64[s]").astype(float)):
        yield f"metrics: expected {last} as the newest run, found {newest}"
