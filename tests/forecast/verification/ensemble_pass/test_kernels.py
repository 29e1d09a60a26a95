"""The compiled pass does what the one in NumPy does, wherever the points lie in memory."""

import numpy as np
import pytest
from numpy.typing import NDArray

from forecast.verification.ensemble_pass import kernels, kernels_numpy

THRESHOLDS = (0.5, 2.0)
Results = tuple[NDArray[np.float64], NDArray[np.int16]]


def empty(dtype: type, outer: int, points: int, sums: int) -> Results:
    return np.empty((sums + 2 * len(THRESHOLDS), outer, points), dtype), np.empty(
        (3 + len(THRESHOLDS), outer, points), "i2"
    )


def both(ensemble: NDArray[np.float64], analysis: NDArray[np.float64], least: int, sums: int = 5) -> list[Results]:
    dtype, thresholds = ensemble.dtype, np.asarray(THRESHOLDS, ensemble.dtype)
    ours, theirs = (empty(dtype.type, ensemble.shape[0], ensemble.shape[2], sums) for _ in range(2))
    compiled = kernels.ensemble_pass(dtype, np.dtype(np.int16))
    compiled(ensemble, analysis, thresholds, *kernels.sorting(ensemble.shape[1], dtype), *ours, least)
    kernels_numpy.ensemble_pass(ensemble, analysis, thresholds, *theirs, least)
    return [ours, theirs]


@pytest.mark.parametrize(("dtype", "relative"), [(np.float32, 1e-5), (np.float64, 1e-11)])
@pytest.mark.parametrize("members", [1, 2, 9, 40, 300])
@pytest.mark.parametrize("missing", [False, True])
def test_all_statistics_are_those_of_numpy(dtype: type, relative: float, members: int, missing: bool) -> None:
    rng = np.random.default_rng(members)
    ensemble, analysis = rng.gamma(2.0, size=(2, members, 45)).astype(dtype), rng.gamma(2.0, size=(2, 45)).astype(dtype)
    ensemble[0, :, :10] = ensemble[0, :, :10].round()
    if missing:
        ensemble[:, 0, ::3] = np.nan
        analysis[1, 5] = np.nan
    (floats, counts), (expected, expected_counts) = both(ensemble, analysis, 1 if missing else members)
    np.testing.assert_allclose(floats, expected, rtol=relative, atol=10 * relative)
    np.testing.assert_array_equal(counts, expected_counts)


def test_points_are_read_from_any_layout() -> None:
    rng = np.random.default_rng(0)
    ensemble, analysis = rng.normal(size=(1, 12, 50)), rng.normal(size=(1, 50))
    (expected, _), _ = both(ensemble, analysis, 12)
    strided = np.empty((1, 50, 24))
    strided[:, :, ::2] = np.moveaxis(ensemble, 1, 2)
    (found, _), _ = both(np.moveaxis(strided[:, :, ::2], 2, 1), analysis, 12)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("sums", [0, 2, 3])
@pytest.mark.parametrize("missing", [False, True])
def test_what_is_not_asked_for_does_not_change_the_rest(sums: int, missing: bool) -> None:
    rng = np.random.default_rng(0)
    ensemble, analysis = rng.normal(size=(1, 12, 50)), rng.normal(size=(1, 50))
    if missing:
        ensemble[0, 3, ::2] = np.nan
    fewer, all_of_them = both(ensemble, analysis, 5, sums), both(ensemble, analysis, 5)
    for (floats, counts), (all_floats, all_counts) in zip(fewer, all_of_them, strict=True):
        # The variance is added in the order of the members, or in theirs once they are sorted.
        np.testing.assert_allclose(floats, np.concatenate([all_floats[:sums], all_floats[5:]]), rtol=1e-13)
        np.testing.assert_array_equal(counts, all_counts)
