"""Forecasts that are probabilities: the scores of ensembles that issue them, and those of a peer."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from forecast.verification import (
    UnscorableError,
    area_weights,
    brier_score,
    brier_score_of_probability,
    reliability,
    reliability_of_probability,
    roc,
    roc_of_probability,
    rps,
    rps_of_probability,
)

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")
EVENT = 1.5


@pytest.fixture
def pair(make_pair: MakePair) -> tuple[xr.DataArray, xr.DataArray]:
    return make_pair("random", members=10)


def share(forecast: xr.DataArray) -> xr.DataArray:
    return (forecast > EVENT).mean("member")


def test_scores_are_those_of_the_ensemble_that_issues_the_probabilities(
    pair: tuple[xr.DataArray, xr.DataArray],
) -> None:
    forecast, analysis = pair
    weights = area_weights(forecast["latitude"])
    options = {"reduce": GRID, "weights": weights, "threshold": EVENT}
    plain = brier_score(forecast, analysis, fair=False, **options)
    np.testing.assert_allclose(brier_score_of_probability(share(forecast), analysis, **options), plain)
    np.testing.assert_allclose(
        brier_score_of_probability(share(forecast), analysis > EVENT, reduce=GRID, weights=weights), plain
    )
    ours, theirs = (
        roc_of_probability(share(forecast), analysis, levels=10, **options),
        roc(forecast, analysis, **options),
    )
    for name in ("hit_rate", "false_alarm_rate", "area"):
        np.testing.assert_allclose(
            ours[name].transpose("lead_time", ...), theirs[name].transpose("lead_time", ...), atol=1e-12
        )
    diagram = reliability_of_probability(share(forecast), analysis, bins=11, **options)
    curve = reliability(forecast, analysis, **options)
    for name in ("forecast_probability", "observed_frequency", "share", "consistency_low", "consistency_high"):
        np.testing.assert_allclose(
            diagram[name].transpose("lead_time", ...), curve[name].transpose("lead_time", ...), atol=1e-12
        )
    thresholds = [0.5, 1.5, 3.0]
    chances = xr.concat([(forecast > edge).mean("member") for edge in thresholds], dim="threshold")
    chances = chances.assign_coords(threshold=thresholds)
    expected = rps(forecast, analysis, thresholds=thresholds, fair=False, reduce=GRID, weights=weights)
    np.testing.assert_allclose(rps_of_probability(chances, analysis, reduce=GRID, weights=weights), expected)


def test_scores_are_those_of_a_peer() -> None:
    import scores.probability as peer

    rng = np.random.default_rng(0)
    chance = xr.DataArray(rng.random((40, 30)), dims=("time", "x"))
    seen = (xr.DataArray(rng.random((40, 30)), dims=("time", "x")) < chance).astype(float)
    np.testing.assert_allclose(
        brier_score_of_probability(chance, seen, reduce="all"), peer.brier_score(chance, seen), rtol=1e-12
    )
    levels = np.arange(21) / 20
    theirs = peer.roc_curve_data(chance, seen, thresholds=levels.tolist())
    ours = roc_of_probability(chance, seen, levels=20, reduce="all")
    found = ours.isel(probability_needed=slice(1, -1))
    np.testing.assert_allclose(found["hit_rate"], theirs["POD"].sel(threshold=levels[1:]), atol=1e-12)
    np.testing.assert_allclose(found["false_alarm_rate"], theirs["POFD"].sel(threshold=levels[1:]), atol=1e-12)
    fine = roc_of_probability(chance, seen, levels=2000, reduce="all")
    ranks = chance.values.ravel().argsort().argsort() + 1
    events = seen.values.ravel() == 1
    below = ranks[events].sum() - events.sum() * (events.sum() + 1) / 2
    assert float(fine["area"]) == pytest.approx(below / (events.sum() * (~events).sum()), abs=2e-4)


def test_bins_have_edges_and_keep_what_lies_on_them() -> None:
    chance = xr.DataArray(np.arange(51) / 50, dims="x")
    diagram = reliability_of_probability(chance, chance > 0.5, bins=50, reduce="x")
    np.testing.assert_allclose(diagram["forecast_probability"][:-1], np.arange(49) / 50)
    assert float(diagram["forecast_probability"][-1]) == pytest.approx(0.99)
    np.testing.assert_allclose(diagram["bin_low"][:3], [0, 0.02, 0.04])
    assert float(diagram["bin_high"][-1]) == 1.0
    assert float(diagram["share"].sum()) == pytest.approx(1.0)


@pytest.mark.parametrize("score", [brier_score_of_probability, reliability_of_probability, roc_of_probability])
def test_chunks_missing_points_and_what_is_no_probability(
    pair: tuple[xr.DataArray, xr.DataArray], score: Callable[..., xr.DataArray | xr.Dataset]
) -> None:
    chance, analysis = share(pair[0]), pair[1]
    options = {"threshold": EVENT, "reduce": GRID}
    whole = score(chance, analysis, **options)
    xr.testing.assert_allclose(score(chance.chunk(latitude=2), analysis, **options).compute(), whole)
    lazy = score(chance, analysis.chunk(lead_time=1), **options)
    assert lazy.chunks
    xr.testing.assert_allclose(lazy.compute(), whole)
    holed = analysis.copy()
    holed[1, 0, 0] = np.nan
    spoiled = score(chance, holed, **options)
    spoiled = spoiled if isinstance(spoiled, xr.Dataset) else spoiled.to_dataset(name="score")
    assert all(part.isel(lead_time=1).isnull().all() for part in spoiled.values())
    skipped = score(chance, holed, skip_missing=True, **options)
    points = [field.isel(lead_time=1).stack(p=GRID).drop_isel(p=0) for field in (chance, analysis)]
    without = score(*points, threshold=EVENT, reduce="p")
    xr.testing.assert_allclose(skipped.isel(lead_time=1).drop_vars("lead_time"), without.drop_vars("lead_time"))
    with pytest.raises(UnscorableError, match="forecast: expected probabilities from 0 to 1"):
        score(100 * chance, analysis, **options)
    with pytest.raises(UnscorableError, match="analysis: expected events"):
        score(chance, analysis, reduce=GRID)


def test_ranked_probabilities_of_chunks_and_what_is_refused(pair: tuple[xr.DataArray, xr.DataArray]) -> None:
    forecast, analysis = pair
    edges = xr.DataArray([0.5, 1.0], dims="threshold", coords={"threshold": [0.5, 1.0]})
    chances = (forecast > edges).mean("member")
    whole = rps_of_probability(chances, analysis, reduce=GRID)
    xr.testing.assert_allclose(rps_of_probability(chances.chunk(threshold=1), analysis, reduce=GRID).compute(), whole)
    below = rps_of_probability(1 - chances, analysis, reduce=GRID, operator="<=")
    np.testing.assert_allclose(below, whole)
    with pytest.raises(UnscorableError, match="expected thresholds as the coordinate of 'threshold'"):
        rps_of_probability(chances.drop_vars("threshold"), analysis)
    with pytest.raises(UnscorableError, match="bins: expected a whole number"):
        reliability_of_probability(share(forecast), analysis, threshold=EVENT, reduce=GRID, bins=0)
    with pytest.raises(UnscorableError, match="levels: expected a whole number"):
        roc_of_probability(share(forecast), analysis, threshold=EVENT, reduce=GRID, levels=0)
