"""Schedules are given to a work pool of a server."""

from datetime import timedelta
from pathlib import Path

import pytest
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.states import Running

from data_catalog.errors import ConfigurationError
from pipelines.cli.app import main
from pipelines.flows.crashed_runs import mark_dead_cycles
from pipelines.flows.deploying import deploy_systems
from pipelines.flows.resources import Resources
from pipelines.flows.serving import HowToRun
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::DeprecationWarning",
)


@pytest.fixture(scope="module")
def _pools(server: None) -> None:
    with get_client(sync_client=True) as client:
        for name, kind in (("nodes", "process"), ("cluster", "kubernetes")):
            client.create_work_pool(WorkPoolCreate(name=name, type=kind))


@pytest.mark.usefixtures("_pools")
def test_a_schedule_is_given_to_a_pool_once(place: Home, tiny: Path) -> None:
    systems = [(str(tiny), find_system(str(tiny)))]
    for command in (None, "srun --mem 8G python -m prefect.engine"):
        deploy_systems(place, systems, HowToRun(resources=Resources(processes=2)), pool="nodes", command=command)
    with get_client(sync_client=True) as client:
        (made,) = client.read_deployments()
    assert (made.name, made.work_pool_name) == ("tiny", "nodes")
    resources = {"processes": 2, "scheduler": "local"}
    assert made.parameters == {"system": str(tiny), "home": str(place.root), "resources": resources}
    assert made.entrypoint == "pipelines.flows.cycle.cycle_flow"
    assert made.job_variables["command"] == "srun --mem 8G python -m prefect.engine"
    assert made.job_variables["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
    assert made.job_variables["env"]["PLUMECAST_HOME"] == str(place.root)
    assert made.concurrency_options is not None
    assert made.schedules[0].schedule.cron == systems[0][1].schedule.cron


@pytest.mark.usefixtures("_pools")
def test_runs_that_a_loss_of_power_ended_free_their_place(place: Home, tiny: Path) -> None:
    systems = [(str(tiny), find_system(str(tiny)))]
    deploy_systems(place, systems, HowToRun(), pool="nodes")
    with get_client(sync_client=True) as client:
        (made,) = client.read_deployments()
        run = client.create_flow_run_from_deployment(made.id, state=Running())
        deploy_systems(place, systems, HowToRun(), pool="nodes")
        assert client.read_flow_run(run.id).state_type == StateType.CRASHED


@pytest.mark.usefixtures("_pools")
def test_a_worker_frees_the_places_of_old_runs_alone(place: Home, tiny: Path) -> None:
    deploy_systems(place, [(str(tiny), find_system(str(tiny)))], HowToRun(), pool="nodes")
    with get_client(sync_client=True) as client:
        (made,) = client.read_deployments()
        run = client.create_flow_run_from_deployment(made.id, state=Running())
        assert mark_dead_cycles(client, place, ["tiny"], older_than=timedelta(minutes=10)) == 0
        assert client.read_flow_run(run.id).state_type == StateType.RUNNING
        assert mark_dead_cycles(client, place, ["tiny"], older_than=timedelta(0)) == 1


@pytest.mark.usefixtures("_pools")
@pytest.mark.parametrize(
    ("pool", "cron", "words"),
    [
        ("absent", None, r"--pool absent: expected a work pool of the Prefect server, found none; create it with"),
        ("cluster", None, "--pool cluster: expected --image for a pool of type kubernetes, found none"),
        ("nodes", "daily", "expected a cron expression such as '0 6 .*', found 'daily'"),
    ],
)
def test_what_cannot_be_deployed(place: Home, tiny: Path, pool: str, cron: str | None, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        deploy_systems(place, [(str(tiny), find_system(str(tiny)))], HowToRun(cron), pool=pool)


def test_a_server_is_needed(
    place: Home, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pipelines.flows.environment.configured_address", lambda: None)
    assert main(["deploy", str(tiny), "--pool", "nodes"]) == 2
    assert "expected the address of a Prefect server in PREFECT_API_URL, found none" in capsys.readouterr().err
