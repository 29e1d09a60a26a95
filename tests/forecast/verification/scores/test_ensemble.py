from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from forecast.verification import (
    UnscorableError,
    area_weights,
    bias,
    crps,
    ensemble_mean_rmse,
    mae,
    rank_histogram,
    spread,
    spread_skill_ratio,
)
from forecast.verification.scores.ranks import rank_histogram_test

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")
SCORES = (crps, ensemble_mean_rmse, bias, mae, spread, spread_skill_ratio, rank_histogram)


@pytest.mark.parametrize("score", SCORES)
def test_chunks_do_not_matter_and_stay_lazy(make_pair: MakePair, score: Callable[..., xr.DataArray]) -> None:
    forecast, analysis = make_pair("tied")
    weights = area_weights(forecast["latitude"])
    whole = score(forecast, analysis, reduce=GRID, weights=weights)
    lazy = score(
        forecast.chunk(member=4, lead_time=1, latitude=4), analysis.chunk(latitude=5), reduce=GRID, weights=weights
    )
    assert lazy.chunks is not None
    xr.testing.assert_allclose(lazy.compute(), whole, rtol=1e-13)


@pytest.mark.parametrize("score", SCORES)
def test_one_missing_value_spoils_its_score_unless_skipped(
    make_pair: MakePair, score: Callable[..., xr.DataArray]
) -> None:
    forecast, analysis = make_pair("random")
    whole = score(forecast, analysis, reduce=GRID)
    holed = forecast.copy(deep=True)
    holed[3, 1, 0, 0] = np.nan
    holed_analysis = analysis.copy(deep=True)
    holed_analysis[2, 0, 0] = np.nan
    found = score(holed, holed_analysis, reduce=GRID)
    assert found.isel(lead_time=[1]).isnull().all()
    if score is not spread:
        assert found.isel(lead_time=[2]).isnull().all()
    xr.testing.assert_allclose(found.isel(lead_time=0), whole.isel(lead_time=0))
    skipped = score(holed, holed_analysis, reduce=GRID, skip_missing=True)
    assert skipped.notnull().all()
    points = [field.isel(lead_time=2).stack(p=GRID).isel(p=slice(1, None)) for field in (forecast, analysis)]
    without = score(*points, reduce=["p"])
    np.testing.assert_allclose(skipped.isel(lead_time=2), without, rtol=1e-12)


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


def test_spread_skill_of_members_drawn_like_the_analysis_is_one() -> None:
    rng = np.random.default_rng(1)
    centre = rng.normal(size=30000)
    for members in (2, 5):
        drawn = xr.DataArray(centre + rng.normal(size=(members, 30000)), dims=("member", "case"))
        analysis = xr.DataArray(centre + rng.normal(size=30000), dims="case")
        assert float(spread_skill_ratio(drawn, analysis, reduce=["case"])) == pytest.approx(1, abs=0.02)
        assert float(spread_skill_ratio(drawn, analysis, reduce=["case"], unbiased=True)) == pytest.approx(1, abs=0.03)


def test_ties_are_split_exactly() -> None:
    forecast = xr.DataArray([[1.0, 0.0], [1.0, 2.0], [3.0, 4.0]], dims=("member", "case"))
    analysis = xr.DataArray([1.0, 3.0], dims="case")
    np.testing.assert_array_equal(rank_histogram(forecast, analysis), [[1 / 3, 1 / 3, 1 / 3, 0], [0, 0, 1, 0]])
    both = rank_histogram(forecast, analysis, reduce=["case"], weights=xr.DataArray([3.0, 1.0], dims="case"))
    np.testing.assert_allclose(both, [0.25, 0.25, 0.5, 0], rtol=1e-15)


def test_rank_histogram_of_members_drawn_like_the_analysis_is_flat() -> None:
    rng = np.random.default_rng(2)
    drawn = xr.DataArray(rng.poisson(2.0, (6, 40000)), dims=("member", "case"))
    analysis = xr.DataArray(rng.poisson(2.0, 40000), dims="case")
    flat = rank_histogram(drawn, analysis, reduce=["case"])
    np.testing.assert_allclose(flat, 1 / 7, atol=0.006)
    assert float(flat.sum()) == pytest.approx(1, abs=1e-12)


def test_flatness_test_tells_flat_from_sloped_and_bowl() -> None:
    ranks = xr.DataArray(np.full(11, 1 / 11), dims="rank")
    flat = rank_histogram_test(ranks, cases=1000)
    assert float(flat["p_value"].sel(part="all")) == pytest.approx(1)
    slope = rank_histogram_test(ranks * (1 + 0.2 * (xr.DataArray(np.arange(11), dims="rank") - 5) / 5), cases=1000)
    assert float(slope["p_value"].sel(part="slope")) < 0.01
    assert float(slope["p_value"].sel(part="bowl")) > 0.9
    bowl = 1 + 0.2 * (((xr.DataArray(np.arange(11), dims="rank") - 5) ** 2 - 10) / 10)
    assert float(rank_histogram_test(ranks * bowl, cases=1000)["p_value"].sel(part="bowl")) < 0.01


def test_points_without_weight_do_not_count(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    holed = analysis.where(analysis["latitude"] > -60)
    weights = area_weights(forecast["latitude"]).where(forecast["latitude"] > -60, 0.0)
    north = {"latitude": slice(1, None)}
    for score in (crps, ensemble_mean_rmse, rank_histogram, spread_skill_ratio):
        found = score(forecast, holed, reduce=GRID, weights=weights)
        expected = score(forecast.isel(north), analysis.isel(north), reduce=GRID, weights=weights.isel(north))
        xr.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduce": ["time"]}, "reduce: expected dimensions among"),
        ({"weights": xr.DataArray([1.0], dims="time")}, "weights: expected dimensions among"),
        ({"weights": xr.DataArray([1.0], dims="latitude")}, "weights: expected 6 along 'latitude', found 1"),
    ],
)
@pytest.mark.parametrize("score", [crps, rank_histogram])
def test_wrong_options(
    make_pair: MakePair, score: Callable[..., xr.DataArray], options: dict[str, object], message: str
) -> None:
    with pytest.raises(UnscorableError, match=message):
        score(*make_pair("random"), **options)


def test_area_weights() -> None:
    poles = area_weights(xr.DataArray([-90.0, -45.0, 0.0, 45.0, 90.0], dims="latitude"))
    edges = np.sin(np.deg2rad([-90, -67.5, -22.5, 22.5, 67.5, 90]))
    np.testing.assert_allclose(poles, np.diff(edges) / 2 * 5)
    region = area_weights(xr.DataArray([70.0, 67.5, 65.0], dims="latitude"))
    edges = np.sin(np.deg2rad([71.25, 68.75, 66.25, 63.75]))
    np.testing.assert_allclose(region, -np.diff(edges) / -np.diff(edges).mean())
    assert float(region.mean()) == pytest.approx(1)
    for wrong in ([10.0], [10.0, 10.0], [1.0, 3.0, 2.0], [80.0, 100.0]):
        with pytest.raises(UnscorableError, match="latitude: expected"):
            area_weights(xr.DataArray(wrong, dims="latitude"))
