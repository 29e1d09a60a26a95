"""The compiled moments of resampled series are those of NumPy, for any number of series."""

import numpy as np
import pytest

from forecast.verification.ensemble_pass import resampling, resampling_numpy


@pytest.mark.parametrize("series", [1, 8, 11])
@pytest.mark.parametrize("count", [4, 9])
def test_moments_are_those_of_numpy(series: int, count: int) -> None:
    rng = np.random.default_rng(series)
    residual, chosen = rng.normal(size=(count - 1, series)), rng.integers(0, count - 1, (20, count))
    persistence = rng.uniform(0, 0.95, series)
    arguments = (residual, persistence, 1 / np.sqrt(1 - persistence**2), chosen)
    found, expected = resampling.resampled_moments(*arguments), resampling_numpy.resampled_moments(*arguments)
    assert found.shape == (4, 20, series)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)
