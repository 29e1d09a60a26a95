"""Memory by its address, in compiled code: a number costs less to hand from function to function than an array."""

from typing import Any

from llvmlite import ir
from numba import types

from forecast.verification.ensemble_pass.vector_type import (
    ELEMENTS,
    Lanes,
    address,
    converted,
    instruction,
    integers_of,
    splat,
)


@instruction
def place_of(typing: Any, matrix: Any, row: Any, column: Any) -> Any:
    """Return the address of an element of a matrix, for `read` and `write`: a number costs less to hand on.

    Args:
        typing: Numba's typing context; numba passes it.
        matrix: Matrix with contiguous rows; it has to be kept while the address is used.
        row: Index of the row.
        column: Index of the column.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = address(context, builder, matrix, *values)
        return builder.ptrtoint(place, context.get_value_type(types.intp))

    return types.intp(matrix, types.intp, types.intp), lower


@instruction
def read(typing: Any, place: Any, like: Any) -> Any:
    """Read a vector.

    Args:
        typing: Numba's typing context; numba passes it.
        place: Address of the first number.
        like: Vector of the type to read.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = builder.inttoptr(values[0], like.vector.as_pointer())
        return builder.load(pointer, align=like.element.bitwidth // 8)

    return like(types.intp, like), lower


@instruction
def write(typing: Any, place: Any, lanes: Any) -> Any:
    """Write a vector.

    Args:
        typing: Numba's typing context; numba passes it.
        place: Address of the first number.
        lanes: Vector to write.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = builder.inttoptr(values[0], lanes.vector.as_pointer())
        builder.store(values[1], pointer, align=lanes.element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(types.intp, lanes), lower


@instruction
def write_as(typing: Any, place: Any, lanes: Any, number: Any) -> Any:
    """Write a vector as integers of a type.

    Args:
        typing: Numba's typing context; numba passes it.
        place: Address of the first number.
        lanes: Vector of integers.
        number: Any number of the type to write.
    """
    stored = Lanes(number, lanes.count)

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        value = values[1] if lanes == stored else converted(builder, values[1], lanes, stored)
        pointer = builder.inttoptr(values[0], stored.vector.as_pointer())
        builder.store(value, pointer, align=stored.element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(types.intp, lanes, number), lower


@instruction
def counters_at(typing: Any, place: Any, like: Any) -> Any:
    """Read a vector of integers as wide as floats.

    Args:
        typing: Numba's typing context; numba passes it.
        place: Address of the first number.
        like: Vector of floats.
    """
    counter = integers_of(like)

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = builder.inttoptr(values[0], counter.vector.as_pointer())
        return builder.load(pointer, align=counter.element.bitwidth // 8)

    return counter(types.intp, like), lower


@instruction
def call_at(typing: Any, function: Any, argument: Any) -> Any:
    """Call a compiled function of one integer by its address.

    Args:
        typing: Numba's typing context; numba passes it.
        function: Address of the function.
        argument: Integer to call it with.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [context.get_value_type(types.intp)])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), [values[1]])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), lower


@instruction
def index_at(typing: Any, place: Any) -> Any:
    """Read an integer of 8 bytes.

    Args:
        typing: Numba's typing context; numba passes it.
        place: Its address.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(builder.inttoptr(values[0], ir.IntType(64).as_pointer()))

    return types.int64(types.intp), lower


@instruction
def size_of(typing: Any, lanes: Any) -> Any:
    """Return the number of bytes of a number of a vector.

    Args:
        typing: Numba's typing context; numba passes it.
        lanes: Vector.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return context.get_constant(types.intp, lanes.element.bitwidth // 8)

    return types.intp(lanes), lower


@instruction
def number_at(typing: Any, place: Any, like: Any) -> Any:
    """Read a number into every lane.

    Args:
        typing: Numba's typing context; numba passes it.
        place: Address of the number, which has the type of the lanes.
        like: Vector of the type to make.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = builder.inttoptr(values[0], ELEMENTS[like.element].as_pointer())
        return splat(builder, builder.load(pointer), like.count)

    return like(types.intp, like), lower
