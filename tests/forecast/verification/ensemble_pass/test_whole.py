"""Ensembles without gaps: the compiled sorting sorts, and finite numbers are told from others."""

import ctypes

import numpy as np
import pytest

from forecast.verification.ensemble_pass import kernels, whole
from forecast.verification.ensemble_pass.memory import aligned_rows
from forecast.verification.ensemble_pass.vector_type import LANE_BYTES


@pytest.mark.parametrize(("dtype", "members"), [(np.float32, 17), (np.float32, 50), (np.float64, 27)])
def test_members_are_sorted_from_sorted_blocks(dtype: type, members: int) -> None:
    lanes = LANE_BYTES // np.dtype(dtype).itemsize
    rows = aligned_rows(members, lanes, np.empty(0, dtype))
    rows[:] = np.random.default_rng(0).normal(size=rows.shape).round(1)
    expected = np.sort(rows, axis=0)
    for first in range(0, members - members % 8, 8):
        rows[first : first + 8].sort(axis=0)
    sort = ctypes.CFUNCTYPE(None, ctypes.c_ssize_t)(whole.sorter(members, np.dtype(dtype)))
    sort(rows.ctypes.data)
    np.testing.assert_array_equal(rows, expected)


def test_small_and_large_ensembles_are_sorted_by_a_network() -> None:
    assert whole.sorter(16, np.dtype(np.float32)) == whole.sorter(65, np.dtype(np.float32)) == 0


@pytest.mark.parametrize(("role", "number"), [("", 0.0), ("member", np.inf), ("member", np.nan), ("analysis", np.inf)])
def test_the_pass_says_whether_all_is_finite(role: str, number: float) -> None:
    ensemble, analysis = np.ones((1, 9, 40)), np.ones((1, 40))
    analysis[0, 3] = np.nan  # leaves the members as they are
    if role == "member":
        ensemble[0, 5, 31] = number
    if role == "analysis":
        analysis[0, 31] = number
    run = kernels.ensemble_pass(np.dtype(np.float64), np.dtype(np.int16))
    floats, counts = np.empty((5, 1, 40)), np.empty((3, 1, 40), np.int16)
    assert run(ensemble, analysis, np.empty(0), *kernels.sorting(9, np.dtype(np.float64)), floats, counts, 9) is (
        role == ""
    )
