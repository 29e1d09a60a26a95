"""Weights that bring fields from a curvilinear grid, whose points have a latitude and a longitude each, to any points.

All geometry is that of the sphere: points are unit vectors, and a cell is seen in the plane that touches the sphere at
the wanted point, where great circles are straight lines. So neither poles nor the turn of longitudes are special.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from data_catalog.errors import InvalidDataError

_NEAREST_TRIED = 4
"""Source points around which the cell of a wanted point is looked for."""
_NEWTON_STEPS = 12
_EDGE = 1e-6
"""Share of a cell by which a point may be outside of it and count as on its edge."""
_SEAM_STEPS = 1.5
"""The last column neighbours the first if they are nearer than this, in usual steps."""


@dataclass(frozen=True, eq=False)
class CurvilinearGrid:
    """Points in rows and columns.

    Attributes:
        latitude: Degrees, (row, column).
        longitude: Degrees, (row, column), in any turn of the circle.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]

    @cached_property
    def vectors(self) -> NDArray[np.float64]:
        """Unit vectors, (row, column, 3)."""
        return unit_vectors(self.latitude, self.longitude)

    @cached_property
    def is_closed(self) -> bool:
        """Whether the last column neighbours the first, as on a grid of the globe."""
        if self.latitude.shape[1] < 3:
            return False
        seam = np.linalg.norm(self.vectors[:, 0] - self.vectors[:, -1], axis=-1)
        steps = np.linalg.norm(np.diff(self.vectors, axis=1), axis=-1)
        return bool(np.median(seam) < _SEAM_STEPS * np.median(steps))

    def bilinear_weights(
        self, latitude: NDArray[np.float64], longitude: NDArray[np.float64], *, what: str
    ) -> sparse.csr_array:
        """Return the weights of the corners of the cell that each wanted point lies in.

        Args:
            latitude: Degrees, (point,).
            longitude: Degrees, (point,).
            what: File or dataset, to begin an error with.

        Returns:
            (wanted point, source point), source points row by row; those of a wanted point add up to 1.

        Raises:
            InvalidDataError: A point lies in no cell.
        """
        wanted = unit_vectors(latitude, longitude)
        corners, shares = self._cells_of(wanted)
        self._check_reached(corners[:, 0] >= 0, latitude, longitude, what)
        rows = np.repeat(np.arange(len(wanted)), 4)
        shape = len(wanted), self.latitude.size
        return sparse.csr_array((shares.ravel(), (rows, corners.ravel())), shape=shape)

    def nearest_weights(
        self, latitude: NDArray[np.float64], longitude: NDArray[np.float64], *, what: str
    ) -> sparse.csr_array:
        """Return weight 1 for the source point that is nearest to each wanted one.

        A wanted point must lie in a cell, or no farther outside than half of a cell's diagonal.

        Args:
            latitude: Degrees, (point,).
            longitude: Degrees, (point,).
            what: File or dataset, to begin an error with.

        Returns:
            (wanted point, source point), source points row by row.

        Raises:
            InvalidDataError: A point is outside of the grid.
        """
        wanted = unit_vectors(latitude, longitude)
        distance, nearest = self._tree.query(wanted)
        is_near = distance <= self._reach.ravel()[nearest] * (1 + _EDGE)
        if not is_near.all():
            is_near[~is_near] = self._cells_of(wanted[~is_near])[0][:, 0] >= 0
        self._check_reached(is_near, latitude, longitude, what)
        shape = len(wanted), self.latitude.size
        return sparse.csr_array((np.ones(len(wanted)), (np.arange(len(wanted)), nearest)), shape=shape)

    def _check_reached(
        self, reached: NDArray[np.bool_], latitude: NDArray[np.float64], longitude: NDArray[np.float64], what: str
    ) -> None:
        if not reached.all():
            first = int((~reached).argmax())
            raise InvalidDataError(
                f"{what}: expected a source that covers the grid, found latitude {latitude[first]:g}, longitude "
                f"{longitude[first]:g} outside of it ({int((~reached).sum())} points); nothing is extrapolated: choose "
                "a smaller grid"
            )

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.vectors.reshape(-1, 3))

    @cached_property
    def _reach(self) -> NDArray[np.float64]:
        """Half of the longest diagonal of the cells around each point, (row, column)."""
        reach = np.zeros(self.latitude.shape)
        if min(self.latitude.shape) < 2:
            return reach
        v = self.vectors
        falling = np.linalg.norm(v[1:, 1:] - v[:-1, :-1], axis=-1) / 2
        rising = np.linalg.norm(v[1:, :-1] - v[:-1, 1:], axis=-1) / 2
        longest = np.maximum(falling, rising)
        for rows in (slice(1, None), slice(None, -1)):
            for columns in (slice(1, None), slice(None, -1)):
                reach[rows, columns] = np.maximum(reach[rows, columns], longest)
        return reach

    def _cells_of(self, wanted: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Source points at the corners of the cell of each wanted point, -1 where there is none, and their shares."""
        corners, shares = np.full((len(wanted), 4), -1), np.zeros((len(wanted), 4))
        tried = min(_NEAREST_TRIED, self.latitude.size)
        nearest = self._tree.query(wanted, k=np.arange(1, tried + 1))[1]
        left = np.arange(len(wanted))
        for rank in range(tried):
            for up, back in ((0, 0), (0, 1), (1, 0), (1, 1)):
                found, of_cell = self._corners(nearest[left, rank], up, back)
                inside, weights = self._shares(wanted[left], of_cell)
                inside &= found
                corners[left[inside]], shares[left[inside]] = of_cell[inside], weights[inside]
                left = left[~inside]
        return corners, shares

    def _corners(self, points: NDArray[np.intp], up: int, back: int) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        """Corners of the cell that begins `up` rows and `back` columns before some points, and whether there is one."""
        rows, columns = self.latitude.shape
        row, column = points // columns - up, points % columns - back
        found = (row >= 0) & (row < rows - 1)
        if not self.is_closed:
            found &= (column >= 0) & (column < columns - 1)
        row = np.clip(row, 0, max(0, rows - 2))
        column, following = column % columns, (column + 1) % columns
        below, above = row * columns, np.minimum(row + 1, rows - 1) * columns
        return found, np.stack([below + column, below + following, above + column, above + following], axis=1)

    def _shares(
        self, wanted: NDArray[np.float64], corners: NDArray[np.intp]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Whether each wanted point lies in its cell, and the bilinear weights of the cell's corners."""
        vectors = self.vectors.reshape(-1, 3)[corners]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            is_near, plane = _touching_plane(wanted, vectors)
            s, t = _inverse_bilinear(plane)
            inside = is_near & (np.abs(s - 0.5) <= 0.5 + _EDGE) & (np.abs(t - 0.5) <= 0.5 + _EDGE)
        s, t = np.clip(np.where(inside, s, 0.0), 0.0, 1.0), np.clip(np.where(inside, t, 0.0), 0.0, 1.0)
        return inside, np.stack([(1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t], axis=1)


def unit_vectors(latitude: NDArray[np.floating], longitude: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the points of the unit sphere at some places.

    Args:
        latitude: Degrees, of any shape.
        longitude: Degrees, of the same shape.

    Returns:
        (..., 3).
    """
    phi, lam = np.deg2rad(np.asarray(latitude, np.float64)), np.deg2rad(np.asarray(longitude, np.float64))
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def _touching_plane(
    wanted: NDArray[np.float64], vectors: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Corners of cells in the plane that touches the sphere at the wanted points, which are its origins: (n, 4, 2)."""
    helper = np.where(np.abs(wanted[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    first = np.cross(helper, wanted)
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    second = np.cross(wanted, first)
    height = np.einsum("ncd,nd->nc", vectors, wanted)
    plane = np.stack([np.einsum("ncd,nd->nc", vectors, axis) / height for axis in (first, second)], axis=-1)
    return (height > 0).all(axis=1), plane


def _inverse_bilinear(corners: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates of the origin in cells with corners (n, 4, 2), 0 to 1 inside; NaN where Newton's method fails."""
    start, along, across = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    twist = corners[:, 3] - corners[:, 1] - across
    s = t = np.full(len(corners), 0.5)
    for _ in range(_NEWTON_STEPS):
        s_, t_ = s[:, np.newaxis], t[:, np.newaxis]
        off = start + s_ * along + t_ * across + s_ * t_ * twist
        by_s, by_t = along + t_ * twist, across + s_ * twist
        determinant = by_s[:, 0] * by_t[:, 1] - by_s[:, 1] * by_t[:, 0]
        s = s - (off[:, 0] * by_t[:, 1] - off[:, 1] * by_t[:, 0]) / determinant
        t = t - (by_s[:, 0] * off[:, 1] - by_s[:, 1] * off[:, 0]) / determinant
    return s, t
