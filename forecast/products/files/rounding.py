"""Rounds fields to the number of mantissa bits that are worth storing."""

from typing import Any

import numpy as np
import numpy.typing as npt

MANTISSA_BITS = 23
# One step of the stored value stays below 1e-4 of the field's usual standard deviation: two computations of one member
# that agree to that tolerance still do so after rounding, even where a rounding boundary lies between them.
KEPT_BITS = {
    "z": 20,
    "msl": 21,
    "sp": 21,
    "t": 21,
    "t2m": 21,
    "d2m": 21,
    "sst": 21,
    "u": 17,
    "v": 17,
    "w": 17,
    "u10": 17,
    "v10": 17,
    "q": 18,
    "tp": 18,
}
DEFAULT_KEPT_BITS = 21


def kept_bits(short_name: str) -> int:
    """Return the number of explicit mantissa bits to store of a variable.

    Args:
        short_name: Short name in the variable table, without a level.
    """
    return KEPT_BITS.get(short_name, KEPT_BITS.get(short_name.rstrip("0123456789"), DEFAULT_KEPT_BITS))


def bit_round(values: npt.NDArray[np.float32], bits: int) -> npt.NDArray[np.float32]:
    """Round to the nearest float with `bits` explicit mantissa bits, ties to even. Rounding twice changes nothing.

    Source: Kouznetsov (2021), doi:10.5194/gmd-14-377-2021
    """
    if bits >= MANTISSA_BITS:
        return values
    dropped = MANTISSA_BITS - bits
    pattern: npt.NDArray[Any] = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    half = np.uint32((1 << (dropped - 1)) - 1)
    last_kept = (pattern >> np.uint32(dropped)) & np.uint32(1)
    mask = np.uint32(0xFFFFFFFF ^ ((1 << dropped) - 1))
    rounded: npt.NDArray[np.float32] = ((pattern + half + last_kept) & mask).view(np.float32)
    return rounded
