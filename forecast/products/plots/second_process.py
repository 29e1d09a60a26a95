"""Figures that a second process draws beside this one.

A process that is started before PyTorch is imported imports meanwhile what draws, and later draws half of the figures.
"""

import multiprocessing as mp
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from importlib import import_module
from pathlib import Path

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
            pool.shutdown(wait=False, cancel_futures=True)


def all_drawn(figures: Sequence["partial[Path]"]) -> list[Path]:
    """Draw figures, here and in the second process if there is one; what it leaves because it dies is drawn here.

    Args:
        figures: Each draws one figure and returns its path; another process must be able to call them.

    Returns:
        The paths, in the order of the figures.
    """
    pool = _second.get()
    if pool is None:
        return [draw() for draw in figures]
    try:
        there = [pool.submit(draw) for draw in figures]
    except BrokenProcessPool:
        return [draw() for draw in figures]
    # From the last one on, so that both meet in the middle: what the second process has not begun is taken from it.
    here = {number: figures[number]() for number in reversed(range(len(figures))) if there[number].cancel()}
    return [
        here[number] if number in here else _drawn(*each)
        for number, each in enumerate(zip(figures, there, strict=True))
    ]


def _drawn(draw: "partial[Path]", elsewhere: "Future[Path]") -> Path:
    try:
        return elsewhere.result()
    except BrokenProcessPool:
        return draw()


def _end_with_parent() -> None:
    threading.Thread(target=_watch_parent, daemon=True).start()


def _watch_parent() -> None:
    """End this process when its parent ends: a pool does not notice that it was killed."""
    parent = mp.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
