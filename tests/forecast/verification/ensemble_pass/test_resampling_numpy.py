"""Moments of resampled series in NumPy, against series made one by one."""

import numpy as np
import pytest

from forecast.verification.ensemble_pass import resampling_numpy


def test_moments_are_those_of_each_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling_numpy, "VALUES_AT_A_TIME", 30)
    rng = np.random.default_rng(0)
    residual, chosen = rng.normal(size=(5, 2)), rng.integers(0, 5, (7, 6))
    persistence, start = np.array([0.0, 0.6]), np.array([1.0, 1.25])
    found = resampling_numpy.resampled_moments(residual, persistence, start, chosen)
    for series in range(2):
        for sample in range(7):
            made = [start[series] * residual[chosen[sample, 0], series]]
            for cycle in range(1, 6):
                made.append(residual[chosen[sample, cycle], series] + persistence[series] * made[-1])
            anomaly = np.array(made) - np.mean(made)
            sums = [np.sum(anomaly[lag:] * anomaly[: 6 - lag]) for lag in range(3)]
            np.testing.assert_allclose(found[:, sample, series], [np.mean(made), *sums], atol=1e-14)
