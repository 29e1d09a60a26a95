"""Streams of items made side by side by several threads, whose items come in an order that no timing changes."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

import torch

T = TypeVar("T")


def side_by_side(streams: Iterable[Iterator[T]], threads: int) -> Iterator[T]:
    """Yield the items of several streams: of as many at a time as there are threads, one item of each in turn.

    Each stream is at most one item ahead of its use. Where one ends, the next begins. An exception is raised where the
    item would have come.

    Args:
        streams: Iterated in threads, each by one thread at a time.
        threads: Number of threads, at least 1.
    """
    waiting, end = iter(streams), object()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="beside")
    try:
        active = deque((stream, pool.submit(next, stream, end)) for stream in islice(waiting, threads))
        while active:
            stream, item = active.popleft()
            made = item.result()
            if made is not end:
                active.append((stream, pool.submit(next, stream, end)))
                yield made  # type: ignore[misc]
            elif (following := next(waiting, None)) is not None:
                active.append((following, pool.submit(next, following, end)))
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def threads_for(streams: int, device: str) -> Iterator[int]:
    """Divide PyTorch's threads among computations that run side by side, and give them back afterwards.

    Threads that share the work of each operation wait for one another at its end, and the operations between the large
    ones are done by one of them; threads with computations of their own do not.

    Args:
        streams: Number of computations.
        device: Device that they run on; anything but a CPU carries them out one after the other.

    Yields:
        How many to run at a time.
    """
    usual = torch.get_num_threads()
    at_once = max(1, min(usual, streams)) if device == "cpu" else 1
    torch.set_num_threads(usual // at_once)
    try:
        yield at_once
    finally:
        torch.set_num_threads(usual)
