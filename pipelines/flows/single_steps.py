"""Single steps as flows, for the user's own deployments."""

from pathlib import Path

from prefect import flow
from pydantic import SecretStr

from pipelines.flows import tasks, training
from pipelines.flows.cycle import make_run
from pipelines.flows.steps import ONE_AT_A_TIME, disclosed
from pipelines.runs.cycle import cycle_at_home
from pipelines.terminal.times import parse_time
from pipelines.workspace.datasets import find_dataset
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system


@flow(name="plumecast-ingest", task_runner=ONE_AT_A_TIME, persist_result=False)
def ingest_flow(dataset: str, home: str, source: SecretStr | None = None) -> str:
    """Bring a dataset's archive up to date; return its path."""
    return tasks.ingest(home, find_dataset(Home(Path(home)), dataset), disclosed(source))


@flow(name="plumecast-train", task_runner=ONE_AT_A_TIME, persist_result=False)
def train_flow(system: str, home: str) -> str:
    """Train a system on its archive; return the directory of the checkpoint."""
    place = Home(Path(home))
    found = find_system(system, place)
    return training.train(found, str(place.archive(found.dataset)), str(place.checkpoint(found.name)))


@flow(name="plumecast-forecast", task_runner=ONE_AT_A_TIME, persist_result=False)
def forecast_flow(system: str, init: str, home: str, members: int | None = None, lead: str | None = None) -> str:
    """Make one run; return its directory."""
    start, place = parse_time(init, "init"), Home(Path(home))
    return make_run(cycle_at_home(place, find_system(system, place), start, members=members, lead=lead))


@flow(name="plumecast-verify", task_runner=ONE_AT_A_TIME, persist_result=False)
def verify_flow(runs: list[str], home: str) -> list[str]:
    """Score runs; return the paths of their scores."""
    return [tasks.verify(home, run) for run in runs]
