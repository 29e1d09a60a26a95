"""Tasks are carried out several at once, a few ahead, and their results come in order."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

from data_catalog.archive.workers import Workers, own_threads


def test_results_come_in_order_and_few_tasks_are_under_way() -> None:
    given: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(40):
            given.append(number)
            yield number

    def slow_if_even(number: int) -> int:
        time.sleep(0.002 * (number % 2 == 0))
        return number**2

    with own_threads() as workers:
        for done, result in enumerate(workers.in_order(slow_if_even, tasks())):
            assert result == done**2
            assert len(given) <= done + workers.count + 1
    assert given == list(range(40))


def test_tasks_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_catalog.archive.workers.usable_cores", lambda: 2)
    with own_threads() as workers:
        meeting = threading.Barrier(2, timeout=20)
        assert sorted(workers.in_order(lambda _: meeting.wait(), range(2))) == [0, 1]


def test_an_error_comes_after_the_results_before_it() -> None:
    def fail_at_five(number: int) -> int:
        if number == 5:
            raise ValueError("five")
        return number

    found: list[int] = []
    with own_threads() as workers:
        results = workers.in_order(fail_at_five, range(100))
        with pytest.raises(ValueError, match="five"):
            found.extend(results)
    assert found == [0, 1, 2, 3, 4]


class _Silent(Executor):
    """Workers that take a task and never answer."""

    def submit(self, function: Any, /, *arguments: Any, **_: Any) -> "Future[Any]":
        return Future()


def test_lost_workers_are_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_catalog.archive.workers._LOOK_SECONDS", 0.01)
    answers = iter([True, True, False])
    with pytest.raises(CancelledError):
        next(Workers(_Silent(), 1, lambda: next(answers)).in_order(str, [1, 2]))
    assert list(answers) == []


def test_a_task_may_raise_a_timeout_of_its_own() -> None:
    def late(_: int) -> None:
        raise TimeoutError("its own")

    with ThreadPoolExecutor(1) as threads, pytest.raises(TimeoutError, match="its own"):
        next(Workers(threads, 1).in_order(late, [1]))
