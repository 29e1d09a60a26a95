"""A block of eight members is counted, added and sorted as NumPy does it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.verification.ensemble_pass import blocks
from forecast.verification.ensemble_pass.addresses import place_of
from forecast.verification.ensemble_pass.compilation import compiled
from forecast.verification.ensemble_pass.vector_type import LANE_BYTES, load, store

FLOATS = 4


@compiled
def _everything(given: NDArray[np.float64], floats: NDArray[np.float64], counts: NDArray[np.int64]) -> None:
    y = load(given, 8, 0)
    block = blocks.load_block(place_of(given, 0, 0), given.strides[0], LANE_BYTES, y)
    none = blocks.none_counted(y)
    store(counts, 0, 0, blocks.count_below(none, block, y))
    store(counts, 1, 0, blocks.count_equal(none, block, y))
    store(counts, 2, 0, blocks.count_above(blocks.all_counted(y, 3), block, y))
    moved = blocks.shifted(block, y)
    store(floats, 0, 0, blocks.block_sum(moved))
    store(floats, 1, 0, blocks.larger_sum(block, y))
    store(floats, 2, 0, blocks.square_sum(block, y))
    store(floats, 3, 0, blocks.rank_sum(block, -7))
    blocks.store_block(place_of(floats, FLOATS, 0), blocks.sorted_block(block))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_are_numpy(dtype: type) -> None:
    lanes = LANE_BYTES // np.dtype(dtype).itemsize
    given = np.random.default_rng(0).normal(size=(9, lanes)).astype(dtype)
    given[2] = given[8]
    floats, counts = (
        np.empty((FLOATS + 8, lanes), dtype),
        np.empty((3, lanes), np.int64 if dtype == np.float64 else "i4"),
    )
    _everything(given, floats, counts)
    x, y = given[:8].astype(float), given[8].astype(float)
    np.testing.assert_array_equal(counts, [(x < y).sum(0), (x == y).sum(0), 3 + (x > y).sum(0)])
    weights = np.arange(-7, 8, 2)[:, None]
    expected = [(x - y).sum(0), np.maximum(x, y).sum(0), ((x - y) ** 2).sum(0), (weights * x).sum(0)]
    np.testing.assert_allclose(floats[:FLOATS], expected, rtol=20 * np.finfo(dtype).eps, atol=20 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(floats[FLOATS:], np.sort(given[:8], axis=0))
