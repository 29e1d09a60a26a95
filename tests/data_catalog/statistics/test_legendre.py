"""Spherical harmonics have their textbook values, and a field's power is computed by degree."""

import numpy as np
import pytest
from scipy.special import sph_harm_y

from data_catalog.statistics.legendre import covariance_by_order, legendre_functions, power_by_degree

LATITUDE = np.linspace(-87.1875, 87.1875, 32)
WEIGHTS = np.cos(np.deg2rad(LATITUDE)) / np.cos(np.deg2rad(LATITUDE)).mean()
LONGITUDE = np.deg2rad(np.arange(64) * 5.625)


@pytest.mark.parametrize(("degree", "order"), [(0, 0), (1, 0), (1, 1), (7, 3), (20, 20), (90, 41)])
def test_legendre_functions_are_those_of_scipy(degree, order):
    expected = sph_harm_y(degree, order, np.deg2rad(90 - LATITUDE), 0.0).real * np.sqrt(4 * np.pi) * (-1) ** order
    found = legendre_functions(LATITUDE, order, degree)
    assert found.shape == (degree - order + 1, 32)
    np.testing.assert_allclose(found[-1], expected, atol=1e-11)


def test_they_stay_finite_at_the_degrees_of_a_quarter_degree_grid():
    functions = legendre_functions(np.linspace(-90, 90, 721), 600, 719)
    assert np.isfinite(functions).all()
    weights = np.cos(np.deg2rad(np.linspace(-90, 90, 721)))
    assert (functions[-1] ** 2 * weights).sum() / weights.sum() == pytest.approx(1.0, rel=1e-3)


def test_one_harmonic_has_its_power_at_its_degree():
    field = np.sqrt(2) * legendre_functions(LATITUDE, 4, 9)[-1][:, None] * np.sin(4 * LONGITUDE + 0.3)
    power = power_by_degree(field, LATITUDE, WEIGHTS, 20)
    np.testing.assert_allclose(power, np.eye(21)[9], atol=0.01)


def test_covariance_depends_on_the_distance_only():
    """Against the sum of Legendre polynomials of the cosine of the distance (addition theorem)."""
    variances = np.array([0.1, 0.4, 0.0, 0.3, 0.2])
    parts = list(covariance_by_order(LATITUDE, variances))
    for first, second, apart in ((3, 20, 1.1), (0, 31, 2.0), (5, 5, 0.0)):
        found = sum(part[first, second] * np.cos(order * apart) for order, part in enumerate(parts))
        a, b = np.deg2rad(LATITUDE[[first, second]])
        cosine = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(apart)
        assert found == pytest.approx(np.polynomial.legendre.legval(cosine, variances), abs=1e-12)
