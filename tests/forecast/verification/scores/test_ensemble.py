"""CRPS and errors of the ensemble mean against closed forms and their definitions."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from forecast.verification import area_weights, bias, crps, ensemble_mean_rmse, mae, spread, spread_skill_ratio

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")


def test_roots_are_taken_after_weighted_averages(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    weights = area_weights(forecast["latitude"])
    w = weights.broadcast_like(analysis)
    error = forecast.mean("member") - analysis
    rmse = float(np.sqrt((w * error**2).sum() / w.sum()))
    dims = analysis.dims
    assert float(ensemble_mean_rmse(forecast, analysis, reduce=dims, weights=weights)) == pytest.approx(rmse, rel=1e-12)
    variance = float((w * forecast.var("member", ddof=1)).sum() / w.sum())
    assert float(spread(forecast, reduce=dims, weights=weights)) == pytest.approx(variance**0.5, rel=1e-12)
    ratio = float(spread_skill_ratio(forecast, analysis, reduce=dims, weights=weights))
    assert ratio == pytest.approx((10 / 9 * variance) ** 0.5 / rmse, rel=1e-12)
    unbiased = float(spread_skill_ratio(forecast, analysis, reduce=dims, weights=weights, unbiased=True))
    assert unbiased == pytest.approx((variance / (rmse**2 - variance / 9)) ** 0.5, rel=1e-12)
    assert float(bias(forecast, analysis, reduce=dims, weights=weights)) == pytest.approx(
        float((w * error).sum() / w.sum()), rel=1e-12
    )
    assert float(mae(forecast, analysis, reduce=dims)) == pytest.approx(float(abs(error).mean()), rel=1e-12)


def test_one_member_has_no_fair_crps_and_no_spread(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("single")
    assert crps(forecast, analysis).isnull().all()
    assert crps(forecast, analysis, reduce=analysis.dims).isnull()
    assert spread(forecast, analysis).isnull().all()
    plain = crps(forecast, analysis, fair=False)
    np.testing.assert_allclose(plain, abs(forecast.isel(member=0) - analysis))
    assert crps(forecast, analysis, fair=False).attrs == {"units": "K"}


def test_perfect_forecast_scores_nothing(make_pair: MakePair) -> None:
    _, analysis = make_pair("offset")
    forecast = analysis.expand_dims(member=4)
    for score in (crps, ensemble_mean_rmse, bias, mae, spread):
        assert (score(forecast, analysis, reduce=GRID) == 0).all()


def test_gaussian_closed_forms() -> None:
    rng = np.random.default_rng(0)
    forecast = xr.DataArray(rng.normal(0.3, 1.5, (40, 20000)), dims=("member", "case"))
    analysis = xr.DataArray(rng.normal(0.0, 1.0, 20000), dims="case")
    # CRPS of N(0.3, 1.5) for y ~ N(0, 1): E|x-y| - E|x-x'|/2, both means of folded normals.
    apart, width = 0.3, np.hypot(1.5, 1.0)
    folded = 2 * width * norm.pdf(apart / width) + apart * (1 - 2 * norm.cdf(-apart / width))
    expected = folded - 1.5 / np.sqrt(np.pi)
    assert float(crps(forecast, analysis, reduce=["case"])) == pytest.approx(expected, rel=0.02)
    few = float(crps(forecast.isel(member=slice(3)), analysis, reduce=["case"]))
    assert few == pytest.approx(expected, rel=0.03)
    plain = float(crps(forecast.isel(member=slice(3)), analysis, reduce=["case"], fair=False))
    assert plain == pytest.approx(expected + 1.5 / np.sqrt(np.pi) / 3, rel=0.02)
