"""Weighted sums over rows of points, in one reading: moments of two fields, and classes of probabilities.

Sums are taken over blocks of points first, and then of blocks, so that long rows lose no digits. `row_sums_numpy` has
the same functions for platforms without numba.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.verification.ensemble_pass.compilation import compiled
from forecast.verification.ensemble_pass.points import as_floats

Floats = NDArray[np.float64]
Numbers = NDArray[Any]
BLOCK = 512
"""Points that are summed before they are added to the others; they stay in the cache of the processor."""
MOMENTS = ("weight", "forecast_mean", "analysis_mean", "forecast_square", "analysis_square", "product")
SUMS = ("issued", "happened", "probability", "points")


def row_moments(forecast: Numbers, analysis: Numbers, weight: Numbers, *, skip_missing: bool) -> Floats:
    """Weight, means, and weighted sums of squares and products of anomalies of two fields, of each row.

    Args:
        forecast: (row, point).
        analysis: (row, point).
        weight: Weights, 0 or more (row, point); a point of weight 0 does not count, whatever it holds.
        skip_missing: Leave out points that lack one of the two; otherwise they make their row NaN.

    Returns:
        (row, `MOMENTS`); means are 0 where nothing has weight.
    """
    return _row_moments(as_floats(forecast), as_floats(analysis), as_floats(weight), bool(skip_missing))


def class_sums(
    probability: Numbers, happened: Numbers, weight: Numbers, *, edges: Floats, skip_missing: bool
) -> Floats:
    """Sums over classes of probability: of weight, weight x event, weight x probability, and of points.

    Args:
        probability: Probabilities (row, point).
        happened: Whether the event happened, 0 or 1 (row, point).
        weight: Weights, 0 or more (row, point); a point of weight 0 does not count, whatever it holds.
        edges: Increasing edges between classes; a probability on an edge, but for rounding, belongs to the class above.
        skip_missing: Leave out points that lack one of the two; otherwise they make their row NaN.

    Returns:
        (row, class, `SUMS`).
    """
    chance, seen, by = (as_floats(field) for field in (probability, happened, weight))
    return _class_sums(chance, seen, by, edges - 1e-9, bool(skip_missing))


@compiled
def _row_moments(forecast: Numbers, analysis: Numbers, weight: Numbers, skip_missing: bool) -> Floats:
    moments = np.zeros((forecast.shape[0], 6))
    for row in range(forecast.shape[0]):
        for start in range(0, forecast.shape[1], BLOCK):
            here = slice(start, min(start + BLOCK, forecast.shape[1]))
            if not _add_block(forecast[row, here], analysis[row, here], weight[row, here], skip_missing, moments[row]):
                moments[row] = np.nan
                break
    return moments


@compiled
def _add_block(forecast: Numbers, analysis: Numbers, weight: Numbers, skip_missing: bool, total: Floats) -> bool:
    """Add the moments of a block to those of the points before; False where a point that counts is missing."""
    sums, near, far = 0.0, total[1], total[2]
    first, second = 0.0, 0.0
    for point in range(forecast.size):
        one, other, by = np.float64(forecast[point]), np.float64(analysis[point]), np.float64(weight[point])
        missing = one != one or other != other
        if by == 0.0 or (missing and skip_missing):
            continue
        if missing:
            return False
        if total[0] == 0.0 and sums == 0.0:  # differences from a value lose no digits at a large offset
            near, far = one, other
        sums += by
        first += by * (one - near)
        second += by * (other - far)
    if sums > 0.0:
        near, far = near + first / sums, far + second / sums
        squares = _block_squares(forecast, analysis, weight, near, far)
        _join(total, sums, near, far, squares)
    return True


@compiled
def _block_squares(
    forecast: Numbers, analysis: Numbers, weight: Numbers, near: float, far: float
) -> tuple[float, float, float]:
    """Weighted sums of squares and products of anomalies of a block."""
    square, other_square, product = 0.0, 0.0, 0.0
    for point in range(forecast.size):
        one, other, by = np.float64(forecast[point]) - near, np.float64(analysis[point]) - far, weight[point]
        if by != 0.0 and one == one and other == other:
            square += by * one * one
            other_square += by * other * other
            product += by * one * other
    return square, other_square, product


@compiled
def _join(total: Floats, weight: float, near: float, far: float, squares: tuple[float, float, float]) -> None:
    """Add the moments of a block, whose means differ, to those of others (Chan et al. 1983, 10.2307/2683386)."""
    whole = total[0] + weight
    one, other, share = near - total[1], far - total[2], total[0] * weight / whole
    total[3] += squares[0] + one * one * share
    total[4] += squares[1] + other * other * share
    total[5] += squares[2] + one * other * share
    if total[0] == 0.0:
        total[1], total[2] = near, far
    else:
        total[1] += one * weight / whole
        total[2] += other * weight / whole
    total[0] = whole


@compiled
def _class_sums(probability: Numbers, happened: Numbers, weight: Numbers, edges: Floats, skip_missing: bool) -> Floats:
    classes = edges.size + 1
    sums = np.zeros((probability.shape[0], classes, 4))
    for row in range(probability.shape[0]):
        for point in range(probability.shape[1]):
            chance, seen = np.float64(probability[row, point]), np.float64(happened[row, point])
            by = np.float64(weight[row, point])
            missing = chance != chance or seen != seen
            if by == 0.0 or (missing and skip_missing):
                continue
            if missing:
                sums[row] = np.nan
                break
            place = min(int(chance * classes), edges.size)
            while place > 0 and edges[place - 1] > chance:
                place -= 1
            while place < edges.size and edges[place] <= chance:
                place += 1
            sums[row, place, 0] += by
            sums[row, place, 1] += by * seen
            sums[row, place, 2] += by * chance
            sums[row, place, 3] += 1.0
    return sums
