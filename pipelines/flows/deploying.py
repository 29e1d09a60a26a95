"""Gives the schedules of systems to a work pool of a Prefect server, whose workers run the cycles.

Prefect reads its settings when it is first imported: import this module only when the server's address is known.
"""

import logging
import os
from collections.abc import Sequence

from prefect import get_client
from prefect.client.schemas.objects import WorkPool
from prefect.deployments.runner import DeploymentApplyError
from prefect.exceptions import ObjectNotFound

from data_catalog.errors import ConfigurationError
from forecast.system.system import System
from pipelines.flows.crashed_runs import ensure_crash_automation, mark_dead_cycles
from pipelines.flows.environment import SETTINGS
from pipelines.flows.serving import HowToRun, check_cron, deployment
from pipelines.workspace.home import Home

logger = logging.getLogger("plumecast")
_NEEDS_IMAGE = "docker", "kubernetes"


def deploy_systems(
    home: Home,
    systems: Sequence[tuple[str, System]],
    how: HowToRun,
    *,
    pool: str,
    image: str | None = None,
    command: str | None = None,
) -> None:
    """Deploy the schedules of systems to a work pool; what was deployed before is replaced.

    Runs of a killed process that the server lists as running, as after a loss of power, are marked as crashed: they
    would hold the place of the next cycle for ever.

    Args:
        home: Home directory of the cycles, at the same path for every worker.
        systems: Name or path given by the user and the system; a path is the same for every worker.
        how: How their cycles run.
        pool: Name of the work pool.
        image: Container image of Plumecast, for a pool that starts containers.
        command: What a worker starts for a cycle, such as `srun --mem 8G python -m prefect.engine`; None for the pool's
            own way.

    Raises:
        ConfigurationError: A schedule is not a cron expression, there is no such pool, it needs an image, or Prefect
            refuses a deployment.
    """
    for _, system in systems:
        check_cron(how.cron or system.schedule.cron)
    found = _work_pool(pool)
    if found.type in _NEEDS_IMAGE and image is None:
        raise ConfigurationError(f"--pool {pool}: expected --image for a pool of type {found.type}, found none")
    ensure_crash_automation()
    with get_client(sync_client=True) as client:
        marked = mark_dead_cycles(client, home, [system.name for _, system in systems])
    logger.info("Marked %d flow runs of a killed process as crashed", marked)
    for name, system in systems:
        made = deployment(home, name, system, how)
        made.job_variables = {"env": _environment(home)} | ({"command": command} if command else {})
        try:
            made.apply(work_pool_name=pool, image=image)
        except DeploymentApplyError as error:
            raise ConfigurationError(f"--pool {pool}: expected it to take {made.full_name}, found: {error}") from error
        logger.info("Deployed %s to '%s' on '%s'", made.full_name, pool, how.cron or system.schedule.cron)


def _work_pool(name: str) -> WorkPool:
    with get_client(sync_client=True) as client:
        try:
            return client.read_work_pool(name)
        except ObjectNotFound:
            raise ConfigurationError(
                f"--pool {name}: expected a work pool of the Prefect server, found none; create it with "
                f"'prefect work-pool create {name} --type process'"
            ) from None


def _environment(home: Home) -> dict[str, str]:
    """What the process of a cycle needs that a worker does not know."""
    own = {name: os.environ.get(name, value) for name, value in SETTINGS.items()}
    return {**own, "PLUMECAST_HOME": str(home.root)}
