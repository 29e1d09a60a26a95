"""Items made in other threads while the caller works on those before: order stays, memory is bounded."""

import queue
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Thread
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")
_SECONDS_BETWEEN_LOOKS = 0.1


def prefetched(items: Iterable[T], depth: int) -> Iterator[T]:
    """The same items in the same order, made up to `depth` ahead of their use.

    At most `depth + 2` items exist at a time: those that wait, one being made and one in use. What the making raises is
    raised where the item would have come. Closing the iterator ends the thread after the item under way.

    Args:
        items: Iterated in another thread.
        depth: At least 1.
    """
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(depth)
    stopped = Event()

    def hand_over(item: T | None, error: BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                ready.put((item, error), timeout=_SECONDS_BETWEEN_LOOKS)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            for item in items:
                if not hand_over(item, None):
                    return
        except BaseException as error:  # raised again by the reader
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
            yield item  # type: ignore[misc]  # there is an item where there is no error
    finally:
        stopped.set()
        maker.join()


def mapped_ahead(function: Callable[[K], T], keys: Iterable[K], workers: int) -> Iterator[T]:
    """A function of each key, in the order of the keys, worked out by several threads ahead of its use.

    At most `workers + 1` results exist at a time. What the function raises is raised where its result would have come.

    Args:
        function: Safe to call from several threads.
        keys: Taken as they are needed; may never end.
        workers: Threads, at least 1.
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
