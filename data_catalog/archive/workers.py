"""Carries out the heavy part of an ingest on several threads, or on the workers of a Dask cluster."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from data_catalog.cores import usable_cores

Task = TypeVar("Task")
Result = TypeVar("Result")
_MOST_THREADS = 8
_LOOK_SECONDS = 2.0
"""How often a task that is waited for is asked about whether its workers are there still."""


@dataclass(frozen=True)
class Workers:
    """What carries out tasks.

    Attributes:
        executor: Threads of this process, or Dask's client in the guise of an executor.
        count: How many tasks it carries out at once.
        are_there: Whether the workers are there still; a cluster that is lost may leave a task waiting for ever.
    """

    executor: Executor
    count: int
    are_there: Callable[[], bool] = lambda: True

    def in_order(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Yield the result of each task in the order of the tasks; only a few are under way or wait at a time.

        Args:
            function: Carries out a task.
            tasks: The tasks.

        Raises:
            Exception: A task raised it; results of tasks before it have been yielded.
            CancelledError: The workers are lost.
        """
        under_way: deque[Future[Result]] = deque()
        try:
            for task in tasks:
                under_way.append(self.executor.submit(function, task))
                if len(under_way) > self.count:
                    yield self._result(under_way.popleft())
            while under_way:
                yield self._result(under_way.popleft())
        finally:
            for future in under_way:
                future.cancel()

    def _result(self, future: "Future[Result]") -> Result:
        while True:
            try:
                return future.result(timeout=_LOOK_SECONDS)
            except TimeoutError:
                if future.done():
                    return future.result()  # its own TimeoutError, or it ended just now
                if not self.are_there():
                    raise CancelledError from None


def in_order(workers: Workers | None, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
    """Yield the result of each task in the order of the tasks, from workers if there are any.

    Args:
        workers: The workers; None to carry out one task after the other here.
        function: Carries out a task.
        tasks: The tasks.
    """
    return map(function, tasks) if workers is None else workers.in_order(function, tasks)


@contextmanager
def own_threads() -> Iterator[Workers]:
    """Yield threads of this process, one for each core that it may use, at most eight."""
    count = min(_MOST_THREADS, usable_cores())
    with ThreadPoolExecutor(count, thread_name_prefix="ingest") as executor:
        yield Workers(executor, count)
