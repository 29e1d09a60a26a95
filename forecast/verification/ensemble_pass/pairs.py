"""Sums over pairs: of members, as the energy score takes them, and of points, as the variogram score does.

Compiled loops treat many fields, or many points of a large one, side by side, so that each step fills the vector units.
"""

import numpy as np
from numpy.typing import NDArray

from forecast.verification.ensemble_pass.compilation import compiled

LANES = 64
"""Fields, or points of a large one, that are treated side by side."""
MANY_POINTS = 256
"""Points from which the points of one field are treated side by side, and not those of many fields."""

PRODUCT_POINTS = 2048
"""Points of which products are taken at once, so that they stay in the cache of the processor."""
CANCELLED = 1e-6
"""Squared distance, relative to the members' own squares, below which products would leave too few digits of it."""

Floats = NDArray[np.float64]
Fields = NDArray[np.float32] | NDArray[np.float64]


def member_distances(members: Fields, analysis: Fields) -> tuple[Floats, Floats]:
    """Euclidean distances of each member to the analysis, and of all members to each other.

    Args:
        members: (field, member, point).
        analysis: (field, point).

    Returns:
        Of each field: the mean of the distances to the analysis, and the sum of the distances of all pairs of members,
        each pair once. NaN where a value is missing.
    """
    if members.shape[2] < MANY_POINTS:
        return _distances_of_fields(members, analysis)
    work = np.empty((members.shape[1] + 1, min(PRODUCT_POINTS, members.shape[2])))
    found = [_distances_of_field(field, observed, work) for field, observed in zip(members, analysis, strict=True)]
    error, pairs = np.asarray(found, dtype=np.float64).reshape(-1, 2).T
    return error, pairs


def _distances_of_field(field: Fields, observed: Fields, work: Floats) -> tuple[float, float]:
    """Distances within one field (member, point), from the products of its members, which a matrix product gives.

    Members are taken as differences from the first, so that a large offset costs no digits; those so near each other
    that their products cancel are subtracted.
    """
    products = np.zeros((len(field) + 1, len(field) + 1))
    for start in range(0, field.shape[1], PRODUCT_POINTS):
        here = slice(start, start + PRODUCT_POINTS)
        apart = work[:, : len(observed[here])]
        np.subtract(field[:, here], field[0, here], out=apart[:-1], dtype=np.float64)
        np.subtract(observed[here], field[0, here], out=apart[-1], dtype=np.float64)
        products += apart @ apart.T
    size = np.diag(products)[:, None] + np.diag(products)
    squared = size - 2 * products
    for one, two in np.argwhere(np.triu(squared < CANCELLED * size, 1)):
        values = [np.asarray(field[index] if index < len(field) else observed, np.float64) for index in (one, two)]
        squared[one, two] = squared[two, one] = np.square(values[0] - values[1]).sum()
    distances = np.sqrt(np.maximum(squared, 0.0))
    return float(distances[-1, :-1].mean()), float(np.triu(distances[:-1, :-1], 1).sum())


@compiled
def _distances_of_fields(members: Fields, analysis: Fields) -> tuple[Floats, Floats]:
    fields, count, points = members.shape
    error, pairs = np.zeros(fields), np.zeros(fields)
    gathered, observed = np.zeros((count, points, LANES)), np.zeros((points, LANES))
    squared, near, far = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    for first in range(0, fields, LANES):
        size = min(LANES, fields - first)
        for lane in range(size):
            for point in range(points):
                observed[point, lane] = analysis[first + lane, point]
                for member in range(count):
                    gathered[member, point, lane] = members[first + lane, member, point]
        near[:] = 0.0
        far[:] = 0.0
        for one in range(count):
            squared[:] = 0.0
            for point in range(points):
                for lane in range(LANES):
                    apart = gathered[one, point, lane] - observed[point, lane]
                    squared[lane] += apart * apart
            for lane in range(LANES):
                near[lane] += np.sqrt(squared[lane])
            for other in range(one):
                squared[:] = 0.0
                for point in range(points):
                    for lane in range(LANES):
                        apart = gathered[one, point, lane] - gathered[other, point, lane]
                        squared[lane] += apart * apart
                for lane in range(LANES):
                    far[lane] += np.sqrt(squared[lane])
        error[first : first + size] = near[:size] / count
        pairs[first : first + size] = far[:size]
    return error, pairs


@compiled
def variogram_errors(members: Fields, analysis: Fields, order: float) -> Floats:
    """Squared differences between the variogram of the analysis and the mean one of the members.

    Args:
        members: (field, member, point).
        analysis: (field, point).
        order: Exponent of the differences between two points, positive.

    Returns:
        Of each field, the sum over all ordered pairs of points. NaN where a value is missing.
    """
    fields, count, points = members.shape
    result = np.zeros(fields)
    expected, values = np.empty(points), np.empty((count, points))
    for field in range(fields):
        values[:] = members[field]
        observed = analysis[field].astype(np.float64)
        total = 0.0
        for one in range(points):
            expected[:one] = 0.0
            for member in range(count):
                value = values[member, one]
                if order == 0.5:
                    for other in range(one):
                        expected[other] += np.sqrt(abs(value - values[member, other]))
                elif order == 1.0:
                    for other in range(one):
                        expected[other] += abs(value - values[member, other])
                else:
                    for other in range(one):
                        expected[other] += abs(value - values[member, other]) ** order
            for other in range(one):
                found = abs(observed[one] - observed[other]) ** order
                total += (found - expected[other] / count) ** 2
        result[field] = 2.0 * total
    return result
