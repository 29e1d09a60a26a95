"""Points are gathered from and written to arrays of any layout, a register at a time."""

import numpy as np
import pytest

from forecast.verification.ensemble_pass.memory import aligned_rows, gather, write_results
from forecast.verification.ensemble_pass.vector_type import LANE_BYTES


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_work_space_begin_where_a_register_does(dtype: type) -> None:
    lanes = LANE_BYTES // np.dtype(dtype).itemsize
    space = aligned_rows(16, lanes, np.empty(0, dtype))
    assert space.shape == (16, lanes)
    assert space.dtype == dtype
    assert space.ctypes.data % LANE_BYTES == 0
    assert space.strides == (LANE_BYTES, space.itemsize)


def test_the_last_points_are_gathered_with_their_analysis() -> None:
    ensemble, analysis = np.arange(12.0).reshape(2, 6), np.arange(100.0, 106.0)
    gathered = np.full((3, 4), -1.0)
    gather(ensemble, analysis, 3, gathered)
    np.testing.assert_array_equal(gathered, [[3, 4, 5, -1], [9, 10, 11, -1], [103, 104, 105, -1]])


@pytest.mark.parametrize("size", [LANE_BYTES // 8, 3])
def test_floats_without_enough_members_are_missing(size: int) -> None:
    lanes = LANE_BYTES // 8
    results, tally = np.arange(2.0 * lanes).reshape(2, lanes), np.full((2, lanes), 5.0)
    tally[0, 1] = 1.0
    floats, counts = np.full((2, lanes + 2), 9.0), np.full((2, lanes + 2), 9, np.int16)
    write_results(results, tally, 2, floats, counts, 1, size)
    expected = results[:, :size].copy()
    expected[:, 1] = np.nan
    np.testing.assert_array_equal(floats[:, 1 : 1 + size], expected)
    np.testing.assert_array_equal(counts[:, 1 : 1 + size], tally[:, :size])
    assert (floats[:, 0] == 9).all()
    assert (floats[:, 1 + size :] == 9).all()
    assert (counts[:, 1 + size :] == 9).all()
