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

from forecast.verification.ensemble_pass.addresses import place_of
from forecast.verification.ensemble_pass.compilation import compiled
from forecast.verification.ensemble_pass.memory import aligned_rows, copy_some, gather, write_results
from forecast.verification.ensemble_pass.sorting import BLOCK, merge_blocks, sort_block, sorting_network
from forecast.verification.ensemble_pass.vector_type import (
    LANE_BYTES,
    filled,
    load,
    rounded,
    rows_of,
    store,
    where,
    widened,
)
from forecast.verification.ensemble_pass.whole import Output, Task, score_whole, sorter


@lru_cache
def ensemble_pass(precision: np.dtype[Any], integers: np.dtype[Any]) -> Callable[..., bool]:
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
        types.intp,
        types.Array(real, 3, "A"),
        types.Array(integer, 3, "A"),
        types.int64,
    )
    return compiled(_ensemble_pass, types.boolean(*arguments))


def sorting(members: int, precision: np.dtype[Any]) -> tuple[NDArray[np.int64], int]:
    """Return how the pass is to sort an ensemble.

    Args:
        members: Ensemble size.
        precision: Dtype of the members.

    Returns:
        Pairs of blocks of eight members to merge, in order: numbers of two blocks (count, 2); and the address of the
        function that sorts instead, or 0.
    """
    return sorting_network(-(-members // BLOCK)), sorter(members, precision)


def _ensemble_pass(
    ensemble: NDArray[Any],
    analysis: NDArray[Any],
    thresholds: NDArray[Any],
    network: NDArray[np.int64],
    sort: int,
    floats: NDArray[Any],
    counts: NDArray[Any],
    least: int,
) -> bool:
    """Fill in the statistics of every point.

    Args:
        ensemble: Members (outer, members, inner), any strides.
        analysis: Verifying values (outer, inner), the dtype of `ensemble`.
        thresholds: Thresholds of the events (count,), the dtype of `ensemble`.
        network: Pairs of blocks to merge, from `sorting`.
        sort: Address of the function that sorts members, from `sorting`; 0 takes the network.
        floats: To be filled (statistic, outer, inner): the first 0, 2, 3 or 5 of mean, error of the mean, variance
            (divided by M - 1), plain CRPS, fair CRPS; then the Brier and the fair Brier score of each threshold.
        counts: To be filled (3 + thresholds, outer, inner): valid members, members below the analysis, members equal to
            it, members above each threshold.
        least: Number of valid members below which the floats of a point are missing.

    Returns:
        Whether all members of all points are there and finite.
    """
    members, events, lanes = ensemble.shape[1], thresholds.shape[0], LANE_BYTES // ensemble.itemsize
    tile = aligned_rows((members + BLOCK - 1) // BLOCK * BLOCK, lanes, ensemble)
    seen = aligned_rows(events + 1, lanes, ensemble)
    gathered = np.zeros((members + 1, lanes), dtype=ensemble.dtype)
    results = np.empty((floats.shape[0], lanes), dtype=ensemble.dtype)
    tally = np.empty((counts.shape[0], lanes), dtype=ensemble.dtype)
    task = Task(
        members, floats.shape[0] - 2 * events, events, thresholds.ctypes.data, place_of(tile, 0, 0),
        place_of(seen, 0, 0), sort, network.ctypes.data, network.shape[0],
    )  # fmt: skip
    finite = True
    for outer in range(ensemble.shape[0]):
        finite &= _row(
            ensemble[outer], analysis[outer : outer + 1], thresholds, network, task, (gathered, tile, results, tally),
            floats[:, outer], counts[:, outer], least,
        )  # fmt: skip
    return finite


@compiled
def _row(
    field: NDArray[Any],
    analysis: NDArray[Any],
    thresholds: NDArray[Any],
    network: NDArray[np.int64],
    task: Task,
    work: tuple[NDArray[Any], ...],
    floats: NDArray[Any],
    counts: NDArray[Any],
    least: int,
) -> bool:
    """Fill in the statistics of the points of one row; return whether all numbers are finite."""
    gathered, tile, results, tally = work
    members, points, lanes = field.shape[0], field.shape[1], tile.shape[1]
    short = np.empty((counts.shape[0], lanes), dtype=counts.dtype)
    in_place, finite, unit = field.strides[1] == field.itemsize, True, counts.dtype.type(0)
    aside = Output(place_of(results, 0, 0), LANE_BYTES, place_of(short, 0, 0), short.strides[0])
    for column in range(0, points, lanes):
        size = min(lanes, points - column)
        direct = in_place and size == lanes
        if direct:
            y, place, stride = load(analysis, 0, column), place_of(field, 0, column), field.strides[0]
        else:
            gather(field, analysis[0], column, gathered)
            y, place, stride = load(gathered, members, 0), place_of(gathered, 0, 0), LANE_BYTES
        output = aside
        if size == lanes:
            at = place_of(floats, 0, column), place_of(counts, 0, column)
            output = Output(at[0], floats.strides[0], at[1], counts.strides[0])
        if score_whole(place, stride, y, task, output, unit):
            if size < lanes:
                copy_some(results, short, floats, counts, column, size)
            continue
        finite = False
        rows, first = (rows_of(field), column) if direct else (rows_of(gathered[:members]), 0)
        _score(rows, first, y, thresholds, network, tile, results, tally)
        write_results(results, tally, least, floats, counts, column, size)
    return finite


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
    """Compute the statistics of as many points as a register holds, of which some lack members."""
    smallest = _count(rows, column, y, thresholds, tile, tally)
    valid = _present(rows, column, y)
    store(tally, 0, 0, valid)
    count = widened(valid)
    share, several = 1.0 / count, 1.0 / (count - 1.0)
    sums = results.shape[0] - 2 * thresholds.shape[0]
    if sums > 0:
        _sum(rows, column, y, smallest, network, tile, results, sums, valid, share, several)
    _events(y, thresholds, share, several, sums, tally, results)


@compiled
def _sum(
    rows: Any,
    column: int,
    y: Any,
    smallest: Any,
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
    total, absolute = _centre_present(rows, column, smallest, distance, tile)
    mean, error = total * share, absolute * share
    store(results, 0, 0, rounded(anchor + mean, y))
    store(results, 1, 0, rounded(mean - (widened(y) - anchor), y))
    if sums > 2:
        squares = _squares_present(rows, column, smallest, mean)
        store(results, 2, 0, rounded(squares * several, y))
    if sums > 3:
        _sort(tile, members, network)
        pairs = _pairs_present(tile, members, valid)
        store(results, 3, 0, rounded(error - pairs * share * share, y))
        store(results, 4, 0, rounded(error - pairs * share * several, y))


@compiled
def _count(rows: Any, column: int, y: Any, thresholds: NDArray[Any], tile: NDArray[Any], tally: NDArray[Any]) -> Any:
    """Copy members and count them; return the smallest."""
    below = equal = filled(y, 0.0)
    smallest = filled(y, np.inf)
    for member in range(rows.shape[0]):
        x = load(rows, member, column)
        store(tile, member, 0, x)
        below = below + (x < y)
        equal = equal + (x == y)
        smallest = where(x < smallest, x, smallest)
    store(tally, 1, 0, below)
    store(tally, 2, 0, equal)
    for index in range(thresholds.shape[0]):
        threshold, exceeding = filled(y, thresholds[index]), filled(y, 0.0)
        for member in range(rows.shape[0]):
            exceeding = exceeding + (load(tile, member, 0) > threshold)
        store(tally, 3 + index, 0, exceeding)
    return smallest


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
