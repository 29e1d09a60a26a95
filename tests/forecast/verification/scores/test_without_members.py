"""Forecasts without members: scored as they are, with the numbers of their definition, or refused in one line."""

from collections.abc import Callable
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

from forecast import verification
from forecast.verification import (
    UnscorableError,
    acc,
    area_weights,
    bias,
    brier_score,
    crps,
    energy_score,
    fss,
    mae,
    quantile_score,
    rank_histogram,
    region_weights,
    rmse,
    rps,
    spread,
    twcrps,
)

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")


@pytest.fixture
def pair(make_pair: MakePair) -> tuple[xr.DataArray, xr.DataArray]:
    forecast, analysis = make_pair("random")
    return forecast.isel(member=0, drop=True), analysis


def test_errors_and_the_crps_are_their_definition(pair: tuple[xr.DataArray, xr.DataArray]) -> None:
    forecast, analysis = pair
    weights = area_weights(forecast["latitude"])
    options = {"reduce": GRID, "weights": weights}
    error = (forecast - analysis).weighted(weights)
    np.testing.assert_allclose(bias(forecast, analysis, **options), error.mean(GRID))
    absolute = abs(forecast - analysis).weighted(weights).mean(GRID)
    np.testing.assert_allclose(mae(forecast, analysis, **options), absolute)
    np.testing.assert_allclose(crps(forecast, analysis, **options), absolute)
    np.testing.assert_allclose(
        energy_score(forecast, analysis, dims=("lead_time",)), np.sqrt(((forecast - analysis) ** 2).sum("lead_time"))
    )
    squared = ((forecast - analysis) ** 2).weighted(weights).mean(GRID) ** 0.5
    found = rmse(forecast, analysis, **options)
    np.testing.assert_allclose(found, squared)
    assert found.attrs == {"units": "K"}
    clipped = abs(forecast.clip(1, 2) - analysis.clip(1, 2))
    np.testing.assert_allclose(twcrps(forecast, analysis, lower=1, upper=2), clipped)
    wrong = (forecast > 1) != (analysis > 1)
    np.testing.assert_allclose(brier_score(forecast, analysis, threshold=1.0), wrong)
    np.testing.assert_allclose(rps(forecast, analysis, threshold=[1.0]), wrong)
    halves = quantile_score(forecast, analysis, quantiles=[0.5]).isel(quantile=0)
    np.testing.assert_allclose(halves, abs(forecast - analysis) / 2)


def test_one_member_gives_the_scores_of_fields(pair: tuple[xr.DataArray, xr.DataArray]) -> None:
    forecast, analysis = pair
    for score, options in ((acc, {"climatology": xr.DataArray(2.0)}), (fss, {"threshold": 2.0, "window": 3})):
        one = score(forecast.expand_dims("member"), analysis, **options)
        xr.testing.assert_allclose(score(forecast, analysis, **options), one)


def test_chunks_and_a_leftover_label_of_a_member_do_not_matter(pair: tuple[xr.DataArray, xr.DataArray]) -> None:
    forecast, analysis = pair
    whole = crps(forecast, analysis, reduce="all")
    lazy = crps(forecast.chunk(lead_time=1), analysis, reduce="all")
    assert lazy.chunks is not None
    xr.testing.assert_allclose(lazy.compute(), whole)
    xr.testing.assert_allclose(crps(forecast.assign_coords(member=3), analysis, reduce="all"), whole)


def test_scores_of_an_ensemble_refuse_a_forecast_without_members(pair: tuple[xr.DataArray, xr.DataArray]) -> None:
    for score in (spread, rank_histogram):
        with pytest.raises(UnscorableError, match="expected dimension 'member'"):
            score(*pair, reduce=GRID)
    with pytest.raises(UnscorableError, match="expected"):
        mae(pair[0].expand_dims(case=2), pair[1])


CALLS: dict[str, dict[str, Any]] = {
    "angular_errors": {},
    "brier_score_of_probability": {"threshold": 1.0},
    "contingency_table": {"threshold": 1.0},
    "crps_of_quantiles": {},
    "interval_score": {"level": 0.8},
    "quantile_score_of_quantiles": {},
    "reliability_of_probability": {"threshold": 1.0},
    "roc_of_probability": {"threshold": 1.0},
    "rps_of_probability": {},
}


def given(name: str, make_pair: MakePair) -> tuple[xr.DataArray, xr.DataArray]:
    """A forecast of the kind that a score is of, and its analysis."""
    forecast, analysis = (field.drop_attrs() for field in make_pair("random"))
    if "quantile" in name or name == "interval_score":
        return forecast.quantile([0.1, 0.5, 0.9], "member"), analysis
    if name == "rps_of_probability":
        edges = xr.DataArray([0.5, 1.0, 2.0], dims="threshold", coords={"threshold": [0.5, 1.0, 2.0]})
        return (forecast > edges).mean("member"), analysis
    if "probability" in name:
        return (forecast > 1).mean("member"), analysis
    return forecast.isel(member=0, drop=True), analysis


def scored(name: str, forecast: Any, analysis: Any, **options: Any) -> xr.Dataset:
    found = getattr(verification, name)(forecast, analysis, **{**CALLS[name], **options})
    return found if isinstance(found, xr.Dataset) else found.to_dataset(name="score")


@pytest.mark.parametrize("name", CALLS)
def test_arguments_as_people_have_them(make_pair: MakePair, name: str) -> None:
    forecast, analysis = given(name, make_pair)
    weights = area_weights(forecast["latitude"])
    expected = scored(name, forecast, analysis, reduce=GRID, weights=weights)
    rounded = weights.assign_coords(latitude=weights["latitude"] + 3e-6)
    noisy = analysis.assign_coords(latitude=analysis["latitude"].astype(np.float32))
    xr.testing.assert_identical(scored(name, forecast, noisy, reduce=GRID, weights=rounded), expected)
    xr.testing.assert_identical(
        scored(name, forecast, analysis.transpose(), preserve="lead_time", weights=weights), expected
    )
    spelled = {"latitude": "lat", "longitude": "lon"}
    found = scored(
        name,
        forecast.rename(spelled),
        analysis.rename(spelled),
        reduce=("lat", "lon"),
        weights=weights.rename(latitude="lat"),
    )
    xr.testing.assert_identical(found, expected)
    by_region = region_weights(forecast["latitude"], forecast["longitude"])
    regions = scored(name, forecast, analysis, reduce=GRID, weights=by_region)
    one = scored(name, forecast, analysis, reduce=GRID, weights=by_region.isel(region=1, drop=True))
    xr.testing.assert_allclose(regions.isel(region=1, drop=True), one)
    both = scored(name, xr.Dataset({"t": forecast}), xr.Dataset({"t": analysis}), reduce=GRID, weights=weights)
    assert "t" in both or "variable" in both.dims
    whole = scored(name, forecast, analysis, reduce="all")
    xr.testing.assert_allclose(scored(name, forecast, analysis, reduce=...), whole)


@pytest.mark.parametrize("name", CALLS)
def test_what_does_not_fit_is_refused_in_one_line(make_pair: MakePair, name: str) -> None:
    forecast, analysis = given(name, make_pair)
    weights = area_weights(forecast["latitude"])
    for wrong, options in (
        (analysis.isel(latitude=slice(3)), {}),
        (analysis.assign_coords(latitude=analysis["latitude"] + 1), {}),
        (analysis.rename(latitude="y"), {}),
        (analysis, {"weights": weights.isel(latitude=slice(3))}),
        (analysis, {"weights": -weights}),
        (analysis, {"reduce": "time"}),
        (analysis.values, {}),
    ):
        with pytest.raises(UnscorableError, match=r"^[a-z]*: expected [^\n]*$"):
            scored(name, forecast, wrong, **{"reduce": GRID, **options})


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("skip_missing", [False, True])
@pytest.mark.parametrize("rubbish", [np.nan, np.inf, -np.inf, 1e30])
def test_weight_zero_does_not_count_whatever_it_holds(
    make_pair: MakePair, name: str, skip_missing: bool, rubbish: float
) -> None:
    forecast, analysis = given(name, make_pair)
    weights = xr.ones_like(analysis)
    weights[1, 2, 3] = 0.0
    options = {"reduce": "all", "weights": weights, "skip_missing": skip_missing}
    expected = scored(name, forecast, analysis, **options)
    spoilt = forecast.where(weights > 0, rubbish).transpose(*forecast.dims)
    holed = analysis.where(weights > 0, rubbish)
    for pair in ((spoilt, holed), (spoilt, analysis), (forecast, holed)):
        xr.testing.assert_allclose(scored(name, *pair, **options), expected)
    lazy = scored(name, spoilt.chunk(latitude=2), holed.chunk(latitude=3), **options)
    xr.testing.assert_allclose(lazy.compute(), expected)


@pytest.mark.parametrize("name", ["contingency_table", "brier_score_of_probability", "roc_of_probability"])
def test_what_is_no_event_is_refused_only_where_it_counts(make_pair: MakePair, name: str) -> None:
    forecast, analysis = (field > 1.5 for field in given("contingency_table", make_pair))
    weights = xr.ones_like(analysis, dtype=float)
    weights[1, 2, 3] = 0.0
    holed = analysis.where(weights > 0, 7.0)
    options = {"reduce": "all", "threshold": None}
    expected = scored(name, forecast.astype(float), analysis, weights=weights, **options)
    for each in (weights, weights.chunk(), xr.concat([weights, weights], "region")):
        found = scored(name, forecast.astype(float), holed, weights=each, **options)
        for part in expected:
            xr.testing.assert_allclose(found[part].compute(), expected[part].broadcast_like(found[part]))
    with pytest.raises(UnscorableError, match="analysis: expected events, which are 0 or 1, found 7"):
        scored(name, forecast.astype(float), holed, **options)


@pytest.mark.parametrize("name", CALLS)
def test_dask_and_numpy_mix(make_pair: MakePair, name: str) -> None:
    forecast, analysis = given(name, make_pair)
    weights = area_weights(forecast["latitude"])
    expected = scored(name, forecast, analysis, reduce="all", weights=weights)
    for pair in (
        (forecast.chunk(latitude=2), analysis, weights),
        (forecast, analysis.chunk(latitude=2), weights),
        (forecast, analysis, weights.chunk()),
        (forecast, analysis, weights.values),
    ):
        found = scored(name, *pair[:2], reduce="all", weights=pair[2])
        assert dask.is_dask_collection(found) == any(dask.is_dask_collection(each) for each in pair)
        xr.testing.assert_allclose(found.compute(), expected)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4"])
def test_integers_never_wrap(make_pair: MakePair, name: str, dtype: str) -> None:
    forecast, analysis = given(name, make_pair)
    analysis = (10 * analysis).round()
    expected = scored(name, forecast, analysis, reduce="all")
    xr.testing.assert_allclose(scored(name, forecast, analysis.astype(dtype), reduce="all"), expected, rtol=1e-5)
    if "probability" not in name:
        forecast = (10 * forecast).round()
        whole = scored(name, forecast, analysis, reduce="all")
        found = scored(name, forecast.astype(dtype), analysis.astype(dtype), reduce="all")
        xr.testing.assert_allclose(found.astype(float), whole.astype(float), rtol=1e-5)
