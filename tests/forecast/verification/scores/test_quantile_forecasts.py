"""Forecasts that are quantiles: the scores of ensembles that they come from, of distributions, and of a peer."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from forecast.verification import (
    UnscorableError,
    area_weights,
    crps_of_quantiles,
    interval_score,
    quantile_score,
    quantile_score_of_quantiles,
)

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")
LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95]


@pytest.fixture
def pair(make_pair: MakePair) -> tuple[xr.DataArray, xr.DataArray]:
    forecast, analysis = make_pair("random")
    return forecast.quantile(LEVELS, "member", keep_attrs=True), analysis


def test_quantile_scores_are_those_of_the_ensemble(make_pair: MakePair, pair: tuple[xr.DataArray, ...]) -> None:
    forecast, analysis = make_pair("random")
    options = {"reduce": GRID, "weights": area_weights(forecast["latitude"])}
    ours = quantile_score_of_quantiles(*pair, **options)
    theirs = quantile_score(forecast, analysis, quantiles=LEVELS, **options)
    xr.testing.assert_allclose(ours.transpose(*theirs.dims), theirs.rename(ours.name))
    assert ours.attrs == {"units": "K"}
    assert quantile_score_of_quantiles(*pair).dims == (*analysis.dims, "quantile")


def test_the_integral_of_quantile_scores_is_the_crps_of_a_normal_distribution() -> None:
    import scoringrules as rules

    levels = (np.arange(400) + 0.5) / 400
    quantiles = xr.DataArray(stats.norm.ppf(levels), dims="quantile", coords={"quantile": levels})
    analysis = xr.DataArray([-1.0, 0.0, 0.7, 2.5], dims="case")
    found = crps_of_quantiles(quantiles + 0 * analysis, analysis)
    np.testing.assert_allclose(found, rules.crps_normal(analysis.values, 0.0, 1.0), rtol=2e-3)


def test_interval_scores_are_those_of_a_peer(pair: tuple[xr.DataArray, ...]) -> None:
    import scores.continuous as peer

    forecast, analysis = pair
    ours = interval_score(forecast, analysis, level=0.9, reduce=GRID)
    theirs = peer.interval_score(
        forecast.sel(quantile=0.05, drop=True),
        forecast.sel(quantile=0.95, drop=True),
        analysis,
        0.9,
        preserve_dims=["lead_time"],
    )
    np.testing.assert_allclose(ours["score"], theirs["total"])
    np.testing.assert_allclose(ours["width"], theirs["interval_width_penalty"])
    np.testing.assert_allclose(ours["above"], theirs["underprediction_penalty"])
    np.testing.assert_allclose(ours["below"], theirs["overprediction_penalty"])


def test_coverage_counts_ends() -> None:
    forecast = xr.DataArray([[0.0] * 4, [1.0] * 4], dims=("quantile", "x"), coords={"quantile": [0.25, 0.75]})
    analysis = xr.DataArray([0.0, 1.0, 1.1, -0.1], dims="x")
    found = interval_score(forecast, analysis, level=0.5, reduce="x")
    assert float(found["coverage"]) == 0.5
    assert float(found["score"]) == pytest.approx(1 + 2 * (0.1 * 4) / 4)


@pytest.mark.parametrize("score", [quantile_score_of_quantiles, crps_of_quantiles, interval_score])
def test_chunks_and_missing_points(
    pair: tuple[xr.DataArray, ...], score: Callable[..., xr.DataArray | xr.Dataset]
) -> None:
    forecast, analysis = pair
    whole = score(forecast, analysis, reduce=GRID)
    lazy = score(forecast.chunk(quantile=2, latitude=3), analysis, reduce=GRID)
    assert lazy.chunks
    xr.testing.assert_allclose(lazy.compute(), whole)
    holed = analysis.copy()
    holed[1, 0, 0] = np.nan
    spoiled = score(forecast, holed, reduce=GRID)
    spoiled = spoiled if isinstance(spoiled, xr.Dataset) else spoiled.to_dataset(name="score")
    assert all(part.isel(lead_time=1).isnull().all() for part in spoiled.values())
    skipped = score(forecast, holed, reduce=GRID, skip_missing=True)
    points = [field.isel(lead_time=1).stack(p=GRID).drop_isel(p=0) for field in (forecast, analysis)]
    xr.testing.assert_allclose(skipped.isel(lead_time=1), score(*points, reduce="p"))


def test_what_is_refused(pair: tuple[xr.DataArray, ...]) -> None:
    forecast, analysis = pair
    with pytest.raises(UnscorableError, match="expected levels as the coordinate of 'quantile'"):
        crps_of_quantiles(forecast.drop_vars("quantile"), analysis)
    with pytest.raises(UnscorableError, match="expected levels between 0 and 1"):
        quantile_score_of_quantiles(forecast.assign_coords(quantile=[5, 25, 50, 75, 95]), analysis)
    with pytest.raises(UnscorableError, match="expected increasing levels"):
        crps_of_quantiles(forecast.isel(quantile=[1, 0]), analysis)
    with pytest.raises(UnscorableError, match=r"forecast: expected a quantile of level 0.1, found \[0.05"):
        interval_score(forecast, analysis, level=0.8)
    with pytest.raises(UnscorableError, match="level: expected a number between 0 and 1, found 90"):
        interval_score(forecast, analysis, level=90)
