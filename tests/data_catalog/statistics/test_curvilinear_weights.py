"""Weights from curvilinear grids: constants, smooth fields, poles, the turn of longitudes, what lies outside."""

import numpy as np
import pytest
from scipy.interpolate import LinearNDInterpolator

from data_catalog.errors import InvalidDataError
from data_catalog.statistics.curvilinear_weights import CurvilinearGrid, unit_vectors


def rotated(rows: int, columns: int, *, east: float = 0.0) -> CurvilinearGrid:
    """A sheared grid of Europe, `east` degrees farther on."""
    y, x = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    return CurvilinearGrid(34 + 26 * y + 3 * x - 2 * x * y, -16 + 40 * x - 4 * y + east)


def polar(points: int) -> CurvilinearGrid:
    """A stereographic grid with the North Pole within one of its cells."""
    y, x = np.meshgrid(*[np.linspace(-0.41, 0.43, points)] * 2, indexing="ij")
    return CurvilinearGrid(90 - 2 * np.rad2deg(np.arctan(np.hypot(x, y))), np.rad2deg(np.arctan2(y, x)))


def smooth(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """A field that is smooth on the sphere, at the pole too."""
    x, y, z = np.moveaxis(unit_vectors(latitude, longitude), -1, 0)
    return 3 * x - 2 * y + z + x * y + np.sin(3 * z)


def wanted(count: int = 300, *, east: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    return random.uniform(40, 55, count), random.uniform(-10, 15, count) + east


@pytest.mark.parametrize("east", [0.0, 175.0, -180.0, 355.0])
def test_constants_stay_and_errors_fall_with_the_square_of_the_step(east: float) -> None:
    places = wanted(east=east)
    errors = []
    for count in (21, 41):
        grid = rotated(count, count, east=east)
        weights = grid.bilinear_weights(*places, what="test")
        np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-12)
        found = weights @ smooth(grid.latitude, grid.longitude).ravel()
        errors.append(float(np.abs(found - smooth(*places)).max()))
    assert errors[1] < errors[0] / 3
    assert errors[1] < 2e-3


def test_the_weights_find_the_place_itself() -> None:
    grid, places = rotated(31, 41), wanted()
    weights = grid.bilinear_weights(*places, what="test")
    np.testing.assert_allclose(weights @ grid.latitude.ravel(), places[0], atol=0.01)
    np.testing.assert_allclose(weights @ grid.longitude.ravel(), places[1], atol=0.01)


def test_it_agrees_with_scipy_on_triangles() -> None:
    grid, places = rotated(61, 61), wanted()
    values = smooth(grid.latitude, grid.longitude).ravel()
    peer = LinearNDInterpolator(np.stack([grid.latitude.ravel(), grid.longitude.ravel()], 1), values)(*places)
    np.testing.assert_allclose(grid.bilinear_weights(*places, what="test") @ values, peer, atol=1e-3)


def test_a_pole_is_a_point_like_others() -> None:
    grid = polar(41)
    latitude, longitude = np.array([90.0, 89.9, 89.9, 70.0]), np.array([0.0, 10.0, 190.0, 300.0])
    values = smooth(grid.latitude, grid.longitude).ravel()
    expected = smooth(latitude, longitude)
    np.testing.assert_allclose(grid.bilinear_weights(latitude, longitude, what="test") @ values, expected, atol=2e-3)
    np.testing.assert_allclose(
        grid.nearest_weights(latitude, longitude, what="test") @ values, expected, atol=0.15
    )  # half a step away


def test_nearest_is_the_nearest_on_the_sphere() -> None:
    grid, places = rotated(31, 41), wanted()
    chosen = grid.nearest_weights(*places, what="test").indices
    apart = unit_vectors(*places) @ grid.vectors.reshape(-1, 3).T
    assert chosen.tolist() == apart.argmax(axis=1).tolist()


def test_a_grid_that_closes_has_a_cell_at_the_seam() -> None:
    rows, columns = np.meshgrid(np.linspace(-60, 60, 25), np.arange(0, 360, 5.0) + 2.5, indexing="ij")
    grid = CurvilinearGrid(rows, columns)
    assert grid.is_closed
    assert not rotated(5, 5).is_closed
    weights = grid.bilinear_weights(np.array([10.0]), np.array([0.0]), what="test")
    assert weights @ np.cos(np.deg2rad(columns)).ravel() == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("method", ["bilinear_weights", "nearest_weights"])
def test_what_lies_outside_is_refused(method: str) -> None:
    find = getattr(rotated(21, 21), method)
    with pytest.raises(InvalidDataError, match=r"mine: .* found latitude 20, longitude 0 outside of it \(1 points\)"):
        find(np.array([45.0, 20.0]), np.array([0.0, 0.0]), what="mine")


def test_nearest_reaches_half_a_cell_beyond_the_edge() -> None:
    rows, columns = np.meshgrid(np.linspace(40, 50, 11), np.linspace(0, 10, 11), indexing="ij")
    grid = CurvilinearGrid(rows, columns)
    assert grid.nearest_weights(np.array([50.4]), np.array([5.0]), what="test").shape == (1, 121)
    with pytest.raises(InvalidDataError, match="outside of it"):
        grid.nearest_weights(np.array([51.0]), np.array([5.0]), what="test")
    with pytest.raises(InvalidDataError, match="outside of it"):
        grid.bilinear_weights(np.array([50.4]), np.array([5.0]), what="test")
