"""Spectra of regions: single waves, the sum, and trends."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification import UnscorableError, limited_area_spectrum


def test_a_planted_cosine_is_in_its_bin() -> None:
    rows = np.cos(np.pi * 5 * (np.arange(16) + 0.5) / 16)
    field = xr.DataArray(np.outer(3 * rows, np.ones(24)), dims=("latitude", "longitude"))
    found = limited_area_spectrum(field)
    assert float(found.sel(wavenumber=5)) == pytest.approx(4.5)
    assert float(found.sum()) == pytest.approx(4.5)


def test_the_sum_is_the_mean_square() -> None:
    values = np.random.default_rng(0).normal(size=(3, 11, 13))
    field = xr.DataArray(values, dims=("time", "latitude", "longitude"))
    found = limited_area_spectrum(field)
    np.testing.assert_allclose(found.sum("wavenumber"), np.square(values).mean((1, 2)))
    lazy = limited_area_spectrum(field.chunk({"time": 1, "latitude": 4}))
    assert lazy.chunks is not None
    xr.testing.assert_allclose(lazy.compute(), found)


def test_a_trend_across_the_region_stays_at_large_scales() -> None:
    field = xr.DataArray(np.add.outer(np.arange(20.0), np.arange(20.0)), dims=("latitude", "longitude"))
    found = limited_area_spectrum(field - field.mean())
    assert float(found.sel(wavenumber=slice(1, 3)).sum() / found.sum()) > 0.99


def test_a_grid_that_is_too_small() -> None:
    with pytest.raises(UnscorableError, match="expected at least 4 points along 'longitude'"):
        limited_area_spectrum(xr.DataArray(np.ones((5, 3)), dims=("latitude", "longitude")))
