"""Sorting of the members of many points at once, without a branch.

Blocks of eight rows are sorted in registers by a network of compare-exchanges, then blocks are merged, two at a time,
in the order of a network that would sort as many numbers as there are blocks: replacing each compare-exchange by a
merge-and-split of sorted blocks sorts (Knuth, The Art of Computer Programming 3, 5.3.4, exercise 38). A row is read and
written once per block operation, not once per compare-exchange.

Numbers are compared as integers of their bits, which is their order where none is negative (nor a negative zero):
minima of integers know no NaN, and take one instruction.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from forecast.verification.ensemble_pass.vector_type import (
    LANE_BYTES,
    Lanes,
    address,
    instruction,
    lanes_of,
)

Pairs = list[tuple[int, int]]
BLOCK = 8
SORT_EIGHT: Pairs = [
    *((0, 2), (1, 3), (4, 6), (5, 7)),
    *((0, 4), (1, 5), (2, 6), (3, 7)),
    *((0, 1), (2, 3), (4, 5), (6, 7)),
    *((2, 4), (3, 5)),
    *((1, 4), (3, 6)),
    *((1, 2), (3, 4), (5, 6)),
]
"""Optimal: 19 compare-exchanges in 6 steps (Knuth 5.3.4)."""


@lru_cache(maxsize=64)
def sorting_network(size: int) -> NDArray[np.int64]:
    """Return compare-exchanges that sort any numbers.

    Args:
        size: How many numbers.

    Returns:
        (count, 2): pairs of positions, the smaller first, in the order in which to compare and exchange them.

    Source: Batcher's merge exchange; Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M
    """
    pairs: Pairs = []
    top = 1 << max((size - 1).bit_length() - 1, 0)
    p = top if size > 1 else 0
    while p > 0:
        q, r, d = top, 0, p
        while True:
            pairs.extend((i, i + d) for i in range(size - d) if i & p == r)
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2
    return np.asarray(pairs, dtype=np.int64).reshape(-1, 2)


def merging_network(one: Sequence[int], two: Sequence[int]) -> Pairs:
    """Return compare-exchanges that merge two sorted sequences of equal length, a power of two.

    Args:
        one: Positions of the first sequence, ascending.
        two: Positions of the second sequence, ascending, above those of the first.

    Source: Batcher's odd-even merge; Knuth, The Art of Computer Programming 3, 5.3.4
    """
    if len(one) == 1:
        return [(one[0], two[0])]
    halves = [*merging_network(one[::2], two[::2]), *merging_network(one[1::2], two[1::2])]
    both = [*one, *two]
    return [*halves, *zip(both[1:-1:2], both[2:-1:2], strict=True)]


MERGE_EIGHTS = merging_network(range(BLOCK), range(BLOCK, 2 * BLOCK))


def exchange(builder: Any, one: Any, two: Any) -> tuple[Any, Any]:
    """Emit the smaller and the larger of two vectors, lane by lane.

    Args:
        builder: Builder of LLVM instructions.
        one: Vector of floats, none NaN.
        two: Another.
    """
    below = builder.fcmp_ordered("<", one, two)
    above = builder.fcmp_ordered(">", one, two)
    return builder.select(below, one, two), builder.select(above, one, two)


def merge(builder: Any, one: Sequence[Any], two: Sequence[Any]) -> list[Any]:
    """Emit the merge of two sorted sequences of vectors, of any lengths, depth first.

    Args:
        builder: Builder of LLVM instructions.
        one: Vectors of floats, ascending in each lane.
        two: Others.

    Returns:
        All of them, ascending.

    Source: Batcher's odd-even merge; Knuth, The Art of Computer Programming 3, 5.3.4
    """
    if not one or not two:
        return [*one, *two]
    if len(one) == 1 and len(two) == 1:
        return [*exchange(builder, one[0], two[0])]
    odd, even = merge(builder, one[::2], two[::2]), merge(builder, one[1::2], two[1::2])
    merged, last = odd[:1], min(len(even), len(odd) - 1)
    for index in range(last):
        merged.extend(exchange(builder, even[index], odd[index + 1]))
    return [*merged, *odd[last + 1 :], *even[last:]]


def merge_all(builder: Any, runs: Sequence[Sequence[Any]]) -> list[Any]:
    """Emit the merge of several sorted sequences, neighbours first.

    Args:
        builder: Builder of LLVM instructions.
        runs: Sequences of vectors of floats, ascending in each lane.
    """
    if len(runs) == 1:
        return list(runs[0])
    half = 1 << (len(runs) - 1).bit_length() - 1
    return merge(builder, merge_all(builder, runs[:half]), merge_all(builder, runs[half:]))


def _instruction_of_constants(declare: Callable[..., Any]) -> Callable[..., Any]:
    """Make an `instruction` that gets the values of those arguments that are constants in the code that calls it.

    Args:
        declare: As of `instruction`.
    """
    return cast(Callable[..., Any], intrinsic(prefer_literal=True)(declare))


@_instruction_of_constants
def merge_rows(typing: Any, place: Any, members: Any, like: Any) -> Any:
    """Sort rows as wide as a register, whose blocks of eight are sorted, and what is left over is not.

    Args:
        typing: Numba's typing context; numba passes it.
        place: Address of the first number.
        members: Number of rows, a constant.
        like: Number of the type of the rows.
    """
    if not isinstance(members, types.IntegerLiteral):
        return None
    count, lanes = members.literal_value, Lanes(like, LANE_BYTES * 8 // like.bitwidth)

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        at = [builder.add(values[0], values[0].type(row * LANE_BYTES)) for row in range(count)]
        pointers = [builder.inttoptr(each, lanes.vector.as_pointer()) for each in at]
        loaded = [builder.load(pointer, align=lanes.element.bitwidth // 8) for pointer in pointers]
        for pointer, value in zip(pointers, merge_all(builder, _runs(builder, loaded)), strict=True):
            builder.store(value, pointer, align=lanes.element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(types.intp, members, like), lower


def _runs(builder: Any, values: Sequence[Any]) -> list[Sequence[Any]]:
    """Blocks of eight, which are sorted, and the others, which are sorted here."""
    whole = len(values) - len(values) % BLOCK
    runs = [values[first : first + BLOCK] for first in range(0, whole, BLOCK)]
    rest = [[each] for each in values[whole:]]
    return [*runs, merge_all(builder, rest)] if rest else runs


@instruction
def merge_blocks_at(typing: Any, one: Any, two: Any, like: Any) -> Any:
    """Merge eight sorted rows, each as wide as a register, with eight others; the first block takes the smaller half.

    Args:
        typing: Numba's typing context; numba passes it.
        one: Address of the one block.
        two: Address of the other block.
        like: Vector of the type of the rows.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        at = [builder.add(first, first.type(row * LANE_BYTES)) for first in values[:2] for row in range(BLOCK)]
        pointers = [builder.inttoptr(each, like.vector.as_pointer()) for each in at]
        align = like.element.bitwidth // 8
        loaded = [builder.load(pointer, align=align) for pointer in pointers]
        for pointer, value in zip(pointers, merge(builder, loaded[:BLOCK], loaded[BLOCK:]), strict=True):
            builder.store(value, pointer, align=align)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, like), lower


def _exchange(context: Any, builder: Any, kind: Any, matrix: Any, rows: Sequence[Any], network: Pairs) -> None:
    """Emit a network of compare-exchanges on rows as wide as a register."""
    lanes = lanes_of(kind)
    alignment, start = lanes.element.bitwidth // 8, context.get_constant(types.intp, 0)
    places = [address(context, builder, kind, matrix, row, start) for row in rows]
    places = [builder.bitcast(place, lanes.vector.as_pointer()) for place in places]
    values = [builder.load(place, align=alignment) for place in places]
    for low, high in network:
        values[low], values[high] = exchange(builder, values[low], values[high])
    for place, value in zip(places, values, strict=True):
        builder.store(value, place, align=alignment)


def _block(builder: Any, first: Any) -> list[Any]:
    return [builder.add(first, first.type(offset)) for offset in range(BLOCK)]


@instruction
def sort_block(typing: Any, matrix: Any, first: Any) -> Any:
    """Sort eight rows of a matrix as wide as a register, column by column.

    Args:
        typing: Numba's typing context; numba passes it.
        matrix: Matrix without negative numbers.
        first: Index of the first row.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        _exchange(context, builder, matrix, values[0], _block(builder, values[1]), SORT_EIGHT)
        return context.get_dummy_value()

    return types.void(matrix, types.intp), lower


@instruction
def merge_blocks(typing: Any, matrix: Any, one: Any, two: Any) -> Any:
    """Merge eight sorted rows with eight others; the first block takes the smaller half.

    Args:
        typing: Numba's typing context; numba passes it.
        matrix: Matrix without negative numbers.
        one: Index of the first row of the one block.
        two: Index of the first row of the other block.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        rows = [*_block(builder, values[1]), *_block(builder, values[2])]
        _exchange(context, builder, matrix, values[0], rows, MERGE_EIGHTS)
        return context.get_dummy_value()

    return types.void(matrix, types.intp, types.intp), lower
