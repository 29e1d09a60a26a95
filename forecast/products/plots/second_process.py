"""Figures that a second process draws beside this one.

A process that is started before PyTorch is imported imports meanwhile what draws, and later draws half of the figures.
"""

import multiprocessing as mp
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

Left: TypeAlias = "deque[tuple[int, partial[Path]]]"
"""Numbers and calls of the figures that nobody has begun."""
_DRAWS = f"{__package__}.pictures"
_second: ContextVar[ProcessPoolExecutor | None] = ContextVar("_second", default=None)


@contextmanager
def drawing_beside() -> Iterator[None]:
    """Let a second process draw half of all figures within the block; within another such block it is the same process.

    The second process ends with the block, and also if this process is killed.
    """
    if _second.get() is not None:
        yield
        return
    with ProcessPoolExecutor(1, mp_context=mp.get_context("spawn"), initializer=_end_with_parent) as pool:
        pool.submit(import_module, _DRAWS)
        token = _second.set(pool)
        try:
            yield
        finally:
            _second.reset(token)
            pool.shutdown(wait=False)


def all_drawn(figures: Sequence["partial[Path]"]) -> list[Path]:
    """Draw figures, here and in the second process if there is one; what it leaves because it dies is drawn here.

    Args:
        figures: Each draws one figure and returns its path; another process must be able to call them.

    Returns:
        The paths, in the order of the figures.
    """
    pool, left = _second.get(), deque(enumerate(figures))
    if pool is None:
        return [draw() for draw in figures]
    with ThreadPoolExecutor(1) as threads:
        # From either end, so that both meet in the middle.
        elsewhere = threads.submit(_drawn_there, pool, left)
        made = _drawn_here(left)
        made |= elsewhere.result()
    made |= _drawn_here(left)
    return [made[number] for number in range(len(figures))]


def _drawn_here(left: Left) -> dict[int, Path]:
    made = {}
    while left:
        with suppress(IndexError):  # the other one took the last
            number, draw = left.pop()
            made[number] = draw()
    return made


def _drawn_there(pool: ProcessPoolExecutor, left: Left) -> dict[int, Path]:
    """Let the second process draw; what it was drawing when it died is left to others."""
    made = {}
    while left:
        with suppress(IndexError):
            number, draw = left.popleft()
            try:
                made[number] = pool.submit(draw).result()
            except BrokenProcessPool:
                left.append((number, draw))
                break
    return made


def _end_with_parent() -> None:
    threading.Thread(target=_watch_parent, daemon=True).start()


def _watch_parent() -> None:
    """End this process when its parent ends: a pool does not notice that it was killed."""
    parent = mp.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
