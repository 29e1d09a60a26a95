"""Progress of long steps: a bar on a terminal, log lines with rates elsewhere."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pipelines.terminal.output import is_first_process

logger = logging.getLogger("plumecast")


SECONDS_BETWEEN_LINES = 15.0


class Advance(Protocol):
    """A function that reports the progress of a step."""

    def __call__(self, done: int, note: str = "") -> None:
        """Report the total amount done so far, and a note to show with it."""


@contextmanager
def progress(title: str, total: int, unit: str) -> Iterator[Advance]:
    """Show the progress of a step: as a bar if stderr is a terminal, otherwise as log lines.

    Args:
        title: Name of the step.
        total: Total amount to do.
        unit: Unit of the amounts, in the plural.

    Yields:
        A function to call with the amount done so far.
    """
    show = _bar if sys.stderr.isatty() and is_first_process() else _lines
    with show(title, total, unit) as advance:
        yield advance


@contextmanager
def _bar(title: str, total: int, unit: str) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, note="")

        def advance(done: int, note: str = "") -> None:
            bar.update(task, completed=done, note=note)

        yield advance


@contextmanager
def _lines(title: str, total: int, unit: str) -> Iterator[Advance]:
    start = last_line = time.monotonic()
    done_so_far = 0
    logger.info("%s: %d %s", title, total, unit)

    def advance(done: int, note: str = "") -> None:
        nonlocal last_line, done_so_far
        done_so_far = done
        moment = time.monotonic()
        if moment - last_line >= SECONDS_BETWEEN_LINES:
            last_line = moment
            logger.info("%s: %s", title, _rate(done, total, unit, moment - start, note))

    yield advance
    logger.info("%s: done, %d %s in %s", title, done_so_far, unit, spoken(time.monotonic() - start))


def _rate(done: int, total: int, unit: str, seconds: float, note: str) -> str:
    rate = done / seconds if seconds > 0 else 0.0
    left = f", about {spoken((total - done) / rate)} left" if rate > 0 else ""
    words = f"{done}/{total} {unit}, {rate:.3g} a second{left}"
    return f"{words}; {note}" if note else words


def spoken(seconds: float) -> str:
    """Format a number of seconds: 42 s, 3 min 20 s, 2 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
