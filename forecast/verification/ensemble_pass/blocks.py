"""Eight members of neighbouring points at once, in registers: what the pass does with each block that it reads.

A block is a tuple of eight vectors (`vector_type`). Each function below is one straight run of instructions.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from forecast.verification.ensemble_pass.sorting import BLOCK, SORT_EIGHT, exchange
from forecast.verification.ensemble_pass.vector_type import (
    LANE_BYTES,
    Lanes,
    fetch,
    instruction,
    integers_of,
    splat,
)


def block_of(lanes: Lanes) -> Any:
    """Return the type of a block.

    Args:
        lanes: Type of its vectors.
    """
    return types.UniTuple(lanes, BLOCK)


@instruction
def load_block(typing: Any, place: Any, stride: Any, ahead: Any, like: Any) -> Any:
    """Read eight rows, and ask the memory for what will be read soon.

    Args:
        typing: Numba's typing context; numba passes it.
        place: Address of the first number.
        stride: Bytes from one row to the next.
        ahead: Bytes between what is read and what is asked for; 0 asks for nothing.
        like: Vector of the type to read.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        start, step, further = values[:3]
        places = [builder.add(start, builder.mul(step, step.type(row))) for row in range(BLOCK)]
        with builder.if_then(builder.icmp_signed("!=", further, further.type(0))):
            for each in places:
                fetch(builder, builder.inttoptr(builder.add(each, further), ir.IntType(8).as_pointer()))
        pointers = [builder.inttoptr(each, like.vector.as_pointer()) for each in places]
        loaded = [builder.load(pointer, align=like.element.bitwidth // 8) for pointer in pointers]
        return context.make_tuple(builder, signature.return_type, loaded)

    return block_of(like)(types.intp, types.intp, types.intp, like), lower


@instruction
def store_block(typing: Any, place: Any, block: Any) -> Any:
    """Write eight rows, each as wide as a register, one after the other.

    Args:
        typing: Numba's typing context; numba passes it.
        place: Address of the first number.
        block: Block to write.
    """
    lanes = block[0]

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        for row, value in enumerate(cgutils.unpack_tuple(builder, values[1])):
            at = builder.add(values[0], values[0].type(row * LANE_BYTES))
            pointer = builder.inttoptr(at, lanes.vector.as_pointer())
            builder.store(value, pointer, align=lanes.element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(types.intp, block), lower


def _counting(relation: str) -> Callable[..., Any]:
    """Make an instruction that adds the number of members of a block to which a relation applies."""

    def declare(typing: Any, counter: Any, block: Any, value: Any) -> Any:
        def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            total = values[0]
            for member in cgutils.unpack_tuple(builder, values[1]):
                truth = builder.fcmp_ordered(relation, member, values[2])
                total = builder.sub(total, builder.sext(truth, total.type))
            return total

        return counter(counter, block, value), lower

    return declare


count_below = instruction(_counting("<"))
count_equal = instruction(_counting("=="))
count_above = instruction(_counting(">"))


@instruction
def none_counted(typing: Any, like: Any) -> Any:
    """Make counters of 0.

    Args:
        typing: Numba's typing context; numba passes it.
        like: Vector of the numbers to be counted.
    """
    counter = integers_of(like)

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return ir.Constant(counter.vector, [0] * counter.count)

    return counter(like), lower


@instruction
def counted(typing: Any, counter: Any, truth: Any) -> Any:
    """Add 1 to a vector of integers in the lanes where a comparison is true.

    Args:
        typing: Numba's typing context; numba passes it.
        counter: Vector of integers.
        truth: Truth values, from a comparison.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.sub(values[0], builder.sext(values[1], counter.vector))

    return counter(counter, truth), lower


@instruction
def as_floats(typing: Any, counter: Any, like: Any) -> Any:
    """Convert a vector of integers to floats.

    Args:
        typing: Numba's typing context; numba passes it.
        counter: Vector of integers.
        like: Vector of the type to convert to.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.sitofp(values[0], like.vector)

    return like(counter, like), lower


@instruction
def all_counted(typing: Any, like: Any, number: Any) -> Any:
    """Make counters of one number.

    Args:
        typing: Numba's typing context; numba passes it.
        like: Vector of the numbers that are counted.
        number: The number.
    """
    counter = integers_of(like)

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return splat(builder, context.cast(builder, values[1], number, counter.element), counter.count)

    return counter(like, number), lower


@instruction
def shifted(typing: Any, block: Any, anchor: Any) -> Any:
    """Return the differences of the members of a block from a vector.

    Args:
        typing: Numba's typing context; numba passes it.
        block: Members.
        anchor: Vector to take away.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        members = cgutils.unpack_tuple(builder, values[0])
        return context.make_tuple(builder, block, [builder.fsub(member, values[1]) for member in members])

    return block(block, anchor), lower


def _sum(builder: Any, values: Sequence[Any]) -> Any:
    """Emit a sum of neighbours, then of neighbouring sums, which does not wait for each."""
    while len(values) > 1:
        values = [builder.fadd(one, two) for one, two in zip(values[::2], values[1::2], strict=True)]
    return values[0]


@instruction
def block_sum(typing: Any, block: Any) -> Any:
    """Return the sum of the members of a block.

    Args:
        typing: Numba's typing context; numba passes it.
        block: Members.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _sum(builder, cgutils.unpack_tuple(builder, values[0]))

    return block[0](block), lower


@instruction
def larger_sum(typing: Any, block: Any, value: Any) -> Any:
    """Return the sum of the larger of each member of a block and a vector, NaN where that is.

    Args:
        typing: Numba's typing context; numba passes it.
        block: Members.
        value: Vector.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        members = cgutils.unpack_tuple(builder, values[0])
        above = [builder.select(builder.fcmp_ordered(">", each, values[1]), each, values[1]) for each in members]
        return _sum(builder, above)

    return block[0](block, value), lower


@instruction
def square_sum(typing: Any, block: Any, value: Any) -> Any:
    """Return the sum of the squared differences of the members of a block from a vector.

    Args:
        typing: Numba's typing context; numba passes it.
        block: Members.
        value: Vector.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        apart = [builder.fsub(member, values[1]) for member in cgutils.unpack_tuple(builder, values[0])]
        return _sum(builder, [builder.fmul(each, each, flags=("contract",)) for each in apart])

    return block[0](block, value), lower


@instruction
def rank_sum(typing: Any, block: Any, weight: Any) -> Any:
    """Return the sum of the members of a block times weights that grow by 2 from one to the next.

    Args:
        typing: Numba's typing context; numba passes it.
        block: Members.
        weight: Number, weight of the first.
    """
    lanes = block[0]

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        first = context.cast(builder, values[1], weight, lanes.element)
        members = cgutils.unpack_tuple(builder, values[0])
        steps = [builder.fadd(first, first.type(2.0 * row)) for row in range(BLOCK)]
        weights = [splat(builder, step, lanes.count) for step in steps]
        terms = [builder.fmul(each, by, flags=("contract",)) for each, by in zip(members, weights, strict=True)]
        return _sum(builder, terms)

    return lanes(block, weight), lower


@instruction
def sorted_block(typing: Any, block: Any) -> Any:
    """Sort the members of a block, lane by lane.

    Args:
        typing: Numba's typing context; numba passes it.
        block: Members.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        members = list(cgutils.unpack_tuple(builder, values[0]))
        for low, high in SORT_EIGHT:
            members[low], members[high] = exchange(builder, members[low], members[high])
        return context.make_tuple(builder, block, members)

    return block(block), lower
