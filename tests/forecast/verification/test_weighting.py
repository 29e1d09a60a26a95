"""Areas of cells, and the weighted mean of every score."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from forecast.verification import (
    UnscorableError,
    area_weights,
    brier_decomposition,
    crps,
    crps_decomposition,
    ensemble_mean_rmse,
    rank_histogram,
    spread_skill_ratio,
)
from forecast.verification.weighting import point_weights, weighted_mean, weighted_sums

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")


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


@pytest.mark.parametrize("skip_missing", [False, True])
def test_a_point_without_weight_does_not_count_whatever_it_holds(make_pair: MakePair, skip_missing: bool) -> None:
    forecast, analysis = make_pair("random")
    holed = analysis.where(analysis["latitude"] > -60)
    weights = area_weights(forecast["latitude"]).where(forecast["latitude"] > -60, 0.0)
    options = {"reduce": GRID, "weights": weights, "skip_missing": skip_missing}
    whole = {"reduce": GRID, "weights": weights.isel(latitude=slice(1, None))}
    north = [field.isel(latitude=slice(1, None)) for field in (forecast, analysis)]
    parts = crps_decomposition(forecast, holed, **options)
    xr.testing.assert_allclose(parts, crps_decomposition(*north, **whole))
    events = brier_decomposition(forecast, holed, threshold=2.0, **options)
    xr.testing.assert_allclose(events, brier_decomposition(*north, threshold=2.0, **whole))


def test_sums_add_over_pieces(make_pair: MakePair) -> None:
    _, analysis = make_pair("random")
    holed = analysis.where(analysis > 1)
    weights = area_weights(analysis["latitude"])
    total, weight = weighted_sums(holed, analysis.dims, weights, skip_missing=True)
    pieces = [
        weighted_sums(holed.isel(latitude=rows), analysis.dims, weights.isel(latitude=rows), skip_missing=True)
        for rows in (slice(3), slice(3, None))
    ]
    assert float(total) == pytest.approx(float(pieces[0][0] + pieces[1][0]))
    assert float(weight) == pytest.approx(float(pieces[0][1] + pieces[1][1]))
    mean = weighted_mean(holed, analysis.dims, weights, skip_missing=True)
    assert float(mean) == pytest.approx(float(holed.weighted(weights).mean()))
    assert weighted_mean(holed, analysis.dims, weights, skip_missing=False).isnull()


def test_weights_of_points(make_pair: MakePair) -> None:
    _, analysis = make_pair("random")
    assert (point_weights(None, analysis) == 1).all()
    weights = xr.DataArray([0.0, 1, 2, 3, 4, 5], dims="latitude")
    assert point_weights(weights, analysis).dims == analysis.dims
    known = xr.zeros_like(analysis, dtype=bool)
    assert (point_weights(weights, analysis, known, skip_missing=True) == 0).all()
    unknown = point_weights(weights, analysis, known)
    assert (unknown.isel(latitude=0) == 0).all()
    assert unknown.isel(latitude=slice(1, None)).isnull().all()
