"""Sends what Prefect has yet to report of a flow before the server that listens is stopped."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker

PATIENCE_SECONDS = 10.0


@contextmanager
def reported() -> Iterator[None]:
    """Wait at the end of the block until logs and events of its flows have reached the server.

    Prefect sends both from threads of its own, which would complain at the end of the process about a server that has
    been stopped.
    """
    try:
        yield
    finally:
        for worker in (EventsWorker, APILogWorker):
            worker.drain_all(timeout=PATIENCE_SECONDS)
