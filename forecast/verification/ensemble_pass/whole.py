"""The pass over points that have all their members, all finite: no branch, no mask, and nothing is read twice.

Members are read in blocks of eight, which stay in registers (`blocks`) while they are counted, added and sorted. Sums
are of differences from the first member, which lose nothing at a large offset; those of a block are in the precision of
the data, those of blocks in float64. Memory is handed on as addresses: a matrix would cost more than its values do.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import types

from forecast.verification.ensemble_pass.addresses import (
    call_at,
    counters_at,
    index_at,
    number_at,
    read,
    size_of,
    write,
    write_as,
)
from forecast.verification.ensemble_pass.blocks import (
    all_counted,
    as_floats,
    block_sum,
    count_above,
    count_below,
    count_equal,
    counted,
    larger_sum,
    load_block,
    none_counted,
    rank_sum,
    shifted,
    sorted_block,
    square_sum,
    store_block,
)
from forecast.verification.ensemble_pass.compilation import address_of, compiled
from forecast.verification.ensemble_pass.sorting import BLOCK, merge_blocks_at, merge_rows
from forecast.verification.ensemble_pass.vector_type import LANE_BYTES, everywhere, filled, rounded, where, widened


class Task(NamedTuple):
    """What is to be done at each point, and where the work is done.

    Attributes:
        members: Ensemble size.
        sums: Number of sums: 0, 2, 3 or 5.
        events: Number of thresholds.
        limits: Address of the thresholds.
        tile: Address of work space for members, in blocks of eight rows as wide as a register.
        seen: Address of work space for the counts of events.
        sort: Address of the function that sorts members; 0 takes the network.
        network: Address of the network of blocks.
        pairs: Its length.
    """

    members: int
    sums: int
    events: int
    limits: int
    tile: int
    seen: int
    sort: int
    network: int
    pairs: int


class Output(NamedTuple):
    """Where the results of as many points as a register holds go.

    Attributes:
        floats: Address of the first float of the first point.
        step: Bytes from one float of a point to the next.
        counts: Address of the first count of the first point.
        jump: Bytes from one count of a point to the next.
    """

    floats: int
    step: int
    counts: int
    jump: int


AHEAD = 32 * LANE_BYTES
"""Bytes of a row between what is worked on and what is fetched."""
MOST_MEMBERS = 64
"""Ensemble size up to which sorting is compiled for that size."""
EXACT_MEMBERS = 256
"""Ensemble size up to which the numerators of Brier scores are whole numbers that float32 holds."""


@lru_cache
def sorter(members: int, precision: np.dtype[Any]) -> int:
    """Compile the sorting of an ensemble whose blocks of eight are sorted, and return its address.

    Args:
        members: Ensemble size.
        precision: Dtype of the members.

    Returns:
        Address of a function of the address of the rows; 0 for sizes that are sorted by a network of blocks.
    """
    if not 2 * BLOCK < members <= MOST_MEMBERS:
        return 0
    zero = precision.type(0)

    def sort(rows: int) -> None:
        merge_rows(rows, members, zero)

    return address_of(sort, types.void(types.intp))


@compiled
def score_whole(place: int, stride: int, y: Any, task: Task, output: Output, unit: Any) -> bool:
    """Write the statistics of as many points as a register holds, if all their members are finite.

    Args:
        place: Address of the first member.
        stride: Bytes from one member to the next.
        y: Verifying values.
        task: What is to be done.
        output: Where the statistics go, in the order of `kernels`.
        unit: Any number of the type of the counts.

    Returns:
        Whether the members are finite; nothing is written where not.
    """
    anchor = read(place, y)
    below, equal, total, larger = _first_reading(place, stride, y, anchor, task)
    reach = where(y == y, y, filled(y, 0.0))
    if not (everywhere(abs(total) < np.inf) and everywhere(abs(reach) < np.inf)):
        return False
    write_as(output.counts, all_counted(y, task.members), unit)
    write_as(output.counts + output.jump, below, unit)
    write_as(output.counts + 2 * output.jump, equal, unit)
    if task.sums > 0:
        mean = total * (1.0 / task.members)
        write(output.floats, rounded(widened(anchor) + mean, y))
        write(output.floats + output.step, rounded(mean - (widened(y) - widened(anchor)), y))
        absolute = 2.0 * larger - total - widened(y - anchor) * task.members
        further = output.floats + 2 * output.step
        _further(task, y, rounded(mean, y), absolute * (1.0 / task.members), further, output.step)
    _events(task, y, output, unit)
    return True


@compiled
def _events(task: Task, y: Any, output: Output, unit: Any) -> None:
    """Write the members above each threshold and the Brier scores."""
    for index in range(task.events):
        above = counters_at(task.seen + index * LANE_BYTES, y)
        write_as(output.counts + (3 + index) * output.jump, above, unit)
        happened = where(y > number_at(task.limits + index * size_of(y), y), filled(y, 1.0), y - y)
        plain = output.floats + (task.sums + index) * output.step
        _write_brier(as_floats(above, y), happened, task.members, plain, plain + task.events * output.step)


@compiled
def _first_reading(place: int, stride: int, y: Any, anchor: Any, task: Task) -> tuple[Any, Any, Any, Any]:
    """Count and add members; keep their differences from the first, blocks of eight sorted if they are to be.

    Returns:
        Members below and equal to `y`, the sum of the differences, and that of the larger of each and that of `y`.
    """
    distance, below, equal = y - anchor, none_counted(y), none_counted(y)
    total = larger = widened(filled(y, 0.0))
    for index in range(task.events):
        write(task.seen + index * LANE_BYTES, none_counted(y))
    whole = task.members - task.members % BLOCK
    for first in range(0, whole, BLOCK):
        block = load_block(place + first * stride, stride, AHEAD, y)
        below, equal = count_below(below, block, y), count_equal(equal, block, y)
        _count_events(task, block, y)
        moved = shifted(block, anchor)
        total = total + widened(block_sum(moved))
        if task.sums > 3:
            larger = larger + widened(larger_sum(moved, distance))
            moved = sorted_block(moved)
        if task.sums > 2:
            store_block(task.tile + first * LANE_BYTES, moved)
    for member in range(whole, task.members):
        x = read(place + member * stride, y)
        below, equal = counted(below, x < y), counted(equal, x == y)
        _count_events_of_one(task, x)
        apart = x - anchor
        total = total + widened(apart)
        larger = larger + widened(where(apart > distance, apart, distance))
        write(task.tile + member * LANE_BYTES, apart)
    return below, equal, total, larger


@compiled
def _count_events(task: Task, block: Any, y: Any) -> None:
    for index in range(task.events):
        at = task.seen + index * LANE_BYTES
        write(at, count_above(counters_at(at, y), block, number_at(task.limits + index * size_of(y), y)))


@compiled
def _count_events_of_one(task: Task, x: Any) -> None:
    for index in range(task.events):
        at = task.seen + index * LANE_BYTES
        write(at, counted(counters_at(at, x), x > number_at(task.limits + index * size_of(x), x)))


@compiled
def _further(task: Task, y: Any, mean: Any, error: Any, into: int, step: int) -> None:
    """Write the variance and, from sorted members, the CRPS."""
    if task.sums > 3:
        _sort(task, y)
    share, several = 1.0 / task.members, 1.0 / (task.members - 1.0)
    if task.sums > 2:
        squares, weighted = _second_reading(task.tile, task.members, mean)
        write(into, rounded(squares * several, y))
        if task.sums > 3:
            write(into + step, rounded(error - weighted * (share * share), y))
            write(into + 2 * step, rounded(error - weighted * (share * several), y))


@compiled
def _sort(task: Task, y: Any) -> None:
    if task.sort != 0:
        call_at(task.sort, task.tile)
        return
    rows = (task.members + BLOCK - 1) // BLOCK * BLOCK
    for row in range(task.members, rows):
        write(task.tile + row * LANE_BYTES, filled(y, np.inf))
    if rows > task.members:
        last = task.tile + (rows - BLOCK) * LANE_BYTES
        store_block(last, sorted_block(load_block(last, LANE_BYTES, 0, y)))
    for pair in range(task.pairs):
        one, two = index_at(task.network + 16 * pair), index_at(task.network + 16 * pair + 8)
        merge_blocks_at(task.tile + one * BLOCK * LANE_BYTES, task.tile + two * BLOCK * LANE_BYTES, y)


@compiled
def _second_reading(tile: int, members: int, mean: Any) -> tuple[Any, Any]:
    """Squared differences from the mean, and the sum over i < j of |x_i - x_j|: sum of (2 i - M - 1) x_(i)."""
    squares = weighted = widened(filled(mean, 0.0))
    whole = members - members % BLOCK
    for first in range(0, whole, BLOCK):
        block = load_block(tile + first * LANE_BYTES, LANE_BYTES, 0, mean)
        squares = squares + widened(square_sum(block, mean))
        weighted = weighted + widened(rank_sum(block, 2.0 * first + 1.0 - members))
    for member in range(whole, members):
        x = read(tile + member * LANE_BYTES, mean)
        squares = squares + widened((x - mean) * (x - mean))
        weighted = weighted + widened(x) * (2.0 * member + 1.0 - members)
    return squares, weighted


@compiled
def _write_brier(hits: Any, happened: Any, members: int, plain: int, fair: int) -> None:
    """Write (p - o)^2 and (p - o)^2 - p (1 - p) / (M - 1), as quotients of whole numbers where these are exact."""
    if members <= EXACT_MEMBERS:
        away = hits - happened * members
        squares, count = away * away, filled(hits, members)
        write(plain, squares / (count * count))
        some = squares * (members - 1.0) - hits * (count - hits)
        write(fair, some / (count * count * (members - 1.0)))
    else:
        probability, seen = widened(hits) * (1.0 / members), widened(happened)
        squares_of = (probability - seen) * (probability - seen)
        write(plain, rounded(squares_of, hits))
        write(fair, rounded(squares_of - probability * (1.0 - probability) * (1.0 / (members - 1.0)), hits))
