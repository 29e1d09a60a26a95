"""Noise is isotropic, has the requested spectrum, and has full rank."""

import numpy as np
import pytest
import torch

from data_catalog.statistics.legendre import power_by_degree
from forecast.sphere.grid import Grid
from forecast.sphere.noise import INDEPENDENT_SHARE, SphereNoise

GLOBE = Grid(np.linspace(-87.1875, 87.1875, 32), np.arange(64) * 5.625)
WITH_POLES = Grid(np.linspace(-90, 90, 17), np.arange(32) * 11.25)
SMALL = Grid(np.linspace(-78.75, 78.75, 8), np.arange(16) * 22.5)
REGION = Grid(np.linspace(30, 70, 9), np.linspace(-70, 10, 17))


def white(count, grid, channels=1, seed=0):
    return torch.randn(count, channels, *grid.shape, generator=torch.Generator().manual_seed(seed))


def matrix(noise, grid):
    """The map as a matrix of points by points, in float64."""
    points = grid.latitude.size * grid.longitude.size
    shaped = noise(torch.eye(points).reshape(points, 1, *grid.shape))
    return shaped.reshape(points, points).T.double()


def areas(grid):
    return grid.area_weights()[:, 0].double().numpy()


def cosines(grid):
    latitude, longitude = np.meshgrid(np.deg2rad(grid.latitude), np.deg2rad(grid.longitude), indexing="ij")
    points = [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
    points = np.stack(points, axis=-1).reshape(-1, 3)
    return (points @ points.T).clip(-1, 1)


@pytest.mark.parametrize("grid", [SMALL, WITH_POLES])
def test_every_point_has_unit_variance(grid):
    root = matrix(SphereNoise(grid, 1, fitted=False), grid)
    torch.testing.assert_close((root @ root.T).diagonal(), torch.ones(len(root), dtype=root.dtype), atol=1e-5, rtol=0)


@pytest.mark.parametrize("grid", [SMALL, WITH_POLES])
def test_the_covariance_of_two_points_depends_on_their_distance_only(grid):
    root = matrix(SphereNoise(grid, 1, fitted=False), grid).numpy()
    covariance = root @ root.T - INDEPENDENT_SHARE * np.eye(len(root))
    degrees = 2 * np.arange(grid.latitude.size if grid is SMALL else 16) + 1
    expected = (1 - INDEPENDENT_SHARE) * np.polynomial.legendre.legval(cosines(grid), degrees / degrees.sum())
    np.testing.assert_allclose(covariance, expected, atol=2e-5)


@pytest.mark.parametrize("grid", [SMALL, WITH_POLES])
def test_the_noise_has_full_rank(grid):
    root = matrix(SphereNoise(grid, 1, fitted=False), grid).numpy()
    values = np.linalg.eigvalsh(root @ root.T)
    assert values.min() > 0.99 * INDEPENDENT_SHARE
    assert np.linalg.matrix_rank(root) == len(root)


def test_the_mean_over_a_cap_has_equal_variance_at_pole_and_equator():
    """Numbers that are independent at each point fail this: their ratio is 0.3."""
    near_pole = cosines(GLOBE).reshape(32, 64, 32, 64)[-1, 0] > np.cos(np.deg2rad(10))
    at_equator = cosines(GLOBE).reshape(32, 64, 32, 64)[16, 0] > np.cos(np.deg2rad(10))

    def ratio(fields):
        weights = areas(GLOBE)[:, None] + 0 * np.empty((32, 64))
        means = [
            (fields[:, 0].numpy() * weights)[:, cap].sum(1) / weights[cap].sum() for cap in (near_pole, at_equator)
        ]
        return means[0].std() / means[1].std()

    independent = white(4000, GLOBE)
    isotropic = SphereNoise(GLOBE, 1, fitted=False)(independent)
    assert ratio(independent) < 0.45
    assert ratio(isotropic) == pytest.approx(1.0, abs=0.15)


def test_all_harmonics_have_the_same_power():
    shaped = SphereNoise(GLOBE, 1, fitted=False)(white(400, GLOBE)).double().numpy()
    power = power_by_degree(shaped, GLOBE.latitude, areas(GLOBE), 31).mean(axis=(0, 1)) / (2 * np.arange(32) + 1)
    assert (power / power.mean()).min() > 0.85
    assert (power / power.mean()).max() < 1.15


def test_the_noise_gets_the_spectrum_of_the_residual():
    steep = np.stack([1.0 / (1 + np.arange(32)) ** 2, np.ones(32)])
    wanted = 0.95 * steep / steep.sum(axis=1, keepdims=True)
    model = SphereNoise(GLOBE, 2, fitted=True)
    model.get_buffer("variances").copy_(torch.from_numpy(wanted))
    model.refresh()
    fitted = SphereNoise(GLOBE, 2, fitted=True)
    fitted.fit(model(white(50, GLOBE, channels=2, seed=seed)) for seed in range(8))
    found = fitted.get_buffer("variances").numpy()
    np.testing.assert_allclose(found[:, 1:], wanted[:, 1:], rtol=0.25, atol=0.002)
    variance = fitted(white(400, GLOBE, channels=2, seed=9)).var(dim=(0, 3))
    np.testing.assert_allclose(variance, np.ones((2, 32)), atol=0.15)


def test_a_fitted_spectrum_is_saved_with_the_weights():
    fitted, other = (SphereNoise(SMALL, 2, fitted=True) for _ in range(2))
    fitted.fit([torch.randn(4, 2, 8, 16).cumsum(dim=-1)])
    other.load_state_dict(fitted.state_dict())
    x = white(3, SMALL, channels=2)
    torch.testing.assert_close(other(x), fitted(x), rtol=0, atol=0)
    assert not SphereNoise(SMALL, 2, fitted=False).state_dict()


def test_a_member_s_noise_does_not_depend_on_the_batch():
    noise = SphereNoise(GLOBE, 3, fitted=False)
    x = white(5, GLOBE, channels=3)
    torch.testing.assert_close(noise(x)[3:4], noise(x[3:4]), atol=1e-6, rtol=0)


def test_turning_the_globe_turns_the_noise():
    noise = SphereNoise(GLOBE, 1, fitted=False)
    x = white(1, GLOBE)
    torch.testing.assert_close(noise(x.roll(5, -1)), noise(x).roll(5, -1), atol=1e-5, rtol=0)


def test_a_region_has_no_isotropic_noise():
    with pytest.raises(ValueError, match="grid: expected a globe, found a region"):
        SphereNoise(REGION, 1, fitted=False)
