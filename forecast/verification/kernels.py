"""One pass over an ensemble, compiled: everything that counts, sums or sorts members, from one read of them.

Points are taken in tiles of some hundred, members first, so that every inner loop runs along points and vectorises, and
a tile stays in the cache while it is counted, summed and sorted. Members are sorted by a network of compare-exchanges
(Batcher 1968; Knuth, The Art of Computer Programming 3, 5.2.2M) on the bit patterns of the floats as order-preserving
integers, because minima and maxima of integers vectorise and those of floats (which know NaN) do not.

Members are sorted and summed as differences from one of them, sums are in float64: nothing is lost at a large offset.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])
TILE_BYTES = 131_072
UNROLLED = 4


def compiled(function: Function) -> Function:
    """Compile at first use; keep the machine code on disk where a place can be found for it.

    Args:
        function: Within what numba understands.
    """
    try:
        return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # neither the package nor the user's cache directory can be written
        return cast(Function, numba.njit(nogil=True, error_model="numpy")(function))


@lru_cache(maxsize=64)
def sorting_network(size: int) -> NDArray[np.int32]:
    """Compare-exchanges that sort any `size` numbers.

    Args:
        size: How many numbers.

    Returns:
        Pairs of positions, smaller first, in order.
    """
    pairs: list[tuple[int, int]] = []
    top = 1 << max((size - 1).bit_length() - 1, 0)
    p = top if size > 1 else 0
    while p > 0:
        q, r, d = top, 0, p
        while True:
            pairs.extend((i, i + d) for i in range(size - d) if i & p == r)
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2
    return np.asarray(pairs, dtype=np.int32).reshape(-1, 2)


def tile_width(members: int, itemsize: int) -> int:
    """Points a tile: few enough that it stays in the second-level cache, enough to fill the vector units.

    Args:
        members: Ensemble size.
        itemsize: Bytes a value.
    """
    return int(np.clip(TILE_BYTES // (members * itemsize) // 16 * 16, 64, 512))


@compiled
def ensemble_pass(
    ensemble: NDArray[Any],
    analysis: NDArray[Any],
    thresholds: NDArray[Any],
    network: NDArray[np.int32],
    tile: NDArray[Any],
    keys: NDArray[Any],
    floats: NDArray[Any],
    counts: NDArray[Any],
    least: int,
) -> None:
    """Fill in every statistic of every point.

    Args:
        ensemble: (outer, members, inner), any strides.
        analysis: (outer, inner), the dtype of `ensemble`.
        thresholds: (count,), the dtype of `ensemble`.
        network: From `sorting_network`; empty leaves the CRPS undefined.
        tile: (members, tile width), work space of the dtype of `ensemble`.
        keys: The memory of `tile` as integers.
        floats: (5 + 2 thresholds, outer, inner): mean, error of the mean, variance (ddof 1), plain CRPS, fair CRPS;
            then Brier and fair Brier score of each threshold.
        counts: (3 + thresholds, outer, inner): valid members, members below and equal to the analysis, exceedances.
        least: Valid members below which the floats of a point are missing.
    """
    width = tile.shape[1]
    sums = np.empty((4, width), dtype=np.float64)
    reference = np.empty(width, dtype=tile.dtype)
    tally = np.empty((counts.shape[0], width), dtype=np.int32)
    for outer in range(ensemble.shape[0]):
        for start in range(0, ensemble.shape[2], width):
            stop = min(start + width, ensemble.shape[2])
            observed = analysis[outer, start:stop]
            _load(ensemble[outer, :, start:stop], tile)
            whole = _count(tile, observed, thresholds, tally)
            _centre(tile, tally[0, : stop - start], reference, whole)
            _moments(tile, reference, observed, tally[0, : stop - start], sums, whole)
            if network.shape[0] > 0:
                _sort(keys, network, stop - start)
                _spread(tile, tally[0, : stop - start], sums, whole)
            _finish(reference, observed, tally[0], sums, network.shape[0] > 0, floats[:5, outer, start:stop])
            _events(observed, thresholds, tally, floats[5:, outer, start:stop])
            for row in range(counts.shape[0]):
                for point in range(stop - start):
                    counts[row, outer, start + point] = tally[row, point]
            if not whole:
                _blank(tally[0], least, floats[:, outer, start:stop])


@compiled
def _load(source: NDArray[Any], tile: NDArray[Any]) -> None:
    for member in range(source.shape[0]):
        for point in range(source.shape[1]):
            tile[member, point] = source[member, point]


@compiled
def _count(tile: NDArray[Any], observed: NDArray[Any], thresholds: NDArray[Any], tally: NDArray[np.int32]) -> bool:
    points, members = observed.shape[0], tile.shape[0]
    tally[:, :] = 0
    valid, below, equal = tally[0], tally[1], tally[2]
    for member in range(0, members - UNROLLED + 1, UNROLLED):
        a, b, c, d = tile[member], tile[member + 1], tile[member + 2], tile[member + 3]
        for point in range(points):
            y = observed[point]
            below[point] += (
                np.int32(a[point] < y) + np.int32(b[point] < y) + np.int32(c[point] < y) + np.int32(d[point] < y)
            )
        for point in range(points):
            y = observed[point]
            equal[point] += (
                np.int32(a[point] == y) + np.int32(b[point] == y) + np.int32(c[point] == y) + np.int32(d[point] == y)
            )
        for point in range(points):
            valid[point] += (
                np.int32(a[point] == a[point])
                + np.int32(b[point] == b[point])
                + np.int32(c[point] == c[point])
                + np.int32(d[point] == d[point])
            )
        for index in range(thresholds.shape[0]):
            y, exceeding = thresholds[index], tally[3 + index]
            for point in range(points):
                exceeding[point] += (
                    np.int32(a[point] > y) + np.int32(b[point] > y) + np.int32(c[point] > y) + np.int32(d[point] > y)
                )
    for member in range(members - members % UNROLLED, members):
        row = tile[member]
        for point in range(points):
            valid[point] += row[point] == row[point]
            below[point] += row[point] < observed[point]
            equal[point] += row[point] == observed[point]
        for index in range(thresholds.shape[0]):
            for point in range(points):
                tally[3 + index, point] += row[point] > thresholds[index]
    whole = True
    for point in range(points):
        whole &= valid[point] == members
    return whole


@compiled
def _centre(tile: NDArray[Any], valid: NDArray[np.int32], reference: NDArray[Any], whole: bool) -> None:
    """Subtract one member; missing members become the largest key, so that they sort last."""
    points = valid.shape[0]
    for point in range(points):
        reference[point] = tile[0, point]
    if not whole:
        for point in range(points):
            member = 0
            while member < tile.shape[0] - 1 and tile[member, point] != tile[member, point]:
                member += 1
            reference[point] = tile[member, point]
    for member in range(tile.shape[0]):
        row = tile[member]
        for point in range(points):
            row[point] -= reference[point]
    if not whole:
        for member in range(tile.shape[0]):
            for point in range(points):
                if tile[member, point] != tile[member, point]:
                    tile[member, point] = np.nan


@compiled
def _moments(
    tile: NDArray[Any],
    reference: NDArray[Any],
    observed: NDArray[Any],
    valid: NDArray[np.int32],
    sums: NDArray[np.float64],
    whole: bool,
) -> None:
    """Fill `sums`: mean difference from the reference, squared deviations from that mean, absolute errors, zero."""
    points = valid.shape[0]
    sums[:, :] = 0.0
    mean, squares, absolute = sums[0], sums[1], sums[2]
    distance = np.empty(points, dtype=tile.dtype)
    for point in range(points):
        distance[point] = observed[point] - reference[point]
    if whole:
        _whole_moments(tile, distance, sums)
        return
    for member in range(tile.shape[0]):
        for point in range(points):
            value = np.float64(tile[member, point])
            if value == value:
                mean[point] += value
                absolute[point] += abs(value - np.float64(distance[point]))
    for point in range(points):
        mean[point] /= valid[point]
    for member in range(tile.shape[0]):
        for point in range(points):
            deviation = np.float64(tile[member, point]) - mean[point]
            if deviation == deviation:
                squares[point] += deviation * deviation


@compiled
def _whole_moments(tile: NDArray[Any], distance: NDArray[Any], sums: NDArray[np.float64]) -> None:
    """The same where no member is missing; four rows are added in the precision of the data, and then to the sums."""
    points, members = distance.shape[0], tile.shape[0]
    mean, squares, absolute = sums[0], sums[1], sums[2]
    for member in range(0, members - UNROLLED + 1, UNROLLED):
        a, b, c, d = tile[member], tile[member + 1], tile[member + 2], tile[member + 3]
        for point in range(points):
            mean[point] += np.float64((a[point] + b[point]) + (c[point] + d[point]))
        for point in range(points):
            y = distance[point]
            absolute[point] += np.float64(
                (abs(a[point] - y) + abs(b[point] - y)) + (abs(c[point] - y) + abs(d[point] - y))
            )
    for member in range(members - members % UNROLLED, members):
        row = tile[member]
        for point in range(points):
            mean[point] += row[point]
            absolute[point] += abs(row[point] - distance[point])
    centre = np.empty(points, dtype=tile.dtype)
    for point in range(points):
        mean[point] /= members
        centre[point] = mean[point]
    for member in range(0, members - UNROLLED + 1, UNROLLED):
        a, b, c, d = tile[member], tile[member + 1], tile[member + 2], tile[member + 3]
        for point in range(points):
            e, f = a[point] - centre[point], b[point] - centre[point]
            g, h = c[point] - centre[point], d[point] - centre[point]
            squares[point] += np.float64((e * e + f * f) + (g * g + h * h))
    for member in range(members - members % UNROLLED, members):
        row = tile[member]
        for point in range(points):
            e = row[point] - centre[point]
            squares[point] += np.float64(e * e)


@compiled
def _sort(keys: NDArray[Any], network: NDArray[np.int32], points: int) -> None:
    """Sort the members of each point."""
    _flip(keys, points)
    for pair in range(network.shape[0]):
        low, high = keys[network[pair, 0]], keys[network[pair, 1]]
        for point in range(points):
            one, two = low[point], high[point]
            low[point] = min(one, two)
            high[point] = max(one, two)
    _flip(keys, points)


@compiled
def _flip(keys: NDArray[Any], points: int) -> None:
    """Swap bit patterns of floats for integers of the same order, and back."""
    largest = np.iinfo(keys.dtype).max
    for member in range(keys.shape[0]):
        row = keys[member]
        for point in range(points):
            row[point] ^= largest if row[point] < 0 else 0


@compiled
def _spread(tile: NDArray[Any], valid: NDArray[np.int32], sums: NDArray[np.float64], whole: bool) -> None:
    """Fill in sum over i < j of |x_i - x_j|, which is the sum of (2 i - M - 1) x_(i) over sorted members."""
    points = valid.shape[0]
    pairs = sums[3]
    members = tile.shape[0]
    if whole:
        for member in range(0, members - UNROLLED + 1, UNROLLED):
            a, b, c, d = tile[member], tile[member + 1], tile[member + 2], tile[member + 3]
            weight = tile.dtype.type(2 * member + 1 - members)
            two, four, six = tile.dtype.type(2), tile.dtype.type(4), tile.dtype.type(6)
            for point in range(points):
                pairs[point] += np.float64(
                    (weight * a[point] + (weight + two) * b[point])
                    + ((weight + four) * c[point] + (weight + six) * d[point])
                )
        for member in range(members - members % UNROLLED, members):
            row = tile[member]
            for point in range(points):
                pairs[point] += np.float64(2 * member + 1 - members) * row[point]
        return
    for member in range(members):
        row = tile[member]
        for point in range(points):
            if member < valid[point]:
                pairs[point] += (2.0 * member + 1.0 - valid[point]) * row[point]


@compiled
def _finish(
    reference: NDArray[Any],
    observed: NDArray[Any],
    valid: NDArray[np.int32],
    sums: NDArray[np.float64],
    ranked: bool,
    floats: NDArray[Any],
) -> None:
    for point in range(observed.shape[0]):
        members = np.float64(valid[point])
        anchor = np.float64(reference[point])
        floats[0, point] = anchor + sums[0, point]
        floats[1, point] = sums[0, point] - (np.float64(observed[point]) - anchor)
        floats[2, point] = sums[1, point] / (members - 1.0) if members > 1.0 else np.nan
        if ranked or members == 1.0:
            error = sums[2, point] / members
            floats[3, point] = error - sums[3, point] / (members * members)
            floats[4, point] = error - sums[3, point] / (members * (members - 1.0)) if members > 1.0 else np.nan
        else:
            floats[3, point] = np.nan
            floats[4, point] = np.nan


@compiled
def _events(observed: NDArray[Any], thresholds: NDArray[Any], tally: NDArray[np.int32], briers: NDArray[Any]) -> None:
    """Fill in the Brier scores, plain ones first."""
    count = thresholds.shape[0]
    for index in range(count):
        for point in range(observed.shape[0]):
            members = np.float64(tally[0, point])
            probability = tally[3 + index, point] / members
            happened = np.float64(observed[point] > thresholds[index])
            plain = (probability - happened) ** 2 if observed[point] == observed[point] else np.nan
            briers[index, point] = plain
            unfair = probability * (1.0 - probability)
            briers[count + index, point] = plain - unfair / (members - 1.0) if members > 1.0 else np.nan


@compiled
def _blank(valid: NDArray[np.int32], least: int, floats: NDArray[Any]) -> None:
    for row in range(floats.shape[0]):
        for point in range(floats.shape[1]):
            if valid[point] < least:
                floats[row, point] = np.nan
