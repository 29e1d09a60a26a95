"""Prefetching changes only when items are made."""

import itertools
import threading
import time

import pytest

from forecast.parallel.prefetching import mapped_ahead, prefetched


def test_items_and_order_stay():
    assert list(prefetched(range(100), 3)) == list(range(100))


def test_memory_is_bounded_and_work_goes_on_ahead():
    made = []

    def items():
        for number in range(50):
            made.append(number)
            yield number

    ahead = prefetched(items(), 2)
    assert next(ahead) == 0
    deadline = time.monotonic() + 5
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    assert made == [0, 1, 2, 3]  # one in use, two waiting, one in the maker's hands
    ahead.close()


def test_an_error_comes_where_the_item_would_have():
    def items():
        yield 1
        raise ValueError("no second item")

    ahead = prefetched(items(), 4)
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="no second item"):
        next(ahead)


def test_closing_ends_the_thread():
    before = threading.active_count()
    ahead = prefetched(iter(int, 1), 1)
    next(ahead)
    assert threading.active_count() == before + 1
    ahead.close()
    assert threading.active_count() == before


def test_a_mapping_keeps_its_order_whoever_is_done_first():
    def slow_when_even(number):
        time.sleep(0.02 * (number % 2 == 0))
        return number * number

    assert list(mapped_ahead(slow_when_even, range(12), 3)) == [number * number for number in range(12)]


def test_a_mapping_never_runs_far_ahead_and_can_be_left():
    taken = []

    def keys():
        for number in itertools.count():
            taken.append(number)
            yield number

    results = mapped_ahead(lambda number: -number, keys(), 2)
    assert [next(results) for _ in range(5)] == [0, -1, -2, -3, -4]
    assert taken == list(range(7))
    before = threading.active_count()
    results.close()
    assert threading.active_count() == before - 2


def test_a_mapping_raises_in_its_place():
    results = mapped_ahead(lambda number: 1 // number, [2, 1, 0], 3)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
