"""What the neighbours of a point say of it: a linear regression at each point on the eight points around it.

Weather is rougher where it is unusual or varies much, as in the core of a cyclone, so a departure is measured against
what is usual for the mean and the range of the neighbours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

_RIDGE = 0.002
_POINTS_AT_ONCE = 65536
_MOST_FITTED = 50000
_CLIPPED_AT = 12.0


@dataclass(frozen=True)
class Neighbours:
    """What the eight neighbours of each point say of it.

    Attributes:
        weights: (latitude, longitude, neighbour).
        spread: Usual size of a departure, (latitude, longitude).
        growth: Size of a departure over the usual one: constant, and for each unit of the neighbours' absolute mean and
            of their range.
        periodic: Whether the last column is next to the first.
    """

    weights: NDArray[np.float32]
    spread: NDArray[np.float32]
    growth: NDArray[np.float64]
    periodic: bool

    def departures(self, anomalies: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how far each point lies from what its neighbours say, over what is usual, (time, latitude, longitude).

        Args:
            anomalies: Standardised, (time, latitude, longitude).
        """
        weights = np.ascontiguousarray(np.moveaxis(self.weights, -1, 0))
        found = np.empty_like(anomalies)
        at_once = max(1, _POINTS_AT_ONCE // self.spread.size)  # what fits into a core's cache
        for start in range(0, len(anomalies), at_once):
            chosen = slice(start, start + at_once)
            around = _around(anomalies[chosen], self.periodic)
            left = _left(anomalies[chosen], around, weights) / self.spread
            mean, extent = _activity(around)
            growth = self.growth[0] + self.growth[1] * mean + self.growth[2] * extent
            found[chosen] = left / growth.astype(np.float32)
        return found


def fit_neighbours(anomalies: NDArray[np.float32], *, periodic: bool) -> Neighbours:
    """Learn the weights of neighbours.

    Args:
        anomalies: Standardised, (time, latitude, longitude), of which single faults do little harm.
        periodic: Whether the last column is next to the first.
    """
    most = 6 * np.sqrt(np.mean(anomalies**2, axis=0))
    clipped = np.clip(anomalies, -most, most)
    pieces = _around(clipped, periodic)
    weights = _fit_weights(clipped, np.stack(pieces, axis=-1))
    left = np.abs(_left(clipped, pieces, np.moveaxis(weights, -1, 0)))
    spread = np.maximum(left.mean(axis=0), 0.2 * left.mean())
    return Neighbours(weights, spread, _fit_growth(left / spread, *_activity(pieces)), periodic)


def _fit_weights(clipped: NDArray[np.float32], around: NDArray[np.float32]) -> NDArray[np.float32]:
    times, rows, columns = clipped.shape
    weights = np.empty((rows, columns, around.shape[-1]), np.float32)
    at_once = max(1, _POINTS_AT_ONCE // columns)
    for first in range(0, rows, at_once):
        chosen = slice(first, first + at_once)
        given = around[:, chosen].transpose(1, 2, 3, 0)
        gram = given @ given.transpose(0, 1, 3, 2) / times
        gram += _RIDGE * np.eye(gram.shape[-1], dtype=np.float32)
        product = (given @ clipped[:, chosen].transpose(1, 2, 0)[..., None]) / times
        weights[chosen] = np.linalg.solve(gram.astype(np.float64), product.astype(np.float64))[..., 0]
    return weights


def _left(
    anomalies: NDArray[np.float32], around: list[NDArray[np.float32]], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Departures from what weights (neighbour, latitude, longitude) say."""
    left = anomalies.copy()
    for moved, weight in zip(around, weights, strict=True):
        left -= moved * weight
    return left


def _activity(around: list[NDArray[np.float32]]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Absolute mean and range of the neighbours."""
    lowest, highest, total = around[0].copy(), around[0].copy(), around[0].copy()
    for one in around[1:]:
        np.minimum(lowest, one, out=lowest)
        np.maximum(highest, one, out=highest)
        total += one
    return np.abs(total) / len(around), highest - lowest


def _fit_growth(
    size: NDArray[np.floating], mean: NDArray[np.floating], extent: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Regress the squares of departures on what they grow with, from at most some 50000 of them."""
    every = max(1, size.size // _MOST_FITTED)
    grows = np.stack([np.ones_like(size), mean, extent], axis=-1).reshape(-1, 3)[::every].astype(np.float64)
    squares = np.minimum(size.ravel()[::every].astype(np.float64), _CLIPPED_AT) ** 2
    growth = np.sqrt(nnls(grows**2, squares)[0])
    return np.asarray(np.maximum(growth, [0.3, 0, 0]))


def _around(field: NDArray[np.float32], periodic: bool) -> list[NDArray[np.float32]]:
    """The field at the eight points around each point; at an edge, 0 stands for what lies beyond."""
    rows, columns = field.shape[1:]
    padded = np.pad(field, ((0, 0), (1, 1), (0, 0)))
    padded = np.pad(padded, ((0, 0), (0, 0), (1, 1)), mode="wrap" if periodic else "constant")
    return [
        padded[:, down : down + rows, right : right + columns]
        for down in range(3)
        for right in range(3)
        if (down, right) != (1, 1)
    ]
