"""What scores without members take of each point, in one reading: no mask, no copy, and nothing written but results.

Memory that is written for the first time costs more than the arithmetic, so a step on whole fields is dear, whatever it
does. Results are allocated by NumPy, which asks the system for large pages: memory that compiled code allocates itself
takes several times as long to be written. `points_numpy` has the same functions for platforms without numba.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.verification.ensemble_pass.compilation import compiled

Floats = NDArray[np.float64]
Numbers = NDArray[Any]
TOGETHER = 256
"""Points of which all quantiles are read together, so that sums over them stay in the cache of the processor."""


def first_outside(values: Numbers, low: float, high: float) -> int:
    """Position of the first number that is not within bounds, in the array made flat; -1 where all are or are missing.

    Args:
        values: Numbers of any shape.
        low: Lower bound, which is within.
        high: Upper bound, which is within.
    """
    return int(_first_outside(_flat(values)[1][0], low, high))


def first_between(values: Numbers, low: float, high: float) -> int:
    """Position of the first number that is neither of two, in the array made flat; -1 where all are or are missing.

    Args:
        values: Numbers of any shape.
        low: One of the two.
        high: The other.
    """
    return int(_first_between(_flat(values)[1][0], low, high))


def squared_differences(one: Numbers, other: Numbers) -> Floats:
    """Squares of differences.

    Args:
        one: Numbers.
        other: Numbers whose shape fits those of `one`.
    """
    shape, (first, second) = _flat(one, other)
    squares = np.empty(shape)
    _squared_differences(first, second, squares.reshape(-1))
    return squares


def interval_parts(low: Numbers, high: Numbers, analysis: Numbers, *, scale: float) -> Floats:
    """Interval score, its width, penalties above and below, and whether the analysis lies within, ends included.

    Args:
        low: Lower ends.
        high: Upper ends, whose shape fits.
        analysis: Analysis, whose shape fits.
        scale: Factor of what misses the interval.

    Returns:
        The five parts first; all NaN where anything is missing.
    """
    shape, (bottom, top, seen) = _flat(low, high, analysis)
    parts = np.empty((5, *shape))
    _interval_parts(bottom, top, seen, float(scale), parts.reshape(5, -1))
    return parts


def turns(direction: Numbers, analysis: Numbers) -> Floats:
    """Differences of directions, degrees: from -180 on to less than 180, their sizes, and their squares.

    Args:
        direction: Directions, degrees.
        analysis: Directions from which they differ, whose shape fits.

    Returns:
        The three parts first.
    """
    shape, (turned, seen) = _flat(direction, analysis)
    parts = np.empty((3, *shape))
    _turns(turned, seen, parts.reshape(3, -1))
    return parts


def pinball(quantiles: Numbers, analysis: Numbers, levels: Floats) -> Floats:
    """Pinball losses (1{y < q} - level) (q - y).

    Args:
        quantiles: Quantiles q: the shape of `analysis`, then levels.
        analysis: Analysis y.
        levels: Level of each quantile.

    Returns:
        The shape of `quantiles`, levels first in memory.
    """
    losses = np.empty((len(levels), *analysis.shape))
    _pinball(_levels_first(quantiles), _flat(analysis)[1][0], levels, losses.reshape(len(levels), -1))
    return np.moveaxis(losses, 0, -1)


def quantile_integral(quantiles: Numbers, analysis: Numbers, levels: Floats, widths: Floats) -> Floats:
    """Twice the sum over levels of width x pinball loss.

    Args:
        quantiles: Quantiles: the shape of `analysis`, then levels.
        analysis: Analysis.
        levels: Level of each quantile.
        widths: Width of each level.
    """
    total = np.zeros(analysis.shape)
    _quantile_integral(_levels_first(quantiles), _flat(analysis)[1][0], levels, widths, total.reshape(-1))
    return total


def skills(score: Numbers, reference: Numbers, perfect: float) -> Numbers:
    """Skill (reference - score) / (reference - perfect), NaN where the reference is perfect.

    Args:
        score: Scores.
        reference: Scores of the reference, whose shape fits.
        perfect: Score of a perfect forecast.

    Returns:
        In float32 where both are, else in float64.
    """
    shape, flat = _flat(score, reference)
    dtype = np.result_type(*flat)
    ours, theirs = (field.astype(dtype, copy=False) for field in flat)
    found = np.empty(shape, dtype)
    _skills(ours, theirs, dtype.type(perfect), found.reshape(-1))
    return found


def _flat(*fields: Numbers) -> tuple[tuple[int, ...], list[Numbers]]:
    """Common shape of fields, and each of them in it, flat, as floats that machine code reads."""
    shape = np.broadcast_shapes(*(field.shape for field in fields))
    return shape, [np.ascontiguousarray(np.broadcast_to(as_floats(field), shape)).reshape(-1) for field in fields]


def as_floats(field: Numbers) -> Numbers:
    """Numbers in float32 or float64 in the byte order of this machine, others than these in float64.

    Args:
        field: Numbers of any type.
    """
    known = field.dtype in (np.dtype(np.float32), np.dtype(np.float64))
    return field if known else field.astype(np.float64)


def _levels_first(quantiles: Numbers) -> Numbers:
    """Quantiles as a matrix (level, point), which is a view where memory allows it."""
    first = np.moveaxis(as_floats(quantiles), -1, 0)
    return first.reshape(first.shape[0], -1)


@compiled
def _first_outside(values: Numbers, low: float, high: float) -> int:
    for start in range(0, values.size, TOGETHER):
        block = values[start : start + TOGETHER]
        wrong = 0  # counted without a branch, by the vector units
        for point in range(block.size):
            wrong += (block[point] < low) | (block[point] > high)
        if wrong > 0:
            for point in range(block.size):
                if block[point] < low or block[point] > high:
                    return start + point
    return -1


@compiled
def _first_between(values: Numbers, low: float, high: float) -> int:
    for start in range(0, values.size, TOGETHER):
        block = values[start : start + TOGETHER]
        wrong = 0
        for point in range(block.size):
            value = block[point]
            wrong += (value != low) & (value != high) & (value == value)
        if wrong > 0:
            for point in range(block.size):
                if block[point] != low and block[point] != high and block[point] == block[point]:
                    return start + point
    return -1


@compiled
def _squared_differences(one: Numbers, other: Numbers, squares: Floats) -> None:
    for point in range(one.size):
        apart = np.float64(one[point]) - np.float64(other[point])
        squares[point] = apart * apart


@compiled
def _interval_parts(low: Numbers, high: Numbers, analysis: Numbers, scale: float, parts: Floats) -> None:
    for point in range(low.size):
        bottom, top, seen = np.float64(low[point]), np.float64(high[point]), np.float64(analysis[point])
        over, under = seen - top, bottom - seen
        nothing = np.nan if bottom != bottom or top != top or seen != seen else 0.0
        width = top - bottom + nothing
        above = scale * (0.0 if over < 0.0 else over) + nothing
        below = scale * (0.0 if under < 0.0 else under) + nothing
        parts[0, point] = width + above + below
        parts[1, point] = width
        parts[2, point] = above
        parts[3, point] = below
        parts[4, point] = (1.0 if bottom <= seen <= top else 0.0) + nothing


@compiled
def _turns(direction: Numbers, analysis: Numbers, parts: Floats) -> None:
    for point in range(direction.size):
        apart = np.float64(direction[point]) - np.float64(analysis[point]) + 180.0
        apart -= 360.0 * np.floor(apart / 360.0)
        apart = (apart + 360.0 if apart < 0.0 else apart) - 180.0
        parts[0, point] = apart
        parts[1, point] = abs(apart)
        parts[2, point] = apart * apart


@compiled
def _pinball(quantiles: Numbers, analysis: Numbers, levels: Floats, losses: Floats) -> None:
    for level in range(levels.size):
        for point in range(analysis.size):
            error = np.float64(quantiles[level, point]) - np.float64(analysis[point])
            losses[level, point] = ((1.0 if error > 0.0 else 0.0) - levels[level]) * error


@compiled
def _quantile_integral(quantiles: Numbers, analysis: Numbers, levels: Floats, widths: Floats, total: Floats) -> None:
    for start in range(0, analysis.size, TOGETHER):
        end = min(start + TOGETHER, analysis.size)
        for level in range(levels.size):
            over, under = 2.0 * widths[level] * (1.0 - levels[level]), -2.0 * widths[level] * levels[level]
            for point in range(start, end):
                error = np.float64(quantiles[level, point]) - np.float64(analysis[point])
                total[point] += (over if error > 0.0 else under) * error


@compiled
def _skills(score: Numbers, reference: Numbers, perfect: Any, found: Numbers) -> None:
    for point in range(score.size):
        room = reference[point] - perfect
        found[point] = (reference[point] - score[point]) / room if room != 0 else np.nan
