"""Decides which errors are retried, and after how long."""

import errno
from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import deployment

from data_catalog.errors import MissingDataError

RETRY_DELAYS_SECONDS = [10.0, 60.0, 600.0]
"""Delays for late data, which may arrive after minutes; a network or a disk recovers sooner or not at all."""
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
