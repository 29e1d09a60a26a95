"""Thirds of past states along their leading pattern."""

import numpy as np
import xarray as xr

from forecast.verification.realism.regimes import fit_regimes

COORDS = {"latitude": np.linspace(30, 60, 4), "longitude": np.linspace(0, 50, 6)}


def test_thirds_of_a_planted_pattern() -> None:
    generator = np.random.default_rng(0)
    pattern, amplitude = np.outer(np.ones(4), np.linspace(-1, 2, 6)), np.linspace(-3, 3, 301)
    values = amplitude[:, None, None] * pattern + 0.01 * generator.normal(size=(301, 4, 6))
    states = xr.DataArray(values, dims=("time", *COORDS), coords=COORDS)
    regimes = fit_regimes(states)
    found = [regimes.of(states.isel(time=index).T) for index in (0, 50, 149, 151, 250, 300)]
    assert found == ["low", "low", "middle", "middle", "high", "high"]
