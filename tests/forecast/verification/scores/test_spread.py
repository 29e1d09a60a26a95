"""Spread, by itself and against the error, from variances and errors point by point."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.typing import NDArray

from forecast.verification import area_weights, spread, spread_skill_binned, spread_skill_ratio

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
Cases = Callable[[xr.DataArray, xr.DataArray], Iterator[tuple[NDArray[np.float64], float, float]]]


def test_spread_against_skill(make_pair: MakePair, cases: Cases, kind: str) -> None:
    forecast, analysis = make_pair(kind)
    weights = area_weights(analysis["latitude"])
    options = {"reduce": analysis.dims, "weights": weights}
    members = forecast.sizes["member"]
    rows = [
        (np.var(x, ddof=1) if members > 1 else np.nan, x.mean() - y, area) for x, y, area in cases(forecast, analysis)
    ]
    variance, error, area = np.array(rows).T
    spread2, skill2 = np.average(variance, weights=area), np.average(error**2, weights=area)
    ratio, unbiased = (spread_skill_ratio(forecast, analysis, **options, unbiased=way) for way in (False, True))
    if members == 1:
        assert all(score.isnull() for score in (ratio, unbiased, spread(forecast, None, **options)))
        return
    assert float(spread(forecast, None, **options)) == pytest.approx(np.sqrt(spread2), rel=1e-6)
    assert float(ratio) == pytest.approx(np.sqrt((1 + 1 / members) * spread2 / skill2), rel=1e-6)
    endless = skill2 - spread2 / members
    assert float(unbiased) == pytest.approx(
        np.sqrt(spread2 / endless) if endless > 0 else np.nan, rel=1e-6, nan_ok=True
    )
    widths = np.unique(np.sqrt(variance))
    middle = widths[[len(widths) // 2 - 1, len(widths) // 2]].mean() if len(widths) > 2 else 0.5 + widths[0]
    edges = np.array([-1.0, middle, widths[-1] + 1])  # none on a width, where rounding would decide
    bins = spread_skill_binned(forecast, analysis, edges=edges.tolist(), **options)
    table = pd.DataFrame({"variance": variance * area, "error": error**2 * area, "area": area})
    sums = table.groupby(pd.cut(np.sqrt(variance), edges, right=False, labels=False)).sum()
    filled = sums.index.to_numpy()
    np.testing.assert_allclose(bins["rmse"][filled], np.sqrt(sums.error / sums.area), rtol=1e-6)
    expected = np.sqrt((1 + 1 / members) * sums.variance / sums.area)
    np.testing.assert_allclose(bins["spread"][filled], expected, rtol=1e-6)


def test_spread_skill_of_members_drawn_like_the_analysis_is_one() -> None:
    rng = np.random.default_rng(1)
    centre = rng.normal(size=30000)
    for members in (2, 5):
        drawn = xr.DataArray(centre + rng.normal(size=(members, 30000)), dims=("member", "case"))
        analysis = xr.DataArray(centre + rng.normal(size=30000), dims="case")
        assert float(spread_skill_ratio(drawn, analysis, reduce=["case"])) == pytest.approx(1, abs=0.02)
        assert float(spread_skill_ratio(drawn, analysis, reduce=["case"], unbiased=True)) == pytest.approx(1, abs=0.03)


def test_binned_spread_tells_small_from_large() -> None:
    rng = np.random.default_rng(0)
    width = xr.DataArray(np.where(np.arange(40_000) % 2, 1.0, 3.0), dims="case")
    forecast = xr.DataArray(rng.normal(size=(20, 40_000)), dims=("member", "case")) * width
    analysis = xr.DataArray(rng.normal(size=40_000), dims="case") * width
    bins = spread_skill_binned(forecast, analysis, edges=[0, 1.7, 10], reduce=["case"])
    np.testing.assert_allclose(bins["rmse"] / bins["spread"], 1, atol=0.03)
    np.testing.assert_allclose(bins["weight"], 20_000, rtol=0.01)
