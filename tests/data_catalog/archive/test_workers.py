"""Tasks are carried out several at once, a few ahead, and their results come in order."""

import threading
import time
from collections.abc import Iterator

import pytest

from data_catalog.archive.workers import own_threads


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
