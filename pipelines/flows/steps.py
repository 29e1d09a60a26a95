"""What all steps of flows share: retries by kind of error, one task at a time, and how they log."""

import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from pydantic import SecretStr

from data_catalog.errors import PlumecastError
from pipelines.flows.retries import RETRY_DELAYS_SECONDS, worth_retrying

logging.getLogger("plumecast").setLevel(logging.INFO)  # Prefect forwards what a logger lets through


def _in_one_line(record: logging.LogRecord) -> bool:
    """Leave the traceback out of a record about an error that has a line of its own."""
    if record.exc_info and isinstance(record.exc_info[1], PlumecastError):
        record.exc_info = None
    return True


for _name in ("prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_name).addFilter(_in_one_line)


P = ParamSpec("P")
R = TypeVar("R")
ONE_AT_A_TIME = cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=1))
"""Runs one task at a time: steps use all cores themselves, and NetCDF must not be written from two threads."""


def step(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Decorate a step as a task that retries by kind of error."""

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        decorated: Task[P, R] = task(
            name=name,
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=len(RETRY_DELAYS_SECONDS),
            retry_delay_seconds=RETRY_DELAYS_SECONDS,
            retry_condition_fn=worth_retrying,
        )(function)
        return decorated

    return decorate


def disclosed(secret: SecretStr | None) -> str | None:
    """Return the text of a secret parameter, for the step that needs it.

    Args:
        secret: As a flow has it.
    """
    return None if secret is None else secret.get_secret_value()
