import numpy as np
import pytest

from data_catalog.statistics.eofs import fit_eofs


def _low_rank(times: int, points: int, rank: int, noise: float = 0.01) -> np.ndarray:
    rng = np.random.default_rng(0)
    patterns = np.linalg.qr(rng.standard_normal((points, rank)))[0].T
    scores = rng.standard_normal((times, rank)) * np.sqrt(np.geomspace(100.0, 1.0, rank))
    return (scores @ patterns + noise * rng.standard_normal((times, points))).astype(np.float32)


def test_patterns_are_those_of_the_singular_value_decomposition() -> None:
    anomalies, weights = _low_rank(60, 40, 8), np.linspace(0.2, 2.0, 40)
    fitted = fit_eofs(anomalies, weights, 5)
    _, singular, right = np.linalg.svd(anomalies.astype(float) * np.sqrt(weights), full_matrices=False)
    np.testing.assert_allclose(fitted.variances, singular[:5] ** 2 / 60, rtol=1e-5)
    np.testing.assert_allclose(np.abs((fitted.patterns * right[:5]).sum(axis=1)), 1.0, atol=1e-5)
    assert fitted.total_variance == pytest.approx((singular**2).sum() / 60, rel=1e-5)


def test_iteration_agrees_with_the_exact_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    anomalies, weights = _low_rank(200, 300, 12), np.ones(300)
    exact = fit_eofs(anomalies, weights, 8)
    monkeypatch.setattr("data_catalog.statistics.eofs._EXACT_UP_TO", 0)
    iterated = fit_eofs(anomalies, weights, 8)
    np.testing.assert_allclose(iterated.variances, exact.variances, rtol=1e-4)
    np.testing.assert_allclose(iterated.patterns, exact.patterns, atol=2e-3)
    other_start = fit_eofs(anomalies, weights, 8, seed=7)
    np.testing.assert_allclose(other_start.patterns, iterated.patterns, atol=2e-3)


@pytest.mark.parametrize("shape", [(30, 80), (80, 30)])
def test_patterns_are_orthonormal_and_reconstruct_the_field(shape: tuple[int, int]) -> None:
    anomalies, weights = _low_rank(*shape, rank=6, noise=0.0), np.linspace(0.5, 1.5, shape[1])
    fitted = fit_eofs(anomalies, weights, 6)
    np.testing.assert_allclose(fitted.patterns @ fitted.patterns.T, np.eye(6), atol=1e-10)
    np.testing.assert_allclose(fitted.anomalies(fitted.scores(anomalies)), anomalies, atol=1e-3)
    assert fitted.variances.sum() == pytest.approx(fitted.total_variance, rel=1e-4)


def test_points_of_weight_zero_are_left_out() -> None:
    anomalies, weights = _low_rank(50, 20, 4), np.ones(20)
    weights[3] = 0.0
    anomalies[:, 3] = 1e3
    fitted = fit_eofs(anomalies, weights, 3)
    np.testing.assert_allclose(fitted.patterns[:, 3], 0.0, atol=1e-12)
    assert fitted.anomalies(fitted.scores(anomalies))[0, 3] == 0.0


def test_invalid_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected 1\.\.5 patterns"):
        fit_eofs(np.zeros((5, 9)), np.ones(9), 6)
    with pytest.raises(ValueError, match="expected finite values"):
        fit_eofs(np.full((5, 9), np.nan), np.ones(9), 2)
