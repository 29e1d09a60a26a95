"""Moments of resampled autoregressive series, which a bootstrap needs of thousands of them, without keeping any.

As many series as a vector has lanes are resampled together, with the same draws, cycle by cycle in registers.
"""

import numpy as np
from numpy.typing import NDArray

from forecast.verification.ensemble_pass.compilation import compiled
from forecast.verification.ensemble_pass.vector_type import LANE_BYTES, filled, load, rows_of, store

LANES = LANE_BYTES // 8
Floats = NDArray[np.float64]


def resampled_moments(residual: Floats, persistence: Floats, start: Floats, chosen: NDArray[np.int64]) -> Floats:
    """Means of resampled series, and their sums of products of anomalies at lags 0, 1 and 2.

    A resampled series is x_1 = start r_1 and x_t = r_t + persistence x_(t-1), of residuals r that are drawn.

    Args:
        residual: Residuals (position, series).
        persistence: Coefficient of each series.
        start: Factor of the first residual of each series.
        chosen: Positions of the residuals that are drawn (sample, cycle), the same for all series; 4 cycles or more.

    Returns:
        Mean and the three sums first, then (sample, series).
    """
    series = residual.shape[1]
    spare = -series % LANES
    padded = np.pad(residual, ((0, 0), (0, spare)))
    moments = np.empty((4, len(chosen), series + spare))
    _moments(padded, np.pad(persistence, (0, spare))[None], np.pad(start, (0, spare))[None], chosen, moments)
    return moments[:, :, :series]


@compiled
def _moments(residual: Floats, persistence: Floats, start: Floats, chosen: NDArray[np.int64], moments: Floats) -> None:
    samples, count = chosen.shape
    rows, means, squares, firsts, seconds = rows_of(residual), moments[0], moments[1], moments[2], moments[3]
    for column in range(0, residual.shape[1], LANES):
        memory, factor = load(persistence, 0, column), load(start, 0, column)
        for sample in range(samples):
            one = factor * load(rows, chosen[sample, 0], column)
            two = load(rows, chosen[sample, 1], column) + memory * one
            head, total, square, first, second = one, one + two, one * one + two * two, one * two, filled(one, 0.0)
            before, last = one, two
            for cycle in range(2, count):
                value = load(rows, chosen[sample, cycle], column) + memory * last
                total = total + value
                square = square + value * value
                first = first + value * last
                second = second + value * before
                before, last = last, value
            mean = total / count
            # Sums of products of anomalies, from those of the values: the mean is near 0.
            store(means, sample, column, mean)
            store(squares, sample, column, square - mean * total)
            ends = 2.0 * total - head - last
            store(firsts, sample, column, first - mean * ends + (count - 1) * (mean * mean))
            ends = ends - (load(rows, chosen[sample, 1], column) + memory * head) - before
            store(seconds, sample, column, second - mean * ends + (count - 2) * (mean * mean))
