"""Items prepared by other threads while the caller works on earlier ones, in order and within bounded memory."""

import queue
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Thread
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")
_POLL_SECONDS = 0.1
"""Interval at which a thread with a full queue checks whether its reader has stopped."""


def prefetched(items: Iterable[T], depth: int) -> Iterator[T]:
    """Yield the same items in the same order, prepared ahead of their use in another thread.

    At most `depth + 2` items exist at a time: those waiting, one in preparation and one in use. An exception is raised
    where the item would have come. Closing the iterator ends the thread as soon as the item in preparation is ready.

    Args:
        items: Iterated in the other thread.
        depth: Number of items that may wait, at least 1.
    """
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(depth)
    stopped = Event()

    def hand_over(item: T | None, error: BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                ready.put((item, error), timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            for item in items:
                if not hand_over(item, None):
                    return
        except BaseException as error:  # raised again in the reader's thread
            hand_over(None, error)
        else:
            hand_over(None, StopIteration())

    maker = Thread(target=make, name="prefetch", daemon=True)
    maker.start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]  # the item is absent only where there is an error
    finally:
        stopped.set()
        maker.join()


def mapped_ahead(function: Callable[[K], T], keys: Iterable[K], workers: int) -> Iterator[T]:
    """Yield a function of each key, in the order of the keys, computed ahead of its use by several threads.

    At most `workers + 1` results exist at a time. An exception is raised where the result would have come.

    Args:
        function: Safe to call from several threads.
        keys: Taken as they are needed; may be endless.
        workers: Number of threads, at least 1.
    """
    waiting: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="ahead")
    try:
        for key in keys:
            waiting.append(pool.submit(function, key))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
