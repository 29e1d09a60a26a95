"""Correlation, efficiencies and quantiles against peers, and what they must not notice."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from forecast.verification import UnscorableError, area_weights, correlation, kge, nse, quantile_quantile

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")


@pytest.fixture
def plain(make_pair: MakePair) -> tuple[xr.DataArray, xr.DataArray]:
    forecast, analysis = make_pair("random")
    return forecast.isel(member=0, drop=True) + analysis, analysis


def test_they_are_those_of_a_peer(plain: tuple[xr.DataArray, xr.DataArray]) -> None:
    import scores.continuous as peer

    forecast, analysis = plain
    options = {"preserve_dims": ["lead_time"]}
    np.testing.assert_allclose(
        correlation(forecast, analysis, reduce=GRID), peer.correlation.pearsonr(forecast, analysis, **options)
    )
    np.testing.assert_allclose(nse(forecast, analysis, reduce=GRID), peer.nse(forecast, analysis, **options))
    weights = area_weights(forecast["latitude"])
    weighted_means = (analysis * weights).sum(GRID) / weights.broadcast_like(analysis).sum(GRID)
    by_hand = 1 - (weights * (forecast - analysis) ** 2).sum(GRID) / (weights * (analysis - weighted_means) ** 2).sum(
        GRID
    )
    np.testing.assert_allclose(nse(forecast, analysis, reduce=GRID, weights=weights), by_hand)
    ours = kge(forecast, analysis, reduce=GRID)
    np.testing.assert_allclose(ours["kge"], peer.kge(forecast, analysis, **options), rtol=1e-10)
    pairs = quantile_quantile(forecast, analysis, reduce=GRID, quantiles=[0.1, 0.5])
    np.testing.assert_allclose(pairs["forecast"], forecast.quantile([0.1, 0.5], GRID))
    np.testing.assert_allclose(pairs["analysis"], analysis.quantile([0.1, 0.5], GRID))


def test_a_perfect_forecast_and_one_that_is_shifted_and_stretched(plain: tuple[xr.DataArray, xr.DataArray]) -> None:
    _, analysis = plain
    perfect = kge(analysis, analysis, reduce="all")
    assert [float(part) for part in perfect.data_vars.values()] == pytest.approx([1, 1, 1, 1])
    assert float(nse(analysis, analysis, reduce="all")) == 1.0
    other = kge(2 * analysis, analysis, reduce="all")
    assert float(other["kge"]) == pytest.approx(1 - np.sqrt(2))
    assert float(correlation(5 - 3 * analysis, analysis, reduce="all")) == pytest.approx(-1)
    assert float(nse(xr.full_like(analysis, float(analysis.mean())), analysis, reduce="all")) == pytest.approx(0)
    assert np.isnan(correlation(xr.full_like(analysis, 0.1), analysis, reduce="all"))


def test_members_are_averaged_and_all_counted_in_quantiles(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    mean = forecast.mean("member")
    for score in (correlation, kge, nse):
        xr.testing.assert_allclose(score(forecast, analysis, reduce=GRID), score(mean, analysis, reduce=GRID))
    pairs = quantile_quantile(forecast, analysis, reduce="all", quantiles=[0.5])
    assert pairs["forecast"].item() == pytest.approx(np.quantile(forecast, 0.5))


def test_chunks_offsets_and_missing_points(plain: tuple[xr.DataArray, xr.DataArray]) -> None:
    forecast, analysis = plain
    for score in (correlation, kge, nse, quantile_quantile):
        whole = score(forecast, analysis, reduce=GRID)
        lazy = score(forecast.chunk(latitude=2), analysis, reduce=GRID)
        xr.testing.assert_allclose(lazy.compute(), whole)
        holed = forecast.copy()
        holed[1, 2, 3] = np.nan
        spoiled = score(holed, analysis, reduce=GRID)
        spoiled = spoiled if isinstance(spoiled, xr.Dataset) else spoiled.to_dataset(name="score")
        assert all(part.isel(lead_time=1).isnull().all() for name, part in spoiled.items() if name != "analysis")
        skipped = score(holed, analysis, reduce=GRID, skip_missing=True)
        points = [field.isel(lead_time=1).stack(p=GRID).drop_isel(p=2 * 8 + 3) for field in (forecast, analysis)]
        without = score(*points, reduce="p")
        plain_numbers = [found.reset_coords(drop=True) for found in (skipped.isel(lead_time=1), without)]
        xr.testing.assert_allclose(*plain_numbers)
    far_off = correlation(forecast + 5e6, analysis + 5e6, reduce=GRID)
    xr.testing.assert_allclose(far_off, correlation(forecast, analysis, reduce=GRID), rtol=1e-8)


def test_what_is_refused(plain: tuple[xr.DataArray, xr.DataArray]) -> None:
    for score in (correlation, kge, nse, quantile_quantile):
        with pytest.raises(UnscorableError, match="reduce: expected dimensions among"):
            score(*plain)
    with pytest.raises(UnscorableError, match="quantiles: expected levels from 0 to 1"):
        quantile_quantile(*plain, reduce="all", quantiles=[5])
