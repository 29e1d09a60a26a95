"""Decides which errors are retried, and after how long."""

import errno
from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import deployment

from data_catalog.errors import MissingDataError

RETRY_DELAYS_SECONDS = [10.0, 60.0, 600.0]
"""Delays for late data, which may arrive after minutes; a network or a disk recovers sooner or not at all."""
POLL_SECONDS = 600.0
"""How often a scheduled cycle asks for data that is late."""
OS_ERROR_RETRIES = 2
LOCK_PATIENCE_SECONDS = 600.0
"""How long a scheduled cycle waits while another process works on the same system or run."""
PERMANENT_ERRORS = {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.EDQUOT}
"""A full or read-only disk, a missing permission or file: retrying does not help."""


def worth_retrying(_: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Return whether a failed task is retried.

    Scheduled runs wait for late data; at a terminal, late data is an error at once. Transient errors of the system are
    retried a few times, wrong data and wrong configuration never.
    """
    fault = state.result(raise_on_failure=False)
    return is_passing(fault, attempts=task_run.run_count, scheduled=is_scheduled())


def lock_patience_seconds() -> float:
    """Return how long this flow run waits for a lock: at a terminal not at all, so that the user sees why."""
    return LOCK_PATIENCE_SECONDS if is_scheduled() else 0.0


def delays_until(hours: float) -> list[float]:
    """Return the delays between attempts of a step that waits for late data, seconds.

    Args:
        hours: How long to wait in all; never less than the usual delays.
    """
    polls = max(0, round((hours * 3600 - sum(RETRY_DELAYS_SECONDS)) / POLL_SECONDS))
    return [*RETRY_DELAYS_SECONDS, *[POLL_SECONDS] * polls]


def is_scheduled() -> bool:
    """Return whether the flow run was made by a deployment, so that no user is waiting for it."""
    return deployment.id is not None


def is_passing(fault: object, *, attempts: int, scheduled: bool) -> bool:
    """Return whether an error may be transient.

    Args:
        fault: The exception.
        attempts: Number of attempts so far.
        scheduled: Whether the run is scheduled, so that no user is waiting for it.
    """
    if isinstance(fault, MissingDataError):
        return scheduled
    if isinstance(fault, OSError):
        return fault.errno not in PERMANENT_ERRORS and attempts <= OS_ERROR_RETRIES
    return False
