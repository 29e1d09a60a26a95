"""Schedules: one deployment a system, served from this process, with a local Prefect server if none is set up."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from data_catalog.errors import ConfigurationError
from forecast.system.system import System
from pipelines.flows.environment import configured_address
from pipelines.workspace.home import Home

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment

logger = logging.getLogger("plumecast")
SERVER_START_SECONDS = 120


def serve_systems(home: Home, systems: Sequence[tuple[str, System]], *, cron: str | None, port: int) -> None:
    """Serve the schedules until interrupted.

    Args:
        home: Home directory of the cycles.
        systems: Name or path as given, and what it says.
        cron: Schedule in place of each system's own.
        port: Of the local server, if one has to be started.

    Raises:
        ConfigurationError: There is nothing to serve, a schedule is no cron expression, or no server can be reached.
    """
    if not systems:
        raise ConfigurationError(
            "serve: expected a system with a checkpoint and data, found none; start with 'plumecast ingest'"
        )
    with prefect_server(home, port) as address:
        # Prefect reads its settings when it is first imported: the address has to be known by then.
        from prefect import get_client, serve

        from pipelines.flows.crashed_runs import ensure_crash_automation, sweep

        for _, system in systems:
            check_cron(cron or system.schedule.cron)
        deployments = [deployment(home, name, system, cron) for name, system in systems]
        with get_client(sync_client=True) as client:
            ensure_crash_automation()
            swept = sweep(client, home, [system.name for _, system in systems])
        logger.info("Marked %d flow runs of a killed process as crashed", swept)
        for (_, system), made in zip(systems, deployments, strict=True):
            logger.info("Serving %s on '%s' (%s)", made.full_name, cron or system.schedule.cron, address)
        serve(*deployments, limit=len(deployments), print_starting_message=False)


def check_cron(expression: str) -> None:
    """Refuse what is no cron expression.

    Raises:
        ConfigurationError: It is none.
    """
    from prefect.client.schemas.schedules import CronSchedule
    from pydantic import ValidationError

    try:
        CronSchedule(cron=expression)
    except ValidationError:
        raise ConfigurationError(
            f"schedule: expected a cron expression such as '0 6 * * *', found '{expression}'"
        ) from None


def deployment(home: Home, name: str, system: System, cron: str | None) -> "RunnerDeployment":
    """Deployment of one system: at most one cycle at a time; one that falls due meanwhile is left to the next."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.deployments.runner import RunnerDeployment
    from prefect.types.entrypoint import EntrypointType

    from pipelines.flows.cycle import cycle_flow

    path = Path(name)
    made = cycle_flow.to_deployment(
        name=system.name,
        cron=cron or system.schedule.cron,
        paused=False,
        parameters={"system": str(path.absolute()) if path.is_file() else name, "home": str(home.root)},
        description=f"{system.title}: ingest, forecast, publish, verify.",
        tags=["plumecast", system.name],
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    assert isinstance(made, RunnerDeployment)
    return made


@contextmanager
def prefect_server(home: Home, port: int) -> Iterator[str]:
    """A server that answers: the configured one, one that runs on this port already, or one started here.

    Yields:
        The address of its API.

    Raises:
        ConfigurationError: It does not answer.
    """
    configured = configured_address()
    if configured:
        yield configured
        return
    address = f"http://127.0.0.1:{port}/api"
    os.environ["PREFECT_API_URL"] = address
    if answers(address):
        yield address
        return
    log = home.prefect / "server.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (
        log.open("ab") as output,
        subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True) as server,  # noqa: S603
    ):
        try:
            _await(server, address, log)
            logger.info("Prefect server: http://127.0.0.1:%d (its log: %s)", port, log)
            yield address
        finally:
            server.terminate()


def answers(address: str) -> bool:
    """Whether a Prefect server answers at an address."""
    import httpx

    try:
        return httpx.get(f"{address}/health", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _await(server: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    deadline = time.monotonic() + SERVER_START_SECONDS
    while time.monotonic() < deadline:
        if answers(address):
            return
        if server.poll() is not None:
            raise ConfigurationError(
                f"Prefect server: expected it to start, found exit status {server.returncode}; see {log}"
            )
        time.sleep(0.5)
    raise ConfigurationError(
        f"Prefect server: expected an answer within {SERVER_START_SECONDS} s, found none; see {log}"
    )
