"""One pass over an ensemble, compiled: everything that counts, sums or sorts members, from one read of them.

Points are taken side by side, as many as a register holds (`lanes`), and all their members one after the other, so that
sums stay in registers; what comes next is fetched meanwhile. Members are copied once, as differences from the smallest
of them: sums of differences lose nothing at a large offset, and as none is negative they sort as integers (`sorting`).
A few rows are added in the precision of the data, and then in float64.

Points that lack members take a path of their own, with a mask on each value.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from forecast.verification.ensemble_pass.sorting import BLOCK, merge_blocks, sort_block, sorting_network
from forecast.verification.ensemble_pass.vector_type import (
    LANE_BYTES,
    everywhere,
    filled,
    load,
    prefetch,
    rounded,
    rows_of,
    store,
    where,
    widened,
)

Function = TypeVar("Function", bound=Callable[..., Any])
AHEAD = 8
"""Registers of points between the one that is worked on and the one that is fetched."""


def compiled(function: Function, signature: Any = None) -> Function:
    """Compile at first use; keep the machine code on disk where a place can be found for it.

    Args:
        function: Within what numba understands.
        signature: Compile for these types only, and convert what comes to them; None compiles for whatever comes.
    """
    try:
        compiler = numba.njit(signature, cache=True, nogil=True, error_model="numpy")
        return cast(Function, compiler(function))
    except RuntimeError:  # neither the package nor the user's cache directory can be written
        return cast(Function, numba.njit(signature, nogil=True, error_model="numpy")(function))


@lru_cache
def ensemble_pass(precision: np.dtype[Any], integers: np.dtype[Any]) -> Callable[..., None]:
    """The pass, compiled once for all memory layouts; see `_ensemble_pass` for its arguments.

    Args:
        precision: Of the ensemble.
        integers: Of the counts.
    """
    real, integer = (numba.from_dtype(dtype) for dtype in (precision, integers))
    arguments = (
        types.Array(real, 3, "A", readonly=True),
        types.Array(real, 2, "A", readonly=True),
        types.Array(real, 1, "C", readonly=True),
        types.Array(types.int64, 2, "C", readonly=True),
        types.Array(real, 3, "A"),
        types.Array(integer, 3, "A"),
        types.int64,
        types.boolean,
    )
    return compiled(_ensemble_pass, types.void(*arguments))


def block_network(members: int) -> NDArray[np.int64]:
    """In which order blocks of members are merged.

    Args:
        members: Ensemble size.
    """
    return sorting_network(-(-members // BLOCK))


def _ensemble_pass(
    ensemble: NDArray[Any],
    analysis: NDArray[Any],
    thresholds: NDArray[Any],
    network: NDArray[np.int64],
    floats: NDArray[Any],
    counts: NDArray[Any],
    least: int,
    ranked: bool,
) -> None:
    """Fill in every statistic of every point.

    Args:
        ensemble: (outer, members, inner), any strides.
        analysis: (outer, inner), the dtype of `ensemble`.
        thresholds: (count,), the dtype of `ensemble`.
        network: From `block_network`.
        floats: (5 + 2 thresholds, outer, inner): mean, error of the mean, variance (ddof 1), plain CRPS, fair CRPS;
            then Brier and fair Brier score of each threshold.
        counts: (3 + thresholds, outer, inner): valid members, members below and equal to the analysis, exceedances.
        least: Valid members below which the floats of a point are missing.
        ranked: Sort; otherwise the CRPS is left undefined.
    """
    members, points = ensemble.shape[1], ensemble.shape[2]
    lanes = LANE_BYTES // ensemble.itemsize
    tile = _aligned((members + BLOCK - 1) // BLOCK * BLOCK, lanes, thresholds)
    gathered = np.zeros((members + 1, lanes), dtype=ensemble.dtype)
    results = np.empty((floats.shape[0], lanes), dtype=ensemble.dtype)
    tally = np.empty((counts.shape[0], lanes), dtype=ensemble.dtype)
    in_place = ensemble.strides[2] == ensemble.itemsize
    for outer in range(ensemble.shape[0]):
        for column in range(0, points, lanes):
            size = min(lanes, points - column)
            if in_place and size == lanes:
                rows, first, y = rows_of(ensemble[outer]), column, load(analysis, outer, column)
            else:
                _gather(ensemble[outer], analysis[outer], column, gathered)
                rows, first, y = rows_of(gathered[:members]), 0, load(gathered, members, 0)
            _score(rows, first, y, thresholds, network, tile, results, tally, ranked)
            _write(results, tally, least, floats[:, outer], counts[:, outer], column, size)


@compiled
def _aligned(rows: int, lanes: int, like: NDArray[Any]) -> NDArray[Any]:
    """Work space whose rows are registers that do not straddle two lines of the cache."""
    memory = np.empty((rows + 1) * lanes, dtype=like.dtype)
    skipped = (-memory.ctypes.data % LANE_BYTES) // like.itemsize
    return memory[skipped : skipped + rows * lanes].reshape(rows, lanes)


@compiled
def _gather(ensemble: NDArray[Any], analysis: NDArray[Any], first: int, gathered: NDArray[Any]) -> None:
    """Copy a few points, members first and the analysis after them."""
    members = ensemble.shape[0]
    for point in range(min(gathered.shape[1], analysis.shape[0] - first)):
        for member in range(members):
            gathered[member, point] = ensemble[member, first + point]
        gathered[members, point] = analysis[first + point]


@compiled
def _write(
    results: NDArray[Any],
    tally: NDArray[Any],
    least: int,
    floats: NDArray[Any],
    counts: NDArray[Any],
    column: int,
    size: int,
) -> None:
    """Hand over all results of a few points; the floats are missing where there are too few members."""
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
def _score(
    rows: Any,
    column: int,
    y: Any,
    thresholds: NDArray[Any],
    network: NDArray[np.int64],
    tile: NDArray[Any],
    results: NDArray[Any],
    tally: NDArray[Any],
    ranked: bool,
) -> None:
    """All statistics of as many points as a register holds."""
    members = rows.shape[0]
    smallest, whole = _count(rows, column, y, thresholds, tile, tally)
    distance = y - smallest
    valid = filled(y, members) if whole else _present(rows, column, y)
    count = widened(valid)
    share, several = 1.0 / count, 1.0 / (count - 1.0)
    if whole:
        total, absolute = _centre(tile, members, smallest, distance)
        mean = total * share
        squares = _squares(tile, members, rounded(mean, y))
    else:
        total, absolute = _centre_present(rows, column, smallest, distance, tile)
        mean = total * share
        squares = _squares_present(rows, column, smallest, mean)
    store(tally, 0, 0, valid)
    pairs = where(valid == 1, filled(mean, 0.0), filled(mean, np.nan))
    if ranked:
        _sort(tile, members, network)
        pairs = _pairs(tile, members, y) if whole else _pairs_present(tile, members, valid)
    _finish(widened(smallest), mean, squares, absolute, pairs, y, share, several, results)
    _events(y, thresholds, share, several, tally, results)


@compiled
def _count(
    rows: Any, column: int, y: Any, thresholds: NDArray[Any], tile: NDArray[Any], tally: NDArray[Any]
) -> tuple[Any, bool]:
    """Copy members, fill in counts but that of valid ones; the smallest, and whether none is missing (nor infinite)."""
    below = equal = filled(y, 0.0)
    smallest, added = filled(y, np.inf), filled(y, 0.0)
    for member in range(rows.shape[0]):
        x = load(rows, member, column)
        prefetch(rows, member, column + AHEAD * tile.shape[1])
        store(tile, member, 0, x)
        below = below + (x < y)
        equal = equal + (x == y)
        smallest = where(x < smallest, x, smallest)
        added = added + x
    store(tally, 1, 0, below)
    store(tally, 2, 0, equal)
    for index in range(thresholds.shape[0]):
        threshold, exceeding = filled(y, thresholds[index]), filled(y, 0.0)
        for member in range(rows.shape[0]):
            exceeding = exceeding + (load(tile, member, 0) > threshold)
        store(tally, 3 + index, 0, exceeding)
    return smallest, everywhere(added == added)


@compiled
def _centre(tile: NDArray[Any], members: int, smallest: Any, distance: Any) -> tuple[Any, Any]:
    """Write differences from the smallest member; the sum of them, and of absolute errors."""
    total = absolute = widened(filled(smallest, 0.0))
    for start in range(0, members, BLOCK):
        few = few_absolute = filled(smallest, 0.0)
        for member in range(start, min(start + BLOCK, members)):
            x = load(tile, member, 0) - smallest
            store(tile, member, 0, x)
            few = few + x
            few_absolute = few_absolute + abs(x - distance)
        total = total + widened(few)
        absolute = absolute + widened(few_absolute)
    return total, absolute


@compiled
def _squares(tile: NDArray[Any], members: int, mean: Any) -> Any:
    squares = widened(filled(mean, 0.0))
    for start in range(0, members, BLOCK):
        few = filled(mean, 0.0)
        for member in range(start, min(start + BLOCK, members)):
            deviation = load(tile, member, 0) - mean
            few = few + deviation * deviation
        squares = squares + widened(few)
    return squares


@compiled
def _present(rows: Any, column: int, like: Any) -> Any:
    valid = filled(like, 0.0)
    for member in range(rows.shape[0]):
        x = load(rows, member, column)
        valid = valid + (x == x)
    return valid


@compiled
def _centre_present(rows: Any, column: int, smallest: Any, distance: Any, tile: NDArray[Any]) -> tuple[Any, Any]:
    """`_centre` over the members that are there; the others are infinite, so that they sort last."""
    total = absolute = nothing = widened(filled(smallest, 0.0))
    for member in range(rows.shape[0]):
        x = load(rows, member, column)
        difference = x - smallest
        store(tile, member, 0, where(x == x, difference, filled(smallest, np.inf)))
        total = total + where(x == x, widened(difference), nothing)
        absolute = absolute + where(x == x, abs(widened(difference) - widened(distance)), nothing)
    return total, absolute


@compiled
def _squares_present(rows: Any, column: int, smallest: Any, mean: Any) -> Any:
    squares = nothing = filled(mean, 0.0)
    for member in range(rows.shape[0]):
        x = load(rows, member, column)
        deviation = widened(x - smallest) - mean
        squares = squares + where(x == x, deviation * deviation, nothing)
    return squares


@compiled
def _sort(tile: NDArray[Any], members: int, network: NDArray[np.int64]) -> None:
    for row in range(members, tile.shape[0]):
        for lane in range(tile.shape[1]):
            tile[row, lane] = np.inf
    for first in range(0, members, BLOCK):
        sort_block(tile, first)
    for pair in range(network.shape[0]):
        merge_blocks(tile, network[pair, 0] * BLOCK, network[pair, 1] * BLOCK)


@compiled
def _pairs(tile: NDArray[Any], members: int, like: Any) -> Any:
    """The sum over i < j of |x_i - x_j|, which is the sum of (2 i - M - 1) x_(i) over sorted members."""
    pairs = widened(filled(like, 0.0))
    for start in range(0, members, BLOCK):
        few, weight = filled(like, 0.0), filled(like, 2 * start + 1 - members)
        for member in range(start, min(start + BLOCK, members)):
            few = few + weight * load(tile, member, 0)
            weight = weight + 2.0
        pairs = pairs + widened(few)
    return pairs


@compiled
def _pairs_present(tile: NDArray[Any], members: int, valid: Any) -> Any:
    """`_pairs` where the members that are there come first."""
    count = widened(valid)
    pairs = nothing = filled(count, 0.0)
    for member in range(members):
        weighted = (2.0 * member + 1.0 - count) * widened(load(tile, member, 0))
        pairs = pairs + where(count > member, weighted, nothing)
    return pairs


@compiled
def _finish(
    anchor: Any,
    mean: Any,
    squares: Any,
    absolute: Any,
    pairs: Any,
    y: Any,
    share: Any,
    several: Any,
    results: NDArray[Any],
) -> None:
    error = absolute * share
    store(results, 0, 0, rounded(anchor + mean, y))
    store(results, 1, 0, rounded(mean - (widened(y) - anchor), y))
    store(results, 2, 0, rounded(squares * several, y))
    store(results, 3, 0, rounded(error - pairs * share * share, y))
    store(results, 4, 0, rounded(error - pairs * share * several, y))


@compiled
def _events(
    y: Any, thresholds: NDArray[Any], share: Any, several: Any, tally: NDArray[Any], results: NDArray[Any]
) -> None:
    """Fill in the Brier scores, plain ones first."""
    for index in range(thresholds.shape[0]):
        probability = widened(load(tally, 3 + index, 0)) * share
        happened = widened(where(y > thresholds[index], filled(y, 1.0), where(y == y, filled(y, 0.0), y)))
        plain = (probability - happened) * (probability - happened)
        store(results, 5 + index, 0, rounded(plain, y))
        fair = plain - probability * (1.0 - probability) * several
        store(results, 5 + thresholds.shape[0] + index, 0, rounded(fair, y))
