"""What is read and written by address is what lies there."""

import ctypes

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.verification.ensemble_pass import addresses
from forecast.verification.ensemble_pass.blocks import as_floats, counted
from forecast.verification.ensemble_pass.compilation import compiled
from forecast.verification.ensemble_pass.vector_type import LANE_BYTES, load


@compiled
def _everything(
    given: NDArray[np.float64], floats: NDArray[np.float64], counts: NDArray[np.int16], wide: NDArray[np.int64]
) -> int:
    x = load(given, 1, 2)
    addresses.write(addresses.place_of(floats, 0, 0), addresses.read(addresses.place_of(given, 1, 2), x))
    addresses.write(addresses.place_of(floats, 1, 0), addresses.number_at(addresses.place_of(given, 0, 3), x))
    total = counted(addresses.counters_at(addresses.place_of(wide, 0, 0), x), x > 0.0)
    addresses.write_as(addresses.place_of(counts, 0, 0), total, counts[0, 0])
    addresses.write(addresses.place_of(floats, 2, 0), as_floats(total, x))
    return addresses.index_at(addresses.place_of(wide, 1, 0)) + 1000 * addresses.size_of(x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_addresses_are_places_in_memory(dtype: type) -> None:
    size = np.dtype(dtype).itemsize
    lanes = LANE_BYTES // size
    given = np.random.default_rng(0).normal(size=(2, lanes + 5)).astype(dtype)
    floats, counts = np.empty((3, lanes), dtype), np.empty((1, lanes), np.int16)
    wide = np.full((2, lanes), 7, f"i{size}")
    wide[1:].view("i8")[0, 0] = 5
    assert _everything(given, floats, counts, wide) == 5 + 1000 * size
    x = given[1, 2 : 2 + lanes]
    np.testing.assert_array_equal(floats, [x, np.full(lanes, given[0, 3]), 7 + (x > 0)])
    np.testing.assert_array_equal(counts[0], 7 + (x > 0))


@compiled
def _call(function: int, argument: int) -> None:
    addresses.call_at(function, argument)


def test_functions_are_called_by_their_address() -> None:
    seen: list[int] = []
    function = ctypes.CFUNCTYPE(None, ctypes.c_ssize_t)(seen.append)
    _call(ctypes.cast(function, ctypes.c_void_p).value, 41)
    assert seen == [41]
