"""Scores of fields against the CRPS of one point and a variogram by hand."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy.stats import multivariate_normal

from forecast.verification import (
    UnscorableError,
    crps,
    dawid_sebastiani,
    energy_score,
    multivariate_dawid_sebastiani,
    variogram_score,
)

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")


def test_energy_score_of_one_point_is_the_crps(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("offset")
    one = {"latitude": [2], "longitude": [3]}
    found = energy_score(forecast.isel(one), analysis.isel(one), dims=GRID)
    np.testing.assert_allclose(found, crps(forecast, analysis).isel(latitude=2, longitude=3), rtol=1e-9)
    doubled = energy_score(forecast, analysis, dims=GRID, norm_weights=xr.full_like(analysis[0], 4.0))
    np.testing.assert_allclose(doubled, 2 * energy_score(forecast, analysis, dims=GRID))
    assert energy_score(*make_pair("single"), dims=GRID).isnull().all()


def test_variogram_score_by_hand() -> None:
    forecast = xr.DataArray([[0.0, 4.0], [0.0, 16.0]], dims=("member", "point"))
    analysis = xr.DataArray([0.0, 1.0], dims="point")
    # Root differences are 2 and 4 in the members, 1 in the analysis; each pair counts twice.
    assert float(variogram_score(forecast, analysis, dims=["point"])) == 2 * (1 - 3) ** 2
    assert float(variogram_score(forecast, analysis, dims=["point"], order=1.0)) == 2 * (1 - 10) ** 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dims": ()}, r"dims: expected dimensions among .*, found \[\]"),
        ({"dims": ["level"]}, r"dims: expected dimensions among .*, found \['level'\]"),
        ({"dims": GRID, "reduce": ["latitude"]}, r"reduce: expected dimensions among \['lead_time'\]"),
        (
            {"dims": GRID, "norm_weights": xr.DataArray([1.0, 2.0], dims="latitude")},
            "norm_weights: expected 6 along 'latitude', found 2",
        ),
    ],
)
def test_wrong_options(make_pair: MakePair, options: dict[str, object], message: str) -> None:
    with pytest.raises(UnscorableError, match=message):
        energy_score(*make_pair("random"), **options)


def test_dawid_sebastiani_of_one_point_and_of_independent_points() -> None:
    rng = np.random.default_rng(2)
    forecast = xr.DataArray(rng.normal(size=(60, 3, 2)), dims=("member", "case", "point")) + 300.0
    analysis = xr.DataArray(rng.normal(size=(3, 2)), dims=("case", "point")) + 300.0
    one = {"point": [1]}
    found = multivariate_dawid_sebastiani(forecast.isel(one), analysis.isel(one), dims="point")
    np.testing.assert_allclose(found, dawid_sebastiani(forecast, analysis).isel(point=1), rtol=1e-9)
    # Members mirrored at one point have no covariance between the two: the score is the sum of the points'.
    mean = forecast.mean("member")
    mirrored = mean + (forecast - mean) * xr.DataArray([1.0, -1.0], dims="point")
    both = xr.concat([forecast, mirrored], "member")
    found = multivariate_dawid_sebastiani(both, analysis, dims="point")
    np.testing.assert_allclose(found, dawid_sebastiani(both, analysis).sum("point"), rtol=1e-9)


def test_dawid_sebastiani_of_normal_fields_is_that_of_their_density() -> None:
    rng = np.random.default_rng(8)
    forecast = xr.DataArray(rng.normal(size=(40, 5)) @ rng.normal(size=(5, 5)), dims=("member", "point"))
    analysis = xr.DataArray(rng.normal(size=5), dims="point")
    covariance, mean = np.cov(forecast.values, rowvar=False), forecast.values.mean(axis=0)
    expected = -2 * multivariate_normal.logpdf(analysis, mean, covariance) - 5 * np.log(2 * np.pi)
    assert float(multivariate_dawid_sebastiani(forecast, analysis, dims="point")) == pytest.approx(expected)
    # Units of single points only add a constant, however unlike they are.
    scale = xr.DataArray([1e-6, 1.0, 1e5, 3.0, 1e-3], dims="point")
    found = multivariate_dawid_sebastiani(forecast * scale, analysis * scale, dims="point")
    assert float(found) == pytest.approx(expected + 2 * np.log(scale.values).sum())


def test_dawid_sebastiani_of_too_few_or_dependent_members_is_missing(make_pair: MakePair) -> None:
    for kind in ("constant", "single", "pair"):
        assert multivariate_dawid_sebastiani(*make_pair(kind), dims=("latitude",)).isnull().all()
    forecast, analysis = make_pair("random")
    assert multivariate_dawid_sebastiani(forecast, analysis, dims=("latitude",)).notnull().all()
    assert multivariate_dawid_sebastiani(forecast, analysis, dims=GRID).isnull().all()
    twice = forecast.copy()
    twice[{"latitude": 1}] = forecast.isel(latitude=0)
    assert multivariate_dawid_sebastiani(twice, analysis, dims=("latitude",)).isnull().all()


def test_fields_with_a_missing_member_or_analysis_are_left_out(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    whole = multivariate_dawid_sebastiani(forecast, analysis, dims=("latitude",))
    forecast[{"member": 3, "lead_time": 0, "latitude": 1, "longitude": 2}] = np.nan
    analysis[{"lead_time": 1, "latitude": 1, "longitude": 4}] = np.nan
    options = {"dims": ("latitude",), "reduce": ("lead_time", "longitude")}
    assert multivariate_dawid_sebastiani(forecast, analysis, **options).isnull()
    found = multivariate_dawid_sebastiani(forecast, analysis, skip_missing=True, **options)
    left = whole.transpose("lead_time", "longitude").values
    left[0, 2] = left[1, 4] = np.nan
    assert float(found) == pytest.approx(np.nanmean(left))


def test_wrong_order(make_pair: MakePair) -> None:
    with pytest.raises(UnscorableError, match="order: expected a positive number, found 0"):
        variogram_score(*make_pair("random"), dims=GRID, order=0)
