"""The sums over pairs without numba, slower: same names, same results."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK_VALUES = 2_097_152
"""Differences of all members between so many pairs of points at a time, to bound memory."""

Floats = NDArray[np.float64]


def member_distances(members: NDArray[Any], analysis: NDArray[Any]) -> tuple[Floats, Floats]:
    """Euclidean distances of each member to the analysis, and of all members to each other.

    Args:
        members: (field, member, point).
        analysis: (field, point).

    Returns:
        Of each field: the mean of the distances to the analysis, and the sum of the distances of all pairs of members,
        each pair once. NaN where a value is missing.
    """
    error, pairs = np.empty(len(members)), np.empty(len(members))
    for index, (field, observed) in enumerate(zip(members, analysis, strict=True)):
        values = field.astype(np.float64)
        error[index] = np.linalg.norm(values - observed, axis=1).mean()
        pairs[index] = sum(
            np.linalg.norm(values[later:] - values[:-later], axis=1).sum() for later in range(1, len(field))
        )
    return error, pairs


def variogram_errors(members: NDArray[Any], analysis: NDArray[Any], order: float) -> Floats:
    """Squared differences between the variogram of the analysis and the mean one of the members.

    Args:
        members: (field, member, point).
        analysis: (field, point).
        order: Exponent of the differences between two points, positive.

    Returns:
        Of each field, the sum over all ordered pairs of points. NaN where a value is missing.
    """
    points = members.shape[2]
    rows = max(BLOCK_VALUES // max(members.shape[1] * points, 1), 1)
    result = np.zeros(len(members))
    for index in range(len(members)):
        values, observed = members[index].astype(np.float64), analysis[index].astype(np.float64)
        for start in range(0, points, rows):
            here = slice(start, start + rows)
            expected = (np.abs(values[:, here, None] - values[:, None, :]) ** order).mean(axis=0)
            found = np.abs(observed[here, None] - observed[None, :]) ** order
            result[index] += ((found - expected) ** 2).sum()
    return result
