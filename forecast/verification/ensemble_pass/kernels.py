"""One compiled pass over an ensemble: everything that counts, sums or sorts members, from one read of them.

As many neighbouring points as a register has lanes (`vector_type`) are worked on together, one member after the other,
so that sums stay in registers, while the next points are fetched. Members are copied once, as differences from the
smallest of them: sums of differences lose nothing at a large offset, and as none is negative, they sort as integers
(`sorting`). Eight rows at a time are added in the precision of the data, and their sums in float64.

Points that lack members take a path of their own, with a mask on each value.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from forecast.verification.ensemble_pass.compilation import compiled
from forecast.verification.ensemble_pass.memory import aligned_rows, gather, write_results
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

AHEAD = 8
"""Registers of points between the one that is worked on and the one that is fetched."""


@lru_cache
def ensemble_pass(precision: np.dtype[Any], integers: np.dtype[Any]) -> Callable[..., None]:
    """Compile the pass for one precision and all memory layouts.

    Args:
        precision: Dtype of the ensemble, the analysis, the thresholds and the floats; float32 or float64.
        integers: Dtype of the counts; int16 or int32.

    Returns:
        `_ensemble_pass`, compiled; its docstring describes the arguments.
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
    )
    return compiled(_ensemble_pass, types.void(*arguments))


def block_network(members: int) -> NDArray[np.int64]:
    """Return the pairs of blocks of eight members to merge, in order, to sort all members.

    Args:
        members: Ensemble size.

    Returns:
        (count, 2): numbers of two blocks.
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
) -> None:
    """Fill in the statistics of every point.

    Args:
        ensemble: Members (outer, members, inner), any strides.
        analysis: Verifying values (outer, inner), the dtype of `ensemble`.
        thresholds: Thresholds of the events (count,), the dtype of `ensemble`.
        network: Pairs of blocks to merge, from `block_network`.
        floats: To be filled (statistic, outer, inner): the first 0, 2, 3 or 5 of mean, error of the mean, variance
            (divided by M - 1), plain CRPS, fair CRPS; then the Brier and the fair Brier score of each threshold.
        counts: To be filled (3 + thresholds, outer, inner): valid members, members below the analysis, members equal to
            it, members above each threshold.
        least: Number of valid members below which the floats of a point are missing.
    """
    members, points = ensemble.shape[1], ensemble.shape[2]
    lanes = LANE_BYTES // ensemble.itemsize
    tile = aligned_rows((members + BLOCK - 1) // BLOCK * BLOCK, lanes, thresholds)
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
                gather(ensemble[outer], analysis[outer], column, gathered)
                rows, first, y = rows_of(gathered[:members]), 0, load(gathered, members, 0)
            _score(rows, first, y, thresholds, network, tile, results, tally)
            write_results(results, tally, least, floats[:, outer], counts[:, outer], column, size)


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
) -> None:
    """Compute the statistics of as many points as a register holds."""
    smallest, whole = _count(rows, column, y, thresholds, tile, tally)
    valid = filled(y, rows.shape[0]) if whole else _present(rows, column, y)
    store(tally, 0, 0, valid)
    count = widened(valid)
    share, several = 1.0 / count, 1.0 / (count - 1.0)
    sums = results.shape[0] - 2 * thresholds.shape[0]
    if sums > 0:
        _sum(rows, column, y, smallest, whole, network, tile, results, sums, valid, share, several)
    _events(y, thresholds, share, several, sums, tally, results)


@compiled
def _sum(
    rows: Any,
    column: int,
    y: Any,
    smallest: Any,
    whole: bool,
    network: NDArray[np.int64],
    tile: NDArray[Any],
    results: NDArray[Any],
    sums: int,
    valid: Any,
    share: Any,
    several: Any,
) -> None:
    """Fill in the mean and its error, and as many of the variance and the CRPS as are wanted."""
    members, distance, anchor = rows.shape[0], y - smallest, widened(smallest)
    if whole:
        total, absolute = _centre(tile, members, smallest, distance)
    else:
        total, absolute = _centre_present(rows, column, smallest, distance, tile)
    mean, error = total * share, absolute * share
    store(results, 0, 0, rounded(anchor + mean, y))
    store(results, 1, 0, rounded(mean - (widened(y) - anchor), y))
    if sums > 2:
        rough = rounded(mean, y)
        squares = _squares(tile, members, rough) if whole else _squares_present(rows, column, smallest, mean)
        store(results, 2, 0, rounded(squares * several, y))
    if sums > 3:
        _sort(tile, members, network)
        pairs = _pairs(tile, members, y) if whole else _pairs_present(tile, members, valid)
        store(results, 3, 0, rounded(error - pairs * share * share, y))
        store(results, 4, 0, rounded(error - pairs * share * several, y))


@compiled
def _count(
    rows: Any, column: int, y: Any, thresholds: NDArray[Any], tile: NDArray[Any], tally: NDArray[Any]
) -> tuple[Any, bool]:
    """Copy members and count them; return the smallest, and whether none is missing nor infinite."""
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
    """Replace members by their differences from the smallest; return the sums of these and of the absolute errors."""
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
    """Do what `_centre` does with the members that are there; make the others infinite, so that they sort last."""
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
    """Return the sum over i < j of |x_i - x_j|, which is the sum of (2 i - M - 1) x_(i) over sorted members."""
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
    """Do what `_pairs` does with the members that are there, which come first."""
    count = widened(valid)
    pairs = nothing = filled(count, 0.0)
    for member in range(members):
        weighted = (2.0 * member + 1.0 - count) * widened(load(tile, member, 0))
        pairs = pairs + where(count > member, weighted, nothing)
    return pairs


@compiled
def _events(
    y: Any, thresholds: NDArray[Any], share: Any, several: Any, sums: int, tally: NDArray[Any], results: NDArray[Any]
) -> None:
    """Fill in the Brier scores, all plain ones first."""
    for index in range(thresholds.shape[0]):
        probability = widened(load(tally, 3 + index, 0)) * share
        happened = widened(where(y > thresholds[index], filled(y, 1.0), where(y == y, filled(y, 0.0), y)))
        plain = (probability - happened) * (probability - happened)
        store(results, sums + index, 0, rounded(plain, y))
        fair = plain - probability * (1.0 - probability) * several
        store(results, sums + thresholds.shape[0] + index, 0, rounded(fair, y))
