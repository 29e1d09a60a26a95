"""Vectors in compiled code do in every lane what NumPy does to every number."""

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.verification.ensemble_pass.compilation import compiled
from forecast.verification.ensemble_pass.vector_type import (
    LANE_BYTES,
    everywhere,
    filled,
    load,
    rounded,
    rows_of,
    store,
    where,
    widened,
)


@compiled
def _everything(given: NDArray[np.float64], floats: NDArray[np.float64], counts: NDArray[np.int16], at: int) -> bool:
    rows = rows_of(given)
    x, y = load(rows, 0, at), load(rows, 1, at)
    store(floats, 0, at, x + y)
    store(floats, 1, at, x - 2 * y)
    store(floats, 2, at, x * y)
    store(floats, 3, at, 1.0 / y)
    store(floats, 4, at, abs(x))
    store(floats, 5, at, where(x < y, x, y))
    store(floats, 6, at, rounded(widened(x) / 3.0, x))
    store(counts, 0, at, filled(x, 5) + (x > y) + (x > 0.5) + (x == x))
    return everywhere(x == x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("missing", [False, True])
def test_lanes_are_numpy(dtype: type, missing: bool) -> None:
    lanes, at = LANE_BYTES // np.dtype(dtype).itemsize, 3
    given = np.random.default_rng(0).normal(size=(2, lanes + 7)).astype(dtype)
    if missing:
        given[0, at + 1] = np.nan
    floats, counts = np.full((7, lanes + 7), 9, dtype), np.full((1, lanes + 7), 9, np.int16)
    assert _everything(given, floats, counts, at) is not missing
    x, y = given[:, at : at + lanes]
    expected = [x + y, x - 2 * y, x * y, 1 / y, abs(x), np.where(x < y, x, y), (x.astype(np.float64) / 3).astype(dtype)]
    np.testing.assert_allclose(floats[:, at : at + lanes], expected, rtol=np.finfo(dtype).eps)
    np.testing.assert_array_equal(counts[0, at : at + lanes], 5 + 1 * (x > y) + (x > 0.5) + (x == x))
    for outside in (floats[:, :at], floats[:, at + lanes :], counts[:, :at], counts[:, at + lanes :]):
        assert (outside == 9).all()
