"""Sends a notification through a block of Prefect when a cycle fails or is late, to those whom its system names."""

import inspect
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import prefect.blocks.notifications  # noqa: F401  # makes Prefect's own kinds of blocks known
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from prefect.utilities.asyncutils import run_coro_as_sync

from data_catalog.errors import ConfigurationError, MissingDataError, without_secrets
from data_catalog.layout.times import iso
from pipelines.operations.cycle_states import CycleState
from pipelines.operations.cycles import SystemCycles

logger = logging.getLogger("plumecast")
SHOWN = 5
"""Most cycles that a notification names."""


@contextmanager
def notified(cycles: SystemCycles) -> Iterator[None]:
    """Notify if the block fails, or if its data is late beyond the deadline of a cycle.

    That nobody can be told is a line in the log: the failure is raised all the same.

    Args:
        cycles: The cycles of the system.
    """
    try:
        yield
    except Exception as error:
        document = cycles.system.announce.notify
        if document is not None:
            _tell(document, cycles, error)
        raise


def _tell(document: str, cycles: SystemCycles, error: Exception) -> None:
    try:
        wrong = [state for state in cycles.states(cycles.ledger()) if state.is_wrong]
        late = isinstance(error, MissingDataError)
        if late and not any(state.state == "late" for state in wrong):
            return  # today's data is not there yet, as on any other day at this time
        subject = f"{cycles.system.name}: {'data is late' if late else 'a cycle failed'}"
        notify(document, subject, _body(error, wrong))
    except Exception as fault:
        logger.warning("Nobody is told that a cycle failed: %s", without_secrets(str(fault)))


def _body(error: Exception, wrong: list[CycleState]) -> str:
    lines = [" ".join(without_secrets(str(error)).split())]
    latest = wrong[: -SHOWN - 1 : -1]
    lines += [f"{iso(state.init_time)} {state.state}{': ' + state.reason if state.reason else ''}" for state in latest]
    return "\n".join(lines)


def notify(document: str, subject: str, body: str) -> None:
    """Send a notification.

    Args:
        document: Kind and name of a notification block on the Prefect server, such as `slack-webhook/on-call`.
        subject: What it is about.
        body: What there is to say.

    Raises:
        ConfigurationError: There is no such block, or it sends no notifications.
    """
    try:
        block = Block.load(document)
    except ValueError as error:
        raise ConfigurationError(f"announce.notify: expected a block '{document}' of Prefect, found none") from error
    if not isinstance(block, NotificationBlock):
        kind = type(block).__name__
        raise ConfigurationError(f"announce.notify: expected a notification block '{document}', found a {kind}")
    sent = block.notify(body=body, subject=subject)
    if inspect.iscoroutine(sent):
        run_coro_as_sync(sent)
