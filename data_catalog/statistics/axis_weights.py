"""Weights that bring fields from one grid of rows and columns to another, as sparse matrices.

The axes of such grids are independent of each other, so a weight is that of a row times that of a column. Only around
a pole, beyond the last row, a bilinear weight draws on the whole of that row.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_catalog.errors import InvalidDataError
from data_catalog.layout.cells import Cells, latitude_edges, longitude_edges, same_place_tolerance

Method = Literal["conservative", "bilinear", "nearest"]
_FULL_CIRCLE = 360.0
_POLE = 90.0
_COVERED = 0.999
"""Share of a cell that the source must cover; what is left is the rounding of coordinates."""
_TIE_DEGREES = 1e-6


def rectilinear_weights(
    source: Cells, target: Cells, method: Method, *, polar_sign: int = 1, what: str = "regridding"
) -> sparse.csr_array:
    """Return the weight of each point of a source in each point of a target.

    `conservative` takes the share of each source cell in the area of a target cell, `bilinear` interpolates along rows
    and columns, and `nearest` takes the nearest row and column, of two equally near ones the southern and western.
    Nothing is extrapolated. Only between the last row of a globe and the pole, `bilinear` takes as the value of the
    pole the mean of that row, or for components of vectors its first zonal wavenumber, which is what one vector at the
    pole looks like along all meridians.

    Args:
        source: Cells of the source, latitudes and longitudes ascending.
        target: Cells of the target, likewise; longitudes in any turn of the circle.
        method: How weights are found.
        polar_sign: -1 for components of vectors, else 1.
        what: File or dataset, to begin an error with.

    Returns:
        (target points, source points), float64, points row by row; the weights of a target point add up to 1, except
        of a vector around a pole.

    Raises:
        InvalidDataError: The source does not reach to a point of the target, or does not cover its cell.
    """
    if method == "bilinear":
        return _bilinear(source, target, polar_sign, what)
    if method == "nearest":
        rows = _nearest_rows(source.latitude, target.latitude, what)
        return sparse.kron(rows, _nearest_columns(source, target.longitude, what), format="csr")
    rows = _row_shares(source.latitude, target.latitude, what)
    return sparse.kron(rows, _column_shares(source, target.longitude, what), format="csr")


def refuse_outside(axis: str, value: float, low: float, high: float, what: str) -> None:
    """Raise the error for a target that the source does not reach to.

    Args:
        axis: `latitude` or `longitude`.
        value: Degrees of the point of the target.
        low: Where the source begins, degrees.
        high: Where it ends, degrees.
        what: File or dataset, to begin the error with.

    Raises:
        InvalidDataError: Always.
    """
    raise InvalidDataError(
        f"{what}: expected a source that covers the grid, found {axis} {value:g} beyond {low:g} to {high:g}; nothing "
        "is extrapolated: choose a smaller grid"
    )


def _row_shares(source: NDArray[np.float64], target: NDArray[np.float64], what: str) -> sparse.csr_array:
    """Share of each source row in the area of each target row: areas go with the sine of latitude."""
    edges, wanted = (np.sin(np.deg2rad(latitude_edges(points))) for points in (source, target))
    shared = _overlaps(edges, wanted[:-1], wanted[1:])
    ends = latitude_edges(source)[[0, -1]]
    return _as_shares(shared, np.diff(wanted), "latitude", target, ends, what)


def _column_shares(source: Cells, target: NDArray[np.float64], what: str) -> sparse.csr_array:
    """Share of each source column in the width of each target column."""
    edges, wanted = longitude_edges(source.longitude), longitude_edges(target)
    widths = np.diff(wanted)
    west = _in_turn_of(source, edges[0], wanted[:-1])
    turns = (0.0, _FULL_CIRCLE) if source.is_periodic else (0.0,)
    shared = np.sum([_overlaps(edges + turn, west, west + widths) for turn in turns], axis=0)
    return _as_shares(shared, widths, "longitude", target, edges[[0, -1]], what)


def _overlaps(edges: NDArray[np.float64], first: NDArray[np.float64], last: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length that intervals share with the intervals between edges, (interval, edge - 1)."""
    low = np.maximum(first[:, np.newaxis], edges[np.newaxis, :-1])
    high = np.minimum(last[:, np.newaxis], edges[np.newaxis, 1:])
    shared: NDArray[np.float64] = np.clip(high - low, 0.0, None)
    return shared


def _as_shares(
    shared: NDArray[np.float64],
    widths: NDArray[np.float64],
    axis: str,
    points: NDArray[np.float64],
    ends: NDArray[np.float64],
    what: str,
) -> sparse.csr_array:
    covered = shared.sum(axis=1) / widths
    if covered.min() < _COVERED:
        refuse_outside(f"the cell at {axis}", points[int(covered.argmin())], ends[0], ends[1], what)
    return sparse.csr_array(shared / shared.sum(axis=1, keepdims=True))


def _in_turn_of(source: Cells, west: float, longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitudes in the turn of the circle that begins at `west`; one a rounding west of a region stays there."""
    start = west if source.is_periodic else west - _slack(longitude)
    turned: NDArray[np.float64] = start + np.mod(longitude - start, _FULL_CIRCLE)
    return turned


def _nearest_rows(source: NDArray[np.float64], target: NDArray[np.float64], what: str) -> sparse.csr_array:
    low, high = latitude_edges(source)[[0, -1]]
    _check_inside(target, low, high, "latitude", what)
    return _chosen(_nearest(source, target), len(source))


def _nearest_columns(source: Cells, target: NDArray[np.float64], what: str) -> sparse.csr_array:
    edges = longitude_edges(source.longitude)
    wanted = _in_turn_of(source, edges[0], target)
    _check_inside(wanted, edges[0], edges[-1], "longitude", what)
    return _chosen(_nearest(_closed(source), wanted) % len(source.longitude), len(source.longitude))


def _nearest(points: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.intp]:
    right = np.clip(np.searchsorted(points, wanted), 1, max(1, len(points) - 1))
    left = right - 1
    if len(points) == 1:
        return left
    is_right = (wanted - points[left]) - (points[right] - wanted) > _TIE_DEGREES
    return np.where(is_right, right, left)


def _chosen(indices: NDArray[np.intp], count: int) -> sparse.csr_array:
    ones = np.ones(len(indices))
    return sparse.csr_array((ones, (np.arange(len(indices)), indices)), shape=(len(indices), count))


def _closed(source: Cells) -> NDArray[np.float64]:
    """Columns of the source; those of a whole circle with the first once more at the end."""
    if not source.is_periodic:
        return source.longitude
    return np.append(source.longitude, source.longitude[0] + _FULL_CIRCLE)


def _slack(points: NDArray[np.float64]) -> float:
    """Degrees by which rounding may take points beyond the ends of an axis."""
    return same_place_tolerance(points) if len(points) > 1 else _TIE_DEGREES


def _check_inside(wanted: NDArray[np.float64], low: float, high: float, axis: str, what: str) -> None:
    slack = _slack(wanted)
    outside = (wanted < low - slack) | (wanted > high + slack)
    if outside.any():
        refuse_outside(axis, wanted[int(outside.argmax())], low, high, what)


def _linear(points: NDArray[np.float64], wanted: NDArray[np.float64], axis: str, what: str) -> sparse.coo_array:
    """Weights of linear interpolation along an axis, (wanted, points)."""
    _check_inside(wanted, points[0], points[-1], axis, what)
    rows = np.arange(len(wanted))
    if len(points) == 1:
        return sparse.coo_array((np.ones(len(wanted)), (rows, np.zeros(len(wanted), np.intp))), (len(wanted), 1))
    right = np.clip(np.searchsorted(points, wanted, side="right"), 1, len(points) - 1)
    share = np.clip((wanted - points[right - 1]) / (points[right] - points[right - 1]), 0.0, 1.0)
    values = np.concatenate([1.0 - share, share])
    places = np.concatenate([rows, rows]), np.concatenate([right - 1, right])
    return sparse.coo_array((values, places), (len(wanted), len(points)))


def _bilinear(source: Cells, target: Cells, polar_sign: int, what: str) -> sparse.csr_array:
    count = len(source.longitude)
    points = _closed(source)
    wanted = _in_turn_of(source, points[0], target.longitude)
    columns = _linear(points, wanted, "longitude", what)
    columns = sparse.csr_array((columns.data, (columns.row, columns.col % count)), shape=(len(wanted), count))
    with_poles, southern, northern = _rows_with_poles(source)
    rows = sparse.csr_array(_linear(with_poles, target.latitude, "latitude", what))
    body = rows[:, southern : len(with_poles) - northern]
    weights = sparse.kron(body, columns, format="csr")
    around = _around_a_pole(source.longitude, wanted, polar_sign)
    for is_there, pole, last in ((southern, 0, 0), (northern, len(with_poles) - 1, len(source.latitude) - 1)):
        if is_there:
            share = rows[:, [pole]] @ sparse.csr_array(np.eye(1, len(source.latitude), last))
            weights = weights + sparse.kron(share, around, format="csr")
    weights.eliminate_zeros()
    return weights


def _rows_with_poles(source: Cells) -> tuple[NDArray[np.float64], int, int]:
    """Rows of the source and each pole that its cells reach to and that has no row; 1 for one added in south, north."""
    latitude = source.latitude
    if not source.is_periodic:
        return latitude, 0, 0
    edges = latitude_edges(latitude)
    southern = int(edges[0] == -_POLE and latitude[0] > -_POLE)
    northern = int(edges[-1] == _POLE and latitude[-1] < _POLE)
    return np.concatenate([[-_POLE] * southern, latitude, [_POLE] * northern]), southern, northern


def _around_a_pole(source: NDArray[np.float64], target: NDArray[np.float64], polar_sign: int) -> NDArray[np.float64]:
    """Weight of each column of the last row in the value at a pole along the meridian of each target column."""
    widths = np.diff(longitude_edges(source))
    shares = widths / widths.sum()
    apart = np.deg2rad(target[:, np.newaxis] - source[np.newaxis])
    waves = np.ones_like(apart) if polar_sign > 0 else 2.0 * np.cos(apart)
    weights: NDArray[np.float64] = waves * shares
    return weights
