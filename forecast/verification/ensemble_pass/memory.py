"""Work space of the pass over an ensemble, and its way from and to arrays of any layout."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.verification.ensemble_pass.compilation import compiled
from forecast.verification.ensemble_pass.vector_type import LANE_BYTES, filled, load, store, where


@compiled
def aligned_rows(rows: int, lanes: int, like: NDArray[Any]) -> NDArray[Any]:
    """Allocate work space of which each row is a register, and does not straddle two lines of the processor's cache.

    Args:
        rows: Number of rows.
        lanes: Number of columns, which fill a register.
        like: Array of the dtype wanted.
    """
    memory = np.empty((rows + 1) * lanes, dtype=like.dtype)
    skipped = (-memory.ctypes.data % LANE_BYTES) // like.itemsize
    return memory[skipped : skipped + rows * lanes].reshape(rows, lanes)


@compiled
def gather(ensemble: NDArray[Any], analysis: NDArray[Any], first: int, gathered: NDArray[Any]) -> None:
    """Copy as many points as a register holds: their members, and the analysis in the row after them.

    Args:
        ensemble: Members (member, point).
        analysis: Verifying values (point,).
        first: Index of the first point.
        gathered: To be filled (member + 1, lane).
    """
    members = ensemble.shape[0]
    for point in range(min(gathered.shape[1], analysis.shape[0] - first)):
        for member in range(members):
            gathered[member, point] = ensemble[member, first + point]
        gathered[members, point] = analysis[first + point]


@compiled
def write_results(
    results: NDArray[Any],
    tally: NDArray[Any],
    least: int,
    floats: NDArray[Any],
    counts: NDArray[Any],
    column: int,
    size: int,
) -> None:
    """Write the results of as many points as a register holds; floats are missing where there are too few members.

    Args:
        results: Floats of these points (statistic, lane).
        tally: Counts of these points (statistic, lane), that of valid members first, in the dtype of `results`.
        least: Number of valid members below which the floats of a point are missing.
        floats: To be filled (statistic, point).
        counts: To be filled (statistic, point); integers.
        column: Index of the first point.
        size: Number of points, at most the number of lanes.
    """
    if size == results.shape[1]:
        for row in range(results.shape[0]):
            value = load(results, row, 0)
            store(floats, row, column, where(load(tally, 0, 0) < least, filled(value, np.nan), value))
        for row in range(tally.shape[0]):
            store(counts, row, column, load(tally, row, 0))
        return
    for point in range(size):
        for row in range(results.shape[0]):
            floats[row, column + point] = results[row, point] if tally[0, point] >= least else np.nan
        for row in range(tally.shape[0]):
            counts[row, column + point] = tally[row, point]


@compiled
def copy_some(
    results: NDArray[Any],
    tally: NDArray[Any],
    floats: NDArray[Any],
    counts: NDArray[Any],
    column: int,
    size: int,
) -> None:
    """Copy the results of fewer points than a register holds.

    Args:
        results: Floats of these points (statistic, lane).
        tally: Counts of these points (statistic, lane).
        floats: To be filled (statistic, point).
        counts: To be filled (statistic, point).
        column: Index of the first point.
        size: Number of points.
    """
    for point in range(size):
        floats[:, column + point] = results[:, point]
        counts[:, column + point] = tally[:, point]
