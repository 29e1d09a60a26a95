"""Sorting of the members of many points at once, without a branch.

Blocks of eight rows are sorted in registers by a network of compare-exchanges, then blocks are merged, two at a time,
in the order of a network that would sort as many numbers as there are blocks: replacing each compare-exchange by a
merge-and-split of sorted blocks sorts (Knuth, The Art of Computer Programming 3, 5.3.4, exercise 38). A row is read and
written once per block operation, not once per compare-exchange.

Numbers are compared as integers of their bits, which is their order where none is negative (nor a negative zero):
minima of integers know no NaN, and take one instruction.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from forecast.verification.ensemble_pass.vector_type import address, instruction, lanes_of

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


def _exchange(context: Any, builder: Any, kind: Any, matrix: Any, rows: Sequence[Any], network: Pairs) -> None:
    """Emit a network of compare-exchanges on rows as wide as a register."""
    lanes = lanes_of(kind)
    alignment, start = lanes.element.bitwidth // 8, context.get_constant(types.intp, 0)
    places = [address(context, builder, kind, matrix, row, start) for row in rows]
    places = [builder.bitcast(place, lanes.bits.as_pointer()) for place in places]
    values = [builder.load(place, align=alignment) for place in places]
    for low, high in network:
        one, two = values[low], values[high]
        ordered = builder.icmp_signed("<", one, two)
        values[low], values[high] = builder.select(ordered, one, two), builder.select(ordered, two, one)
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
