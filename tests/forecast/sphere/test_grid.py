"""The edges of a map are joined as on the sphere."""

import numpy as np
import pytest
import torch

from data_catalog.errors import InvalidDataError
from forecast.sphere.grid import Grid, Topology, pad

LONGITUDE = np.arange(16) * 22.5
CENTRES = np.linspace(-78.75, 78.75, 8)
WITH_POLES = np.linspace(-90, 90, 9)


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        (CENTRES, LONGITUDE, Topology(True, "between_points")),
        (WITH_POLES, LONGITUDE, Topology(True, "on_point")),
        (np.linspace(-45, 45, 5), LONGITUDE, Topology(True, "none")),
        (np.linspace(30, 70, 17), np.linspace(-70, 10, 33), Topology(False, "none")),
    ],
)
def test_topology_is_found_from_the_coordinates(latitude, longitude, expected):
    assert Grid(latitude, longitude).topology() == expected


def on_the_sphere(grid: Grid, north: float) -> torch.Tensor:
    """x, y and z of unit vectors as smooth scalar fields, at latitudes shifted by whole rows."""
    latitude = np.deg2rad(grid.latitude + north)[:, None]
    longitude = np.deg2rad(grid.longitude)[None, :]
    fields = [
        np.cos(latitude) * np.cos(longitude),
        np.cos(latitude) * np.sin(longitude),
        np.sin(latitude) + 0 * longitude,
    ]
    return torch.from_numpy(np.stack(fields))[None]


@pytest.mark.parametrize("latitude", [CENTRES, WITH_POLES])
def test_a_scalar_continues_smoothly_across_both_poles(latitude):
    grid = Grid(latitude, LONGITUDE)
    spacing = latitude[1] - latitude[0]
    padded = pad(on_the_sphere(grid, 0.0), 2, grid.topology(), torch.ones(3, 1, 1))
    beyond = on_the_sphere(grid, 2 * spacing)  # beyond the pole the same formula runs down the opposite meridian
    torch.testing.assert_close(padded[..., -2:, 2:-2], beyond[..., -2:, :], atol=1e-6, rtol=0)
    before = on_the_sphere(grid, -2 * spacing)
    torch.testing.assert_close(padded[..., :2, 2:-2], before[..., :2, :], atol=1e-6, rtol=0)


def test_wind_changes_sign_across_the_pole():
    grid = Grid(CENTRES, LONGITUDE)
    east = np.deg2rad(grid.longitude)[None, :] + 0 * CENTRES[:, None]
    # a uniform flow across the pole along the meridian 0: v = -cos(longitude) in the north
    v = torch.from_numpy(-np.cos(east))[None, None]
    padded = pad(v, 1, grid.topology(), -torch.ones(1, 1, 1))
    torch.testing.assert_close(padded[0, 0, -1, 1:-1], v[0, 0, -1], atol=1e-6, rtol=0)


def test_longitude_is_periodic_on_a_globe_and_open_on_a_region():
    field = torch.arange(12.0).reshape(1, 1, 3, 4)
    one = torch.ones(1, 1, 1)
    globe = pad(field, 1, Topology(True, "none"), one)
    assert globe[0, 0, 1].tolist() == [3, 0, 1, 2, 3, 0]
    region = pad(field, 1, Topology(False, "none"), one)
    assert region[0, 0, 1].tolist() == [0, 0, 1, 2, 3, 3]


def test_area_weights_are_those_of_the_cells():
    grid = Grid(np.array([30.0, 40.0, 60.0]), np.array([0.0, 10.0]))
    edges = np.sin(np.deg2rad([25.0, 35.0, 50.0, 70.0]))
    expected = np.diff(edges) / np.diff(edges).mean()
    np.testing.assert_allclose(grid.area_weights()[:, 0], expected, rtol=1e-6)


def test_descending_latitude_is_refused():
    with pytest.raises(InvalidDataError, match="latitude ascending"):
        Grid(CENTRES[::-1], LONGITUDE)
