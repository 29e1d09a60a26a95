"""The patches of a map as tokens on the sphere, and their arrangement in attention windows."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from forecast.networks.patches import Patching
from forecast.sphere.grid import Grid

_TOLERANCE = 1e-6
_Kind = TypeVar("_Kind", bound=np.generic)


@dataclass(frozen=True)
class Tokens:
    """The patches of a map as points on the sphere.

    Attributes:
        latitude: Mean latitude of the map's own points in each row of patches, degrees north.
        longitude: Mean longitude of each column of patches, degrees east.
        area: (row, column); area of the map's own cells in each patch, in units of the map's mean cell. It is 0 for
            patches that lie in the extension only.
        periodic: Whether the east and the west edge meet.
        poles: Whether the rows reach both poles, across which the map continues.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    area: NDArray[np.float64]
    periodic: bool
    poles: bool

    @classmethod
    def of(cls, grid: Grid, patching: Patching) -> "Tokens":
        """Return the tokens of a grid.

        Args:
            grid: The grid of the map.
            patching: How the map is cut into patches.
        """
        extension, patch, topology = patching.extension, patching.patch, patching.topology
        cell_area = grid.area_weights()[:, 0].double().numpy()
        latitude, row_area = _merge(grid.latitude, cell_area, (extension.south, extension.north), patch)
        longitude, column_area = _merge(grid.longitude, np.ones(grid.longitude.size), (0, extension.east), patch)
        area = row_area[:, None] * column_area
        return cls(latitude, longitude, area, topology.periodic, topology.pole != "none")

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.latitude.size, self.longitude.size

    def features(self) -> Float[Tensor, "token feature"]:
        """Return sine and cosine of the latitude, and the logarithm of the area, of each token."""
        latitude = np.deg2rad(self.latitude)[:, None] + 0 * self.longitude
        columns = [np.sin(latitude), np.cos(latitude), self.log_area()]
        return torch.from_numpy(np.stack(columns, axis=-1).reshape(-1, 3)).float()

    def log_area(self) -> NDArray[np.float64]:
        """Return the logarithm of the area, (row, column); 0 for tokens without area."""
        return np.log(np.where(self.area > 0, self.area, 1.0))


@dataclass(frozen=True)
class WindowTokens:
    """Tokens sorted into windows of one size. Windows at the edges may reach beyond the map.

    Across a pole, a window continues with the tokens of the opposite meridian. They keep the longitude of the window,
    and their latitude continues beyond 90 degrees, so that distances along the meridian are right.

    Attributes:
        source: Index of the token at each place of each window.
        crossed: Whether that token is seen from across a pole, where east and north point the other way.
        latitude: Degrees north; continues beyond 90 across a pole.
        longitude: Degrees east; continues beyond the date line.
        area: Area of the token in units of the map's mean cell; 0 beyond the edges of an open map.
        place: For each token of the map, its own place, counted through all windows; its other places are copies
            across an edge.
    """

    source: Int[Tensor, "window place"]
    crossed: Bool[Tensor, "window place"]
    latitude: Float[Tensor, "window place"]
    longitude: Float[Tensor, "window place"]
    area: Float[Tensor, "window place"]
    place: Int[Tensor, " token"]

    @classmethod
    def of(cls, tokens: Tokens, window: tuple[int, int], *, shifted: bool) -> "WindowTokens":
        """Sort tokens into windows.

        Args:
            tokens: The tokens of a map.
            window: Rows and columns of a window.
            shifted: Whether the windows start about half a window further south and west, across the pole and the
                date line on a globe.

        Raises:
            ValueError: On a globe, the windows do not divide the columns, or the number of columns is odd.
        """
        rows = _rows(tokens, window[0], shifted=shifted)
        columns = _columns(tokens, window[1], shifted=shifted)
        count = tokens.longitude.size
        if rows.turned.any() and count % 2:
            raise ValueError(f"patch: expected an even number of patches round the globe, found {count}")
        column = (columns.index + rows.turned[:, None] * (count // 2)) % count
        source = rows.index[:, None] * count + column
        own = rows.own[:, None] & columns.own
        area = tokens.area[rows.index[:, None], column] * rows.known[:, None] * columns.known
        latitude, longitude = np.broadcast_arrays(rows.degrees[:, None], columns.degrees)
        crossed = np.broadcast_to(rows.turned[:, None], source.shape)
        places = np.flatnonzero(_windows(own, window))
        place = np.empty(tokens.area.size, dtype=np.int64)
        place[_windows(source, window).flat[places]] = places
        floats = [torch.from_numpy(_windows(values, window)).float() for values in (latitude, longitude, area)]
        return cls(
            source=torch.from_numpy(_windows(source, window)),
            crossed=torch.from_numpy(_windows(crossed, window)),
            latitude=floats[0],
            longitude=floats[1],
            area=floats[2],
            place=torch.from_numpy(place),
        )


@dataclass(frozen=True)
class _Line:
    """Rows or columns in the order in which windows take them.

    Attributes:
        index: Row or column of the map.
        degrees: Latitude or longitude as seen from the window.
        own: Whether this is the row or column itself, not its copy across an edge.
        known: Whether there is such a row or column; False beyond an open edge.
        turned: Whether it is seen from across a pole.
    """

    index: NDArray[np.int64]
    degrees: NDArray[np.float64]
    own: NDArray[np.bool_]
    known: NDArray[np.bool_]
    turned: NDArray[np.bool_]


def _rows(tokens: Tokens, window: int, *, shifted: bool) -> _Line:
    """All rows, and the rows across the edges that complete the windows."""
    count = tokens.latitude.size
    before, after = _padding_rows(count, window, shifted=shifted)
    south, north = _rows_beyond(tokens, -1.0, before), _rows_beyond(tokens, 1.0, after)
    own = np.arange(count)
    index = np.concatenate([south.index[::-1], own, north.index])
    degrees = np.concatenate([south.degrees[::-1], tokens.latitude, north.degrees])
    known = np.concatenate([south.known[::-1], np.ones(count, bool), north.known])
    is_own = np.concatenate([south.own, np.ones(count, bool), north.own])
    return _Line(index, degrees, is_own, known, ~is_own & known)


def _padding_rows(count: int, window: int, *, shifted: bool) -> tuple[int, int]:
    """Number of rows before and after the map that complete the windows; shifted windows have some at both ends."""
    spare = -count % window
    if not shifted or not 1 < window < count:
        return 0, spare
    if spare < 2:
        spare += window
    return spare // 2, spare - spare // 2


def _rows_beyond(tokens: Tokens, side: float, count: int) -> _Line:
    """Rows beyond the southern (-1) or northern (+1) edge, nearest first: copies from across the pole, or unknown."""
    held = np.flatnonzero(tokens.area[:, 0] > 0)
    order = held[np.argsort(-side * tokens.latitude[held])]
    outermost = side * tokens.latitude[order[0]]
    across = 180.0 - side * tokens.latitude[order]
    visible = (across > outermost + _TOLERANCE) & tokens.poles
    order, across = order[visible][:count], across[visible][:count]
    missing = count - order.size
    spacing = float(np.abs(np.diff(tokens.latitude[held])).mean()) if held.size > 1 else 1.0
    further = outermost + spacing * np.arange(1, missing + 1)
    index = np.concatenate([order, np.full(missing, held[0])])
    known = np.arange(count) < order.size
    return _Line(index, side * np.concatenate([across, further]), np.zeros(count, bool), known, known)


def _columns(tokens: Tokens, window: int, *, shifted: bool) -> _Line:
    """All columns in order from the western edge of the first window; columns outside a region are unknown."""
    count = tokens.longitude.size
    if tokens.periodic and count % window:
        raise ValueError(f"window: expected a window that divides {count} patches round the globe, found {window}")
    before, after = _padding_rows(count, window, shifted=shifted)
    if tokens.periodic:
        before, after = (window // 2, -(window // 2)) if shifted else (0, 0)
    total = before + count + after
    position = np.arange(-before, total - before)
    degrees = tokens.longitude[position % count] + 360.0 * (position // count)
    known = (position >= 0) & (position < count)
    if tokens.periodic:
        known = np.ones(total, bool)
    never = np.zeros(total, bool)
    return _Line(position % count, degrees, known, known, never)


def _merge(
    degrees: NDArray[np.float64], area: NDArray[np.float64], beyond: tuple[int, int], patch: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean coordinate and total area of each run of `patch` points; points beyond the edges have no area."""
    spacing = float(np.diff(degrees).mean())
    before = degrees[0] - spacing * np.arange(beyond[0], 0, -1)
    after = degrees[-1] + spacing * np.arange(1, beyond[1] + 1)
    held = np.concatenate([np.zeros(beyond[0]), np.ones(degrees.size), np.zeros(beyond[1])]).reshape(-1, patch)
    groups = np.concatenate([before, degrees, after]).reshape(-1, patch)
    weights = np.where(held.any(axis=1, keepdims=True), held, 1.0)
    area = np.concatenate([np.zeros(beyond[0]), area, np.zeros(beyond[1])]).reshape(-1, patch)
    return (groups * weights).sum(axis=1) / weights.sum(axis=1), area.sum(axis=1)


def _windows(values: NDArray[_Kind], window: tuple[int, int]) -> NDArray[_Kind]:
    """Rearrange (row, column) to (window, place)."""
    rows, columns = values.shape[0] // window[0], values.shape[1] // window[1]
    parted = values.reshape(rows, window[0], columns, window[1]).swapaxes(1, 2)
    return np.ascontiguousarray(parted.reshape(rows * columns, -1))
