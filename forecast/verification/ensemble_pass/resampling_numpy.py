"""The moments of resampled series without numba, slower: same name, same results."""

import numpy as np
from numpy.typing import NDArray

VALUES_AT_A_TIME = 131_072
"""Values of resampled series that are made together, so that they stay in the cache of the processor."""

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
    moments = np.empty((4, len(chosen), residual.shape[1]))
    width = max(VALUES_AT_A_TIME // chosen.shape[1], 1)
    for index, values in enumerate(np.ascontiguousarray(residual.T)):
        for first in range(0, len(chosen), width):
            made = values.take(chosen[first : first + width].T)
            made[0] *= start[index]
            for cycle in range(1, len(made)):
                made[cycle] += persistence[index] * made[cycle - 1]
            moments[0, first : first + width, index] = made.mean(axis=0)
            moments[1:, first : first + width, index] = moments_along(made)
    return moments


def moments_along(series: Floats) -> Floats:
    """Sums of products of anomalies at lags 0, 1 and 2 along the first axis, for series whose mean is near 0.

    Args:
        series: Values along the first axis, at least 3.

    Returns:
        The three sums first, then the other axes of `series`.
    """
    count, mean = len(series), series.mean(axis=0)
    sums = []
    for lag in range(3):
        products = np.einsum("t...,t...->...", series[lag:], series[: count - lag])
        ends = 2 * count * mean - series[:lag].sum(axis=0) - series[count - lag :].sum(axis=0)
        sums.append(products - mean * ends + (count - lag) * mean**2)
    return np.stack(sums)
