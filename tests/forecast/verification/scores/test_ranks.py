"""Rank histograms: ties, flatness, and the test of it."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from forecast.verification import UnscorableError, ensemble_statistics, rank_histogram, rank_histogram_test
from forecast.verification.scores.ranks import histogram

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]


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


def test_flatness_is_a_chi_squared_test() -> None:
    counts = np.array([12.0, 9, 15, 4, 10])
    histogram = xr.DataArray(counts / counts.sum(), dims="rank")
    found = rank_histogram_test(histogram, cases=counts.sum())
    expected = stats.chisquare(counts)
    assert float(found["p_value"].sel(part="all")) == pytest.approx(expected.pvalue, rel=1e-9)


def test_flatness_test_tells_flat_from_sloped_and_bowl() -> None:
    ranks = xr.DataArray(np.full(11, 1 / 11), dims="rank")
    flat = rank_histogram_test(ranks, cases=1000)
    assert float(flat["p_value"].sel(part="all")) == pytest.approx(1)
    slope = rank_histogram_test(ranks * (1 + 0.2 * (xr.DataArray(np.arange(11), dims="rank") - 5) / 5), cases=1000)
    assert float(slope["p_value"].sel(part="slope")) < 0.01
    assert float(slope["p_value"].sel(part="bowl")) > 0.9
    bowl = 1 + 0.2 * (((xr.DataArray(np.arange(11), dims="rank") - 5) ** 2 - 10) / 10)
    assert float(rank_histogram_test(ranks * bowl, cases=1000)["p_value"].sel(part="bowl")) < 0.01


def test_a_histogram_of_two_ranks_has_no_test(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("single")
    with pytest.raises(UnscorableError, match="rank histogram: expected at least 3 ranks, found 2"):
        rank_histogram_test(rank_histogram(forecast, analysis, reduce=analysis.dims), cases=10)


def test_classes_of_several_periods_add(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("tied")
    weight = xr.ones_like(analysis, dtype=float)
    statistics = ensemble_statistics(forecast, analysis)
    whole = histogram(statistics["below"], statistics["equal"], weight, analysis.dims, 9)
    each = histogram(statistics["below"], statistics["equal"], weight, ("latitude", "longitude"), 9)
    np.testing.assert_allclose(each.sum("lead_time"), whole, rtol=1e-12)
    assert float(whole.sum()) == pytest.approx(analysis.size)
    with pytest.raises(UnscorableError, match=r"reduce: expected dimensions among .*, found \['time'\]"):
        histogram(statistics["below"], statistics["equal"], weight, ["time"], 9)
