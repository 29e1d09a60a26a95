"""Edges and areas of cells, on grids of every kind that is met."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_catalog.layout.cells import (
    Cells,
    is_periodic,
    latitude_edges,
    longitude_edges,
    row_areas,
    same_place_tolerance,
)

GAUSSIAN = np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(94)[0]))
CENTRES = np.linspace(-87.1875, 87.1875, 32)
WITH_POLES = np.linspace(-90.0, 90.0, 121)
REGION = np.linspace(30.0, 70.0, 17)


def test_edges_lie_half_way_between_points() -> None:
    assert latitude_edges(np.array([1.0, 2.0, 4.0])).tolist() == [0.5, 1.5, 3.0, 5.0]
    assert longitude_edges(np.array([1.0, 2.0, 4.0])).tolist() == [0.5, 1.5, 3.0, 5.0]
    cells = Cells(np.array([1.0, 2.0, 4.0]), np.array([-1.0, 1.0]))
    assert cells.latitude_bounds.tolist() == [[0.5, 1.5], [1.5, 3.0], [3.0, 5.0]]
    assert cells.longitude_bounds.tolist() == [[-2.0, 0.0], [0.0, 2.0]]


@pytest.mark.parametrize("latitude", [CENTRES, WITH_POLES, GAUSSIAN, np.linspace(-89.875, 89.875, 720)])
def test_the_cells_of_a_globe_end_on_the_poles_and_have_its_area(latitude: np.ndarray) -> None:
    edges = latitude_edges(latitude)
    assert (edges[0], edges[-1]) == (-90.0, 90.0)
    assert (np.diff(edges) > 0).all()
    shares = np.diff(np.sin(np.deg2rad(edges))) / 2
    np.testing.assert_allclose(row_areas(latitude), shares * latitude.size, rtol=1e-12)
    assert Cells(latitude, np.arange(0.0, 360.0, 5.625)).is_global


@pytest.mark.parametrize(
    ("latitude", "ends"),
    [(REGION, (28.75, 71.25)), (WITH_POLES[1:-1], (-89.25, 89.25)), (np.arange(20.0, 81.0, 10.0), (15.0, 85.0))],
)
def test_the_cells_of_a_region_are_not_stretched_to_a_pole(latitude: np.ndarray, ends: tuple[float, float]) -> None:
    edges = latitude_edges(latitude)
    assert (edges[0], edges[-1]) == ends
    assert not Cells(latitude, np.arange(0.0, 360.0, 5.625)).is_global


def test_each_end_of_the_rows_is_seen_by_itself() -> None:
    northern = GAUSSIAN[GAUSSIAN > 0]
    assert latitude_edges(northern)[-1] == 90.0
    assert latitude_edges(northern)[0] == pytest.approx(0.0, abs=0.01)


def test_rows_from_north_to_south_have_the_same_edges_and_areas() -> None:
    for latitude in (CENTRES, WITH_POLES, GAUSSIAN, REGION):
        np.testing.assert_array_equal(latitude_edges(latitude[::-1]), latitude_edges(latitude)[::-1])
        np.testing.assert_allclose(row_areas(latitude[::-1]), row_areas(latitude)[::-1], rtol=1e-15)


def test_a_lone_point_has_a_cell_one_degree_wide() -> None:
    cells = Cells(np.array([45.0]), np.array([3.0]))
    assert cells.latitude_bounds.tolist() == [[44.5, 45.5]]
    assert cells.longitude_bounds.tolist() == [[2.5, 3.5]]
    assert cells.areas.tolist() == [1.0]
    assert not cells.is_global
    assert latitude_edges(np.array([90.0])).tolist() == [89.5, 90.0]


def test_columns_meet_round_the_circle() -> None:
    assert longitude_edges(np.arange(0.0, 360.0, 5.625))[[0, -1]].tolist() == [-2.8125, 357.1875]
    uneven = longitude_edges(np.array([0.0, 80.0, 170.0, 260.0]))
    assert uneven.tolist() == [-50.0, 40.0, 125.0, 215.0, 310.0]


def test_whole_circles_and_regions() -> None:
    assert is_periodic(np.arange(0, 360, 5.625))
    assert is_periodic(np.arange(-180, 180, 60.0))
    assert is_periodic(np.array([0.0, 240.0, 120.0]))
    assert not is_periodic(np.arange(-70, 10.1, 2.5))
    assert not is_periodic(np.arange(0, 350, 2.5))
    assert not is_periodic(np.array([0.0, 180.0]))


@given(st.lists(st.integers(-89, 89), min_size=2, unique=True))
def test_points_lie_in_their_cells_and_areas_have_mean_one(rows: list[int]) -> None:
    latitude = np.sort(np.array(rows, np.float64))
    edges = latitude_edges(latitude)
    assert (edges[:-1] < latitude).all()
    assert (latitude < edges[1:]).all()
    assert row_areas(latitude).mean() == pytest.approx(1.0)


def test_the_same_place_is_nearer_than_rounding_and_never_half_way() -> None:
    gaussian = np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(640)[0]))
    assert np.abs(np.round(gaussian, 3) - gaussian).max() < same_place_tolerance(gaussian)
    assert same_place_tolerance(np.arange(0.0, 360.0, 11.25)) == pytest.approx(1e-3)
    assert same_place_tolerance(np.arange(0.0, 1.0, 0.01)) == pytest.approx(1e-4)
    assert same_place_tolerance(np.array([0.0, 4e-5])) == pytest.approx(1e-5)
    assert same_place_tolerance(np.array([7.0])) == pytest.approx(1e-3)
