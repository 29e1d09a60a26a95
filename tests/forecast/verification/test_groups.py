"""Groups become a dimension of a score, and each is what its own points give."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from forecast.verification import UnscorableError, area_weights, crps, group_weights, reliability, spread_skill_ratio

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")


def test_scores_by_season_are_those_of_its_starts() -> None:
    rng, times = np.random.default_rng(0), np.arange("2001-01-15", "2002-01-10", 20, dtype="M8[D]").astype("M8[ns]")
    forecast = xr.DataArray(rng.normal(size=(5, times.size)), dims=("member", "init_time"), coords={"init_time": times})
    analysis = forecast.isel(member=0, drop=True) + 0.5
    by_season = group_weights(forecast["init_time"].dt.season)
    assert by_season.dims == ("season", "init_time")
    found = crps(forecast, analysis, reduce="init_time", weights=by_season)
    for season in ("DJF", "MAM", "JJA", "SON"):
        chosen = {"init_time": forecast["init_time"].dt.season == season}
        expected = crps(forecast.sel(chosen), analysis.sel(chosen), reduce="init_time")
        np.testing.assert_allclose(found.sel(season=season), expected)
    ordered = group_weights(forecast["init_time"].dt.season, ["MAM", "DJF"])
    assert crps(forecast, analysis, reduce="init_time", weights=ordered)["season"].values.tolist() == ["MAM", "DJF"]


def test_land_and_sea_by_area_in_every_kind_of_score(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    land = (forecast["longitude"] < 180) & (forecast["latitude"] > -50)
    weights = group_weights(land.rename("land")) * area_weights(forecast["latitude"])
    for score, options in ((crps, {}), (spread_skill_ratio, {}), (reliability, {"threshold": 2.0})):
        found = score(forecast, analysis, reduce=GRID, weights=weights, **options)
        for side in (True, False):
            expected = score(forecast, analysis, reduce=GRID, weights=weights.sel(land=side, drop=True), **options)
            xr.testing.assert_allclose(found.sel(land=side, drop=True), expected)


def test_labels_that_are_missing_wanted_or_named_like_a_dimension() -> None:
    labels = xr.DataArray([1.0, np.nan, 2.0], dims="x", name="x")
    found = group_weights(labels)
    assert found.dims == ("group", "x")
    assert found.values.tolist() == [[1, 0, 0], [0, 0, 1]]
    for wrong, message in (
        (lambda: group_weights(labels, [3.0]), "among .* found"),
        (lambda: group_weights(labels, []), "none"),
    ):
        with pytest.raises(UnscorableError, match=f"groups: expected labels .*{message}"):
            wrong()
    with pytest.raises(UnscorableError, match="labels: expected a DataArray"):
        group_weights(labels.values)  # type: ignore[arg-type]
