"""Serves schedules from this process, with one deployment per system.

Prefect reads its settings when it is first imported: import this module only when the server's address is known.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prefect import get_client, serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.types.entrypoint import EntrypointType
from pydantic import ValidationError

from data_catalog.errors import ConfigurationError
from forecast.system.system import System
from pipelines.flows.crashed_runs import ensure_crash_automation, mark_dead_cycles
from pipelines.flows.cycle import cycle_flow
from pipelines.flows.resources import ONE_PROCESS, Resources
from pipelines.workspace.home import Home

logger = logging.getLogger("plumecast")


@dataclass(frozen=True)
class HowToRun:
    """How the scheduled cycles of systems run.

    Attributes:
        cron: Schedule to use instead of each system's own.
        resources: What they compute with.
    """

    cron: str | None = None
    resources: Resources = ONE_PROCESS


def serve_systems(home: Home, systems: Sequence[tuple[str, System]], how: HowToRun, *, address: str) -> None:
    """Serve the schedules of systems until interrupted.

    Args:
        home: Home directory of the cycles.
        systems: Name or path given by the user and the system, for at least one system.
        how: How their cycles run.
        address: Address of the server's API, for the log.

    Raises:
        ConfigurationError: A schedule is not a cron expression.
    """
    for _, system in systems:
        check_cron(how.cron or system.schedule.cron)
    deployments = [deployment(home, name, system, how) for name, system in systems]
    with get_client(sync_client=True) as client:
        ensure_crash_automation()
        marked = mark_dead_cycles(client, home, [system.name for _, system in systems])
    logger.info("Marked %d flow runs of a killed process as crashed", marked)
    for (_, system), made in zip(systems, deployments, strict=True):
        logger.info("Serving %s on '%s' (%s)", made.full_name, how.cron or system.schedule.cron, address)
    serve(*deployments, limit=len(deployments), print_starting_message=False)


def check_cron(expression: str) -> None:
    """Check that an expression is a cron expression.

    Args:
        expression: The expression, such as `0 6 * * *`.

    Raises:
        ConfigurationError: It is not a cron expression.
    """
    try:
        CronSchedule(cron=expression)
    except ValidationError:
        raise ConfigurationError(
            f"schedule: expected a cron expression such as '0 6 * * *', found '{expression}'"
        ) from None


def deployment(home: Home, name: str, system: System, how: HowToRun) -> RunnerDeployment:
    """Describe the deployment of one system to Prefect.

    At most one of its cycles runs at a time; a cycle that falls due meanwhile is skipped.

    Args:
        home: Home directory of its cycles.
        name: Name or path of the system, as given by the user.
        system: The system.
        how: How its cycles run.
    """
    path = Path(name)
    asked = {"system": str(path.absolute()) if path.is_file() else name, "home": str(home.root)}
    made = cycle_flow.to_deployment(
        name=system.name,
        cron=how.cron or system.schedule.cron,
        paused=False,
        parameters={**asked, "resources": how.resources.model_dump()},
        description=f"{system.title}: ingest, forecast, publish, verify.",
        tags=["plumecast", system.name],
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    assert isinstance(made, RunnerDeployment)
    return made
