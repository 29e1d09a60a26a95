"""The time of day, asked for in this one place, so that a simulation can let a year pass in an hour."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial

_readers: list[Callable[[], datetime]] = [partial(datetime.now, UTC)]


def utc_now() -> datetime:
    """Return the time of day, in UTC and with its offset."""
    return _readers[-1]()


def utc_today() -> date:
    """Return the day, in UTC."""
    return utc_now().date()


@contextmanager
def other_clock(read: Callable[[], datetime]) -> Iterator[None]:
    """Let everything that asks for the time of day in this process be answered by another clock within the block.

    Times of files are those of the machine all the same.

    Args:
        read: Returns the time, in UTC and with its offset.
    """
    _readers.append(read)
    try:
        yield
    finally:
        _readers.remove(read)
