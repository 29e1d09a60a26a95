"""The filter is Kalman's without localisation, leaves what is far alone with it, and keeps its spread as asked."""

import numpy as np
import pytest

from forecast.control.ensemble_update import (
    EARTH_RADIUS_KM,
    Observed,
    gaspari_cohn,
    grid_points,
    relaxed,
    unit_vectors,
    update_ensemble,
)
from forecast.sphere.grid import Grid

GENERATOR = np.random.default_rng(3)
PLACES = unit_vectors([10.0, 10.0, -40.0], [0.0, 0.0, 90.0])
POINTS = unit_vectors([10.0, -40.0, -10.0, 80.0], [0.0, 90.0, 180.0, 200.0])
ERRORS = np.array([0.5, 1.0, 2.0])
VALUES = np.array([2.0, -1.0, 3.0])


def ensemble(members: int) -> tuple[np.ndarray, np.ndarray]:
    states = GENERATOR.normal(size=(members, 2, 4)) @ GENERATOR.normal(size=(4, 4)) + 1.0
    return states, states.reshape(members, 8) @ GENERATOR.normal(size=(8, 3))


def test_mean_and_covariance_are_those_of_kalman() -> None:
    states, seen = ensemble(12)
    updated = update_ensemble(states, Observed(seen, VALUES, ERRORS, PLACES), POINTS, None)
    joint = np.concatenate([states.reshape(12, 8), seen], axis=1)
    covariance = np.cov(joint.T)
    across, of_seen = covariance[:8, 8:], covariance[8:, 8:]
    gain = across @ np.linalg.inv(of_seen + np.diag(ERRORS**2))
    mean = states.mean(0).ravel() + gain @ (VALUES - seen.mean(0))
    np.testing.assert_allclose(updated.mean(0).ravel(), mean, rtol=1e-8)
    np.testing.assert_allclose(np.cov(updated.reshape(12, 8).T), covariance[:8, :8] - gain @ across.T, atol=1e-8)


def test_points_beyond_the_localisation_stay_as_they_are() -> None:
    states, seen = ensemble(8)
    first = Observed(seen[:, :1], VALUES[:1], ERRORS[:1], PLACES[:1])
    updated = update_ensemble(states, first, POINTS, 1500.0)
    assert np.abs(updated - states)[..., 0].max() > 0.01
    np.testing.assert_allclose(updated[..., 1:], states[..., 1:], rtol=1e-12)


def test_float32_stays_float32() -> None:
    states, seen = ensemble(8)
    assert (
        update_ensemble(states.astype(np.float32), Observed(seen, VALUES, ERRORS, PLACES), POINTS, 3000.0).dtype
        == np.float32
    )


def test_relaxation_restores_the_spread() -> None:
    before, _ = ensemble(9)
    after = 0.5 * before + 3.0
    np.testing.assert_allclose(relaxed(after, before, 1.0).std(0, ddof=1), before.std(0, ddof=1))
    np.testing.assert_allclose(relaxed(after, before, 0.0), after)
    np.testing.assert_allclose(relaxed(after, before, 0.6).mean(0), after.mean(0))


def test_the_localisation_falls_smoothly_from_one_to_zero() -> None:
    distance = np.linspace(0, 3000, 301)
    taper = gaspari_cohn(distance, 1000.0)
    assert taper[0] == 1.0
    assert (taper[200:] == 0).all()
    assert (np.diff(taper) <= 1e-12).all()
    assert np.abs(np.diff(taper, 2)).max() < 2e-3
    assert taper[100] == pytest.approx(5 / 24)


def test_places_are_unit_vectors_row_by_row() -> None:
    grid = Grid(np.array([-45.0, 45.0]), np.array([0.0, 90.0]))
    points = grid_points(grid)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1.0)
    quarter = EARTH_RADIUS_KM * np.arccos(points[0] @ points[2])
    assert quarter == pytest.approx(EARTH_RADIUS_KM * np.pi / 2)
