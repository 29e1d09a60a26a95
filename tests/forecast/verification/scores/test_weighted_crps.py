"""CRPS of outcomes within an interval: which distribution is scored, and limits in which another score is known."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.verification import UnscorableError, crps, owcrps, twcrps, vrcrps

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]


@pytest.mark.parametrize("fair", [True, False])
def test_without_an_interval_both_are_the_crps(make_pair: MakePair, made_kind: str, fair: bool) -> None:
    forecast, analysis = make_pair(made_kind)
    expected = crps(forecast, analysis, fair=fair)
    for score in (owcrps, vrcrps):
        found = score(forecast, analysis, fair=fair)
        xr.testing.assert_allclose(found, expected.rename(found.name), rtol=1e-7, atol=1e-8)
        assert found.attrs == {"units": "K"}


@pytest.mark.parametrize("fair", [True, False])
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_re_scaled_about_the_end_is_threshold_weighted(make_pair: MakePair, fair: bool, side: str) -> None:
    forecast, analysis = make_pair("tied")
    found = vrcrps(forecast, analysis, centre=2.0, fair=fair, **{side: 2.0})
    expected = twcrps(forecast, analysis, fair=fair, **{side: 2.0})
    xr.testing.assert_allclose(found, expected.rename("vrcrps"), atol=1e-12)


def test_outcome_weighted_is_the_crps_of_the_members_within() -> None:
    forecast = xr.DataArray([[0.0, 1.0, 2.0, 4.0, 9.0]], dims=("case", "member"))
    inside = xr.DataArray([[1.0, 2.0, 4.0]], dims=("case", "member"))
    for fair in (True, False):
        for outcome in (1.0, 3.0, 4.0):
            analysis = xr.DataArray([outcome], dims="case")
            found = owcrps(forecast, analysis, lower=1.0, upper=4.0, fair=fair)
            xr.testing.assert_allclose(found, crps(inside, analysis, fair=fair).rename("owcrps"))
    assert owcrps(forecast, xr.DataArray([0.5], dims="case"), lower=1.0, upper=4.0).item() == 0.0


def test_too_few_members_within_are_missing_and_may_be_left_out() -> None:
    forecast = xr.DataArray([[0.0, 1.0, 2.0], [0.0, 5.0, 6.0], [0.0, 0.0, 5.0]], dims=("case", "member"))
    analysis = xr.DataArray([7.0, 7.0, 7.0], dims="case")
    np.testing.assert_allclose(owcrps(forecast, analysis, lower=4.0), [np.nan, 1.0, np.nan])
    np.testing.assert_allclose(owcrps(forecast, analysis, lower=4.0, fair=False), [np.nan, 1.25, 2.0])
    assert np.isnan(owcrps(forecast, analysis, lower=4.0, reduce="case"))
    assert float(owcrps(forecast, analysis, lower=4.0, reduce="case", skip_missing=True)) == pytest.approx(1.0)
    assert vrcrps(forecast, analysis, lower=4.0).notnull().all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_the_fair_score_does_not_depend_on_the_number_of_members(seed: int) -> None:
    rng = np.random.default_rng(seed)
    forecast = xr.DataArray(rng.normal(size=(40, 4000)), dims=("member", "case"))
    analysis = xr.DataArray(rng.normal(size=4000), dims="case")
    options = {"lower": -0.5, "upper": 1.0, "centre": 0.3, "reduce": "case"}
    many = float(vrcrps(forecast, analysis, **options))
    few = float(vrcrps(forecast.isel(member=slice(3)), analysis, **options))
    assert few == pytest.approx(many, abs=0.05)


def test_several_ends_and_ends_by_place(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    by_place = 1.0 + 0.1 * xr.DataArray(np.arange(6), dims="latitude")
    for score in (owcrps, vrcrps):
        several = score(forecast, analysis, lower=[0.5, 1.0], fair=False, reduce="all", skip_missing=True)
        for lower in (0.5, 1.0):
            one = score(forecast, analysis, lower=lower, fair=False, reduce="all", skip_missing=True)
            assert float(several.sel(threshold=lower)) == pytest.approx(float(one))
        found = score(forecast, analysis, lower=by_place, fair=False)
        for row in range(6):
            here = score(forecast.isel(latitude=row), analysis.isel(latitude=row), lower=1.0 + 0.1 * row, fair=False)
            np.testing.assert_allclose(found.isel(latitude=row), here)


def test_outcomes_outside_may_be_infinite() -> None:
    forecast = xr.DataArray([[1.0, 2.0, np.inf]], dims=("case", "member"))
    analysis = xr.DataArray([1.5], dims="case")
    inside = crps(forecast.isel(member=slice(2)), analysis)
    assert owcrps(forecast, analysis, upper=5.0).item() == pytest.approx(inside.item())
    assert np.isfinite(vrcrps(forecast, analysis, upper=5.0))
    assert np.isfinite(vrcrps(forecast, xr.full_like(analysis, np.inf), upper=5.0))


def test_an_interval_upside_down_is_refused(make_pair: MakePair) -> None:
    for score in (owcrps, vrcrps):
        with pytest.raises(UnscorableError, match=r"^lower: expected it at or below upper"):
            score(*make_pair("random"), lower=2.0, upper=1.0)
