"""Streams side by side: their order, how many at a time, and what happens to errors."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from forecast.parallel.side_by_side import side_by_side, threads_for


def stream(name: str, count: int, seconds: float = 0.0) -> Iterator[str]:
    for number in range(count):
        time.sleep(seconds)
        yield f"{name}{number}"


def test_streams_take_turns_whatever_their_speed() -> None:
    streams = [stream("a", 2, 0.02), stream("b", 3), stream("c", 1, 0.01), stream("d", 2)]
    assert list(side_by_side(streams, 2)) == ["a0", "b0", "a1", "b1", "b2", "c0", "d0", "d1"]
    assert list(side_by_side([stream("a", 2), stream("b", 1)], 1)) == ["a0", "a1", "b0"]
    assert list(side_by_side([], 3)) == []


def test_two_streams_are_made_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=30)

    def meeting(name: str) -> Iterator[str]:
        both.wait()
        yield name

    assert list(side_by_side([meeting("a"), meeting("b")], 2)) == ["a", "b"]


def test_an_error_comes_where_the_item_would_have_come() -> None:
    def failing() -> Iterator[str]:
        yield "b0"
        raise ValueError("broken")

    items = side_by_side([stream("a", 3), failing()], 2)
    assert [next(items) for _ in range(3)] == ["a0", "b0", "a1"]
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_no_stream_runs_far_ahead() -> None:
    begun: list[int] = []

    def counted() -> Iterator[int]:
        for number in range(9):
            begun.append(number)
            yield number

    items = side_by_side([counted()], 2)
    next(items)
    time.sleep(0.05)
    assert len(begun) <= 2
    items.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("usual", "streams", "device", "at_once", "each"),
    [(4, 2, "cpu", 2, 2), (2, 5, "cpu", 2, 1), (1, 5, "cpu", 1, 1), (4, 2, "cuda:0", 1, 4), (2, 0, "cpu", 1, 2)],
)
def test_threads_are_divided_and_given_back(usual: int, streams: int, device: str, at_once: int, each: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(usual)
    try:
        with threads_for(streams, device) as found:
            assert (found, torch.get_num_threads()) == (at_once, each)
        assert torch.get_num_threads() == usual
    finally:
        torch.set_num_threads(before)
