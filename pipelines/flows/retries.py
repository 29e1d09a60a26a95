"""Which faults are worth trying again, and after how long."""

import errno
from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import deployment

from data_catalog.errors import MissingDataError

RETRY_DELAYS_SECONDS = [10.0, 60.0, 600.0]
"""Data that is late may still come; a network or a disk recovers sooner or not at all."""
OS_ERROR_RETRIES = 2
LASTING = {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.EDQUOT}
"""A full or read-only disk, a missing right or file: trying again changes nothing."""


def worth_retrying(_: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed task is tried again.

    Late data is waited for in scheduled runs; somebody who waits at a terminal is told at once. Passing faults of the
    system are tried again a few times. Wrong data and wrong configuration never are.
    """
    fault = state.result(raise_on_failure=False)
    return is_passing(fault, attempts=task_run.run_count, scheduled=deployment.id is not None)


def is_passing(fault: object, *, attempts: int, scheduled: bool) -> bool:
    """Whether a fault may pass by itself.

    Args:
        fault: What was raised.
        attempts: How often it was tried so far.
        scheduled: Nobody is waiting for it.
    """
    if isinstance(fault, MissingDataError):
        return scheduled
    if isinstance(fault, OSError):
        return fault.errno not in LASTING and attempts <= OS_ERROR_RETRIES
    return False
