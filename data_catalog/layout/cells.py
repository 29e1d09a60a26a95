"""The one way to find the edges and areas of a latitude-longitude grid's cells, and whether they cover the globe.

A cell reaches half-way to its neighbours, and the outermost cells are as wide outwards as inwards. Where the rows go on
to a pole, the last cell ends on it, as those of Gaussian grids must to cover the globe; a region is left as it is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LONE_CELL_DEGREES = 1.0
_LAST_ROW_STEPS = 0.8
"""A row nearer to the pole than this, in steps between rows, is the last one: Gaussian rows end 0.77 steps from it, and
regular ones half a step."""
_WIDEST_GAP_STEPS = 1.5
_FULL_CIRCLE = 360.0
_SAME_DEGREES = 1e-4, 1e-3
"""Coordinates nearer than the first are the same, as float32 ones differ by up to 2e-5 degrees; on grids coarse enough,
those nearer than the second, as GRIB 1 keeps thousandths of a degree."""
_SAME_STEPS = 0.01
_NEVER_SAME_STEPS = 0.25


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a grid.

    Attributes:
        latitude: Rows of points, degrees, strictly ascending or descending.
        longitude: Columns of points, degrees, strictly ascending.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]

    @property
    def latitude_bounds(self) -> NDArray[np.float64]:
        """First and second edge of each row, degrees: (row, 2)."""
        return _bounds(latitude_edges(self.latitude))

    @property
    def longitude_bounds(self) -> NDArray[np.float64]:
        """Western and eastern edge of each column, degrees: (column, 2)."""
        return _bounds(longitude_edges(self.longitude))

    @property
    def areas(self) -> NDArray[np.float64]:
        """Relative area of the cells of each row, mean 1: (row,)."""
        return row_areas(self.latitude)

    @property
    def is_periodic(self) -> bool:
        """Whether the columns go round the whole circle, so that the last one neighbours the first."""
        return is_periodic(self.longitude)

    @property
    def is_global(self) -> bool:
        """Whether the cells cover the globe: all round, and from pole to pole."""
        return self.is_periodic and _is_last_row(self.latitude, 0, 1) and _is_last_row(self.latitude, -1, -2)


def latitude_edges(latitude: NDArray[np.floating]) -> NDArray[np.float64]:
    """Edges of rows of cells, degrees, between -90 and 90.

    Args:
        latitude: Rows of points, degrees, strictly ascending or descending; a lone row is one degree wide.

    Returns:
        (row + 1,), in the order of the rows.
    """
    degrees = np.asarray(latitude, np.float64)
    edges = _half_way(degrees)
    for end, neighbour in ((0, 1), (-1, -2)):
        if _is_last_row(degrees, end, neighbour):
            edges[end] = np.copysign(90.0, degrees[end])
    clipped: NDArray[np.float64] = np.clip(edges, -90.0, 90.0)
    return clipped


def longitude_edges(longitude: NDArray[np.floating]) -> NDArray[np.float64]:
    """Edges of columns of cells, degrees; on a whole circle the last is the first, 360 degrees on.

    Args:
        longitude: Columns of points, degrees, strictly ascending; a lone column is one degree wide.

    Returns:
        (column + 1,), ascending.
    """
    degrees = np.asarray(longitude, np.float64)
    edges = _half_way(degrees)
    if is_periodic(degrees):
        edges[0] = (degrees[0] + degrees[-1] - _FULL_CIRCLE) / 2
        edges[-1] = edges[0] + _FULL_CIRCLE
    return edges


def row_areas(latitude: NDArray[np.floating]) -> NDArray[np.float64]:
    """Relative area of the cells of each row: sine of the northern less that of the southern edge, mean 1.

    Args:
        latitude: Rows of points, degrees, strictly ascending or descending.

    Returns:
        (row,), in the order of the rows.
    """
    areas = np.abs(np.diff(np.sin(np.deg2rad(latitude_edges(latitude)))))
    relative: NDArray[np.float64] = areas / areas.mean()
    return relative


def is_periodic(longitude: NDArray[np.floating]) -> bool:
    """Return whether columns go round the whole circle: no gap between neighbours is wider than the usual one.

    Args:
        longitude: Columns of points, degrees, in any order; at least three of a circle.
    """
    if len(longitude) < 3:
        return False
    wrapped = np.sort(np.mod(longitude, _FULL_CIRCLE))
    gaps = np.diff(wrapped, append=wrapped[0] + _FULL_CIRCLE)
    return bool(gaps.max() < _WIDEST_GAP_STEPS * np.median(gaps))


def same_place_tolerance(coordinate: NDArray[np.floating]) -> float:
    """Return how far a point may be from the coordinate of a grid and still be meant by it.

    Args:
        coordinate: Points along one axis, degrees or another unit, in any order.

    Returns:
        A hundredth of the smallest step between neighbours, but from 1e-4 to 1e-3, and at most a quarter of a step.
    """
    steps = np.abs(np.diff(np.asarray(coordinate, np.float64)))
    step = float(steps[steps > 0].min(initial=np.inf))
    return min(float(np.clip(_SAME_STEPS * step, *_SAME_DEGREES)), _NEVER_SAME_STEPS * step)


def _half_way(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(degrees) == 1:
        half = _LONE_CELL_DEGREES / 2
        return np.array([degrees[0] - half, degrees[0] + half])
    middle = (degrees[1:] + degrees[:-1]) / 2
    return np.concatenate([[2 * degrees[0] - middle[0]], middle, [2 * degrees[-1] - middle[-1]]])


def _is_last_row(degrees: NDArray[np.float64], end: int, neighbour: int) -> bool:
    """Whether no row fits between an outermost one and the pole."""
    if len(degrees) < 2:
        return False
    step = degrees[end] - degrees[neighbour]
    return bool(90.0 - np.copysign(1.0, step) * degrees[end] < _LAST_ROW_STEPS * abs(step))


def _bounds(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([edges[:-1], edges[1:]], axis=1)
