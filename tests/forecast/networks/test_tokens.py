"""Windows hold tokens that are neighbours on the sphere."""

import numpy as np
import pytest
import torch

from forecast.networks.patches import Patching
from forecast.networks.tokens import Tokens, WindowTokens
from forecast.sphere.grid import Grid

PATCHES = pytest.mark.parametrize("patch", [1, 2])
SHIFTED = pytest.mark.parametrize("shifted", [False, True])


def tokens_of(grid: Grid, patch: int) -> Tokens:
    return Tokens.of(grid, Patching(grid.shape, grid.topology(), patch=patch))


def on_the_sphere(latitude, longitude):
    """x, y and z of unit vectors; the formulas also hold for latitudes beyond 90 degrees at the same longitude."""
    latitude, longitude = np.broadcast_arrays(np.deg2rad(latitude), np.deg2rad(longitude))
    return np.stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)])


@PATCHES
def test_tokens_hold_all_area(grid, patch):
    tokens = tokens_of(grid, patch)
    expected = float(grid.area_weights().sum()) * grid.longitude.size
    assert tokens.area.sum() == pytest.approx(expected, rel=1e-6)


@PATCHES
@SHIFTED
@pytest.mark.parametrize("window", [(4, 4), (3, 8), (8, 2)])
def test_each_token_has_its_place(grid, patch, shifted, window):
    tokens = tokens_of(grid, patch)
    placed = WindowTokens.of(tokens, window, shifted=shifted)
    assert placed.source.shape[1] == window[0] * window[1]
    assert torch.equal(placed.source.flatten()[placed.place], torch.arange(tokens.area.size))
    assert not placed.crossed.flatten()[placed.place].any()
    at_home = placed.latitude.flatten()[placed.place].reshape(tokens.shape)
    np.testing.assert_allclose(at_home, tokens.latitude[:, None] + 0 * tokens.area, atol=1e-4)


@PATCHES
@pytest.mark.parametrize("window", [(4, 4), (8, 2)])
def test_a_smooth_field_is_smooth_in_every_window(grid, patch, window):
    tokens = tokens_of(grid, patch)
    placed = WindowTokens.of(tokens, window, shifted=True)
    field = on_the_sphere(tokens.latitude[:, None], tokens.longitude)
    seen = field.reshape(3, -1)[:, placed.source.numpy()]
    expected = on_the_sphere(placed.latitude.numpy(), placed.longitude.numpy())
    known = placed.area.numpy() > 0
    np.testing.assert_allclose(seen[:, known], expected[:, known], atol=1e-5)


@PATCHES
def test_shifted_windows_reach_over_both_poles(any_globe, patch):
    placed = WindowTokens.of(tokens_of(any_globe, patch), (4, 4), shifted=True)
    crossed = placed.crossed & (placed.area > 0)
    assert (placed.latitude[crossed].abs() > 89.9).all()
    assert (placed.latitude[crossed] > 0).any()
    assert (placed.latitude[crossed] < 0).any()
    extents = (placed.latitude.amax(dim=1) - placed.latitude.amin(dim=1)).max()
    assert extents <= 4 * patch * 11.3


def test_windows_cross_the_date_line(globe):
    placed = WindowTokens.of(tokens_of(globe, 1), (4, 4), shifted=True)
    assert (placed.longitude.amax(dim=1) - placed.longitude.amin(dim=1)).max() < 34
    assert placed.longitude.min() < 0


def test_windows_that_do_not_divide_the_circle_are_refused(globe):
    with pytest.raises(ValueError, match="expected a window that divides 32 patches round the globe, found 5"):
        WindowTokens.of(tokens_of(globe, 1), (4, 5), shifted=False)
    odd = Grid(globe.latitude, np.arange(34) * (360 / 34))
    tokens = Tokens.of(odd, Patching(odd.shape, odd.topology().without_poles(), patch=2))
    whole = Tokens(tokens.latitude, tokens.longitude, tokens.area, periodic=True, poles=True)
    with pytest.raises(ValueError, match="expected an even number of patches round the globe, found 17"):
        WindowTokens.of(whole, (4, 17), shifted=True)
