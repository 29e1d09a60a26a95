"""A vector type for numba: numbers of neighbouring points side by side in one register, as values of compiled code.

Numba compiles loops over arrays and leaves it to LLVM to find what can be done for several points at once; sums over
members then go through memory at every step. A value of type `Lanes` is an LLVM vector instead: one number for each of
some neighbouring points. Operators, `abs` and the functions below work on all of them, and sums stay in registers.
A comparison gives lanes of truth values, and adding those to numbers counts. LLVM splits vectors that are too wide for
the machine, so the same code runs on any.

The functions that are decorated with `instruction` can be called in compiled code only. Numba passes them its typing
context, and the types of the arguments in place of their values; `lower` then emits LLVM for the values.
"""

import operator
from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import impl_ret_borrowed, lower_builtin
from numba.core.registry import cpu_target
from numba.extending import intrinsic, models, register_model, type_callable

ELEMENTS = {
    types.boolean: ir.IntType(1),
    types.int16: ir.IntType(16),
    types.int32: ir.IntType(32),
    types.int64: ir.IntType(64),
    types.float32: ir.FloatType(),
    types.float64: ir.DoubleType(),
}
FUSED = ("contract",)
"""LLVM's flags for a product and the sum that it goes into to be rounded once, together."""
SECOND_LEVEL_CACHE = 2


def register_bytes() -> int:
    """Return the number of bytes of a vector: those of a register, or of two where registers have 16 bytes."""
    features = cpu_target.target_context.codegen().magic_tuple()[2]
    return 64 if "+avx512f" in features else 32


LANE_BYTES = register_bytes()


class Lanes(types.Type):
    """Numba's type of a vector.

    Attributes:
        element: Numba's type of a number.
        count: Number of lanes.
        vector: LLVM's type of the vector.
        bits: LLVM's type of a vector of integers of as many bits.
    """

    def __init__(self, element: Any, count: int) -> None:
        self.element, self.count = element, count
        self.vector = ir.VectorType(ELEMENTS[element], count)
        self.bits = ir.VectorType(ir.IntType(1 if element == types.boolean else element.bitwidth), count)
        super().__init__(name=f"Lanes({element}, {count})")


class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, lanes.vector)  # type: ignore[no-untyped-call]


register_model(Lanes)(_LanesModel)


def instruction(declare: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function that compiled code can call out of one that says how to emit it.

    Args:
        declare: Function of numba's typing context and the types of the arguments; returns the signature and a function
            that emits LLVM.
    """
    return cast(Callable[..., Any], intrinsic(declare))


def lanes_of(array: Any) -> Lanes:
    """Return the type of vector that fills a register with elements of an array.

    Args:
        array: Numba's type of the array.
    """
    return Lanes(array.dtype, LANE_BYTES * 8 // array.dtype.bitwidth)


def integers_of(lanes: Lanes) -> Lanes:
    """Return the type of a vector of as many integers of the same width.

    Args:
        lanes: Type of a vector of floats.
    """
    return Lanes(types.int32 if lanes.element.bitwidth == 32 else types.int64, lanes.count)


def address(context: Any, builder: Any, kind: Any, array: Any, row: Any, column: Any) -> Any:
    """Emit the address of an element of a matrix.

    Args:
        context: Numba's context of the compilation.
        builder: Builder of LLVM instructions.
        kind: Numba's type of the matrix, whose rows are contiguous.
        array: LLVM's value of the matrix.
        row: LLVM's value of the index of the row.
        column: LLVM's value of the index of the column.

    Returns:
        Pointer to bytes.
    """
    matrix = context.make_array(kind)(context, builder, array)
    stride = cgutils.unpack_tuple(builder, matrix.strides)[0]
    offset = builder.add(builder.mul(row, stride), builder.mul(column, matrix.itemsize))
    return builder.gep(builder.bitcast(matrix.data, ir.IntType(8).as_pointer()), [offset])


def splat(builder: Any, value: Any, count: int) -> Any:
    """Emit a vector with the same number in every lane.

    Args:
        builder: Builder of LLVM instructions.
        value: LLVM's value of the number.
        count: Number of lanes.
    """
    empty = ir.Constant(ir.VectorType(value.type, count), ir.Undefined)
    first = ir.IntType(32)(0)
    order = ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
    return builder.shuffle_vector(builder.insert_element(empty, value, first), empty, order)


def _one_where(builder: Any, truth: Any, lanes: Lanes) -> Any:
    one, zero = (ir.Constant(lanes.vector, [value] * lanes.count) for value in (1.0, 0.0))
    return builder.select(truth, one, zero)


def _binary(function: Any, emit: Callable[..., Any], *, compares: bool = False) -> None:
    """Teach compiled code an operator on two vectors, or a vector and a number."""

    def result(one: Any, two: Any) -> Any:
        lanes = one if isinstance(one, Lanes) else two
        if not isinstance(lanes, Lanes):
            return None
        counting = function is operator.add and two == Lanes(types.boolean, lanes.count)
        if not counting and any(kind != lanes and not isinstance(kind, types.Number) for kind in (one, two)):
            return None
        return Lanes(types.boolean, lanes.count) if compares else lanes

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        lanes = next(kind for kind in signature.args if isinstance(kind, Lanes))
        operands = []
        for kind, value in zip(signature.args, values, strict=True):
            if not isinstance(kind, Lanes):
                operands.append(splat(builder, context.cast(builder, value, kind, lanes.element), lanes.count))
            else:
                operands.append(value if kind == lanes else _one_where(builder, value, lanes))
        return emit(builder, *operands)

    type_callable(function)(lambda _context: result)
    for kinds in ((Lanes, Lanes), (Lanes, types.Number), (types.Number, Lanes)):
        lower_builtin(function, *kinds)(lower)


_binary(operator.add, lambda builder, one, two: builder.fadd(one, two, flags=FUSED))
_binary(operator.sub, lambda builder, one, two: builder.fsub(one, two, flags=FUSED))
_binary(operator.mul, lambda builder, one, two: builder.fmul(one, two, flags=FUSED))
_binary(operator.truediv, lambda builder, one, two: builder.fdiv(one, two))
_binary(operator.lt, lambda builder, one, two: builder.fcmp_ordered("<", one, two), compares=True)
_binary(operator.gt, lambda builder, one, two: builder.fcmp_ordered(">", one, two), compares=True)
_binary(operator.ge, lambda builder, one, two: builder.fcmp_ordered(">=", one, two), compares=True)
_binary(operator.eq, lambda builder, one, two: builder.fcmp_ordered("==", one, two), compares=True)


def _absolute(_context: Any, builder: Any, signature: Any, values: Any) -> Any:
    lanes = signature.return_type
    mask = ir.Constant(lanes.bits, [2 ** (lanes.element.bitwidth - 1) - 1] * lanes.count)
    return builder.bitcast(builder.and_(builder.bitcast(values[0], lanes.bits), mask), lanes.vector)


type_callable(abs)(lambda _context: lambda lanes: lanes if isinstance(lanes, Lanes) else None)
lower_builtin(abs, Lanes)(_absolute)


@instruction
def rows_of(typing: Any, matrix: Any) -> Any:
    """View a matrix as one to read from, of the same type whatever its layout.

    Args:
        typing: Numba's typing context; numba passes it.
        matrix: Matrix with contiguous rows.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return impl_ret_borrowed(context, builder, signature.return_type, values[0])

    return types.Array(matrix.dtype, 2, "A", readonly=True)(matrix), lower


def converted(builder: Any, value: Any, given: Lanes, wanted: Lanes) -> Any:
    """Emit the conversion of a vector of floats or integers to one of integers, or of integers to floats.

    Args:
        builder: Builder of LLVM instructions.
        value: LLVM's value of the vector.
        given: Its type.
        wanted: Type to convert to.
    """
    if isinstance(given.element, types.Float):
        return builder.fptosi(value, wanted.vector)
    if isinstance(wanted.element, types.Float):
        return builder.sitofp(value, wanted.vector)
    narrower = wanted.element.bitwidth < given.element.bitwidth
    return builder.trunc(value, wanted.vector) if narrower else builder.sext(value, wanted.vector)


@instruction
def load(typing: Any, matrix: Any, row: Any, column: Any) -> Any:
    """Read as many numbers of a row as a register holds.

    Args:
        typing: Numba's typing context; numba passes it.
        matrix: Matrix with contiguous rows.
        row: Index of the row.
        column: Index of the first column.
    """
    lanes = lanes_of(matrix)

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = address(context, builder, matrix, *values)
        return builder.load(builder.bitcast(place, lanes.vector.as_pointer()), align=lanes.element.bitwidth // 8)

    return lanes(matrix, types.intp, types.intp), lower


@instruction
def store(typing: Any, matrix: Any, row: Any, column: Any, lanes: Any) -> Any:
    """Write a vector to a row.

    Args:
        typing: Numba's typing context; numba passes it.
        matrix: Matrix with contiguous rows, of the type of the lanes, or of integers if these hold whole numbers.
        row: Index of the row.
        column: Index of the first column.
        lanes: Vector to write.
    """
    stored = Lanes(matrix.dtype, lanes.count)

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = address(context, builder, matrix, *values[:3])
        value = values[3] if lanes == stored else converted(builder, values[3], lanes, stored)
        builder.store(value, builder.bitcast(place, stored.vector.as_pointer()), align=stored.element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(matrix, types.intp, types.intp, lanes), lower


def fetch(builder: Any, place: Any) -> None:
    """Emit a request for what will be read soon; past the end of an array nothing happens.

    Args:
        builder: Builder of LLVM instructions.
        place: Pointer to bytes.
    """
    number = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
    function = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
    builder.call(function, [place, number(0), number(SECOND_LEVEL_CACHE), number(1)])


@instruction
def filled(typing: Any, like: Any, value: Any) -> Any:
    """Make a vector with the same number in every lane.

    Args:
        typing: Numba's typing context; numba passes it.
        like: Vector of the type to make.
        value: The number.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return splat(builder, context.cast(builder, values[1], value, like.element), like.count)

    return like(like, value), lower


@instruction
def widened(typing: Any, lanes: Any) -> Any:
    """Convert a vector to float64.

    Args:
        typing: Numba's typing context; numba passes it.
        lanes: Vector of float32 or float64.
    """
    wide = Lanes(types.float64, lanes.count)

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return values[0] if lanes == wide else builder.fpext(values[0], wide.vector)

    return wide(lanes), lower


@instruction
def rounded(typing: Any, wide: Any, like: Any) -> Any:
    """Round a vector of float64 to the precision of another.

    Args:
        typing: Numba's typing context; numba passes it.
        wide: Vector of float64.
        like: Vector of the type to round to.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return values[0] if wide == like else builder.fptrunc(values[0], like.vector)

    return like(wide, like), lower


@instruction
def where(typing: Any, truth: Any, one: Any, two: Any) -> Any:
    """Choose between two vectors in every lane.

    Args:
        typing: Numba's typing context; numba passes it.
        truth: Truth values, from a comparison.
        one: Vector to take where they are true.
        two: Vector to take where they are false.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.select(*values)

    return one(truth, one, two), lower


@instruction
def everywhere(typing: Any, truth: Any) -> Any:
    """Return whether a comparison is true in all lanes.

    Args:
        typing: Numba's typing context; numba passes it.
        truth: Truth values, from a comparison.
    """

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        bits = ir.IntType(truth.count)
        return builder.icmp_unsigned("==", builder.bitcast(values[0], bits), bits(2**truth.count - 1))

    return types.boolean(truth), lower
