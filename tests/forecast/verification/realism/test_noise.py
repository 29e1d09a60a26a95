"""Limits that a perfect ensemble keeps."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification.realism.noise import mean_limits, quantile_of_chance, ratio_limits, relative_scatter


def test_the_scatter_of_a_known_distribution() -> None:
    samples = xr.DataArray(np.random.default_rng(0).gamma(4.0, size=(20000, 2)), dims=("time", "band"))
    np.testing.assert_allclose(relative_scatter(samples), 0.5, rtol=0.02)


def test_one_figure_may_be_off_by_the_quantile_and_many_by_more() -> None:
    assert quantile_of_chance(1) == pytest.approx(2.5758, abs=1e-4)
    assert quantile_of_chance(100) == pytest.approx(3.8906, abs=1e-4)


def test_a_perfect_ensemble_keeps_the_limits_of_ratios() -> None:
    generator, scatter = np.random.default_rng(1), xr.DataArray(np.full(50, 0.3), dims="figure")
    low, high = ratio_limits(scatter, 30, 8, 1.01)
    kept = 0
    for _ in range(200):
        analysis = generator.normal(1.0, 0.3, size=(30, 50)).mean(0)
        members = generator.normal(1.0, 0.3, size=(30, 8, 50)).mean((0, 1))
        kept += bool(((members / analysis > low) & (members / analysis < high)).all())
    assert kept >= 190
    assert float(high[0]) < 1.35


def test_the_tolerance_holds_where_chance_allows_less() -> None:
    low, high = ratio_limits(xr.DataArray([1e-6, 1.0], dims="figure"), 30, 8, 1.1)
    assert (float(low[0]), float(high[0])) == pytest.approx((1 / 1.1, 1.1))
    assert float(high[1]) > 1.1
    low, high = mean_limits(xr.DataArray([1e-6, 1.0], dims="figure"), 25, 0.5, 0.05)
    assert (float(low[0]), float(high[0])) == pytest.approx((0.45, 0.55))
    assert float(high[1] - 0.5) == pytest.approx(quantile_of_chance(2) / 5)
