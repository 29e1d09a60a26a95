"""Weighted members: a member of weight 2 is two members, and one of weight 0 none."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.verification import UnscorableError, brier_score, crps, rps

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
WEIGHTS = np.array([3.0, 1, 0, 2, 1, 1, 0, 4, 2])


def members(weights: object, *dims: str) -> xr.DataArray:
    return xr.DataArray(np.asarray(weights, dtype=float), dims=dims or ("member",))


@pytest.mark.parametrize("fair", [True, False])
def test_equal_weights_give_the_scores_of_members_that_count_alike(
    make_pair: MakePair, made_kind: str, fair: bool
) -> None:
    forecast, analysis = make_pair(made_kind)
    weights = members(np.full(forecast.sizes["member"], 0.25))
    for score, options in ((crps, {}), (brier_score, {"threshold": 1.0}), (rps, {"threshold": [1.0, 2.0]})):
        plain = score(forecast, analysis, fair=fair, **options)
        found = score(forecast, analysis, fair=fair, member_weights=weights, **options)
        xr.testing.assert_allclose(found, plain, rtol=1e-6, atol=1e-9 * float(abs(analysis).max()))


def test_whole_weights_are_numbers_of_equal_members(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    repeated = forecast.isel(member=np.repeat(np.arange(9), WEIGHTS.astype(int))).drop_vars("member")
    for score, options in ((crps, {}), (brier_score, {"threshold": [1.0, 2.0]}), (rps, {"threshold": [1.0, 2.0]})):
        expected = score(repeated, analysis, fair=False, **options)
        found = score(forecast, analysis, fair=False, member_weights=members(WEIGHTS), **options)
        xr.testing.assert_allclose(found, expected)


def test_the_crps_is_that_of_a_peer(make_pair: MakePair) -> None:
    import scoringrules as rules

    forecast, analysis = make_pair("random")
    x = forecast.transpose(..., "member").values
    weights = np.broadcast_to(WEIGHTS / WEIGHTS.sum(), x.shape)
    theirs = rules.crps_ensemble(analysis.values, x, ens_w=weights, estimator="nrg", backend="numpy")
    found = crps(forecast, analysis, fair=False, member_weights=members(WEIGHTS))
    np.testing.assert_allclose(found, theirs, rtol=1e-9)


@settings(deadline=None)
@given(seed=st.integers(0, 2**31), draws=st.just(4000))
def test_the_fair_score_does_not_depend_on_how_members_are_weighed(seed: int, draws: int) -> None:
    rng = np.random.default_rng(seed)
    forecast = xr.DataArray(rng.normal(size=(4, draws)), dims=("member", "case"))
    analysis = xr.DataArray(rng.normal(size=draws), dims="case")
    scores = [
        float(crps(forecast, analysis, reduce="case", member_weights=members(weights)))
        for weights in ([1, 1, 1, 1], [5, 1, 1, 1])
    ]
    assert scores == pytest.approx([1 / np.sqrt(np.pi)] * 2, abs=0.07)


def test_weights_by_lead_time_chunks_and_missing_members(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    by_lead = members(np.random.default_rng(0).random((9, 3)), "member", "lead_time")
    for score, options in ((crps, {}), (brier_score, {"threshold": 1.0}), (rps, {"threshold": [1.0, 2.0]})):
        whole = score(forecast, analysis, member_weights=by_lead, **options)
        one = score(
            forecast.isel(lead_time=1), analysis.isel(lead_time=1), member_weights=by_lead.isel(lead_time=1), **options
        )
        xr.testing.assert_allclose(whole.isel(lead_time=1), one)
        lazy = score(forecast.chunk(member=3, latitude=2), analysis, member_weights=by_lead, **options)
        assert lazy.chunks is not None
        xr.testing.assert_allclose(lazy.compute(), whole)
        holed = forecast.copy()
        holed[2] = np.nan
        holed[0, 0, 0, 0] = np.nan
        found = score(holed, analysis, member_weights=members(WEIGHTS), **options)
        assert int(found.isnull().sum()) == 1  # member 2 has no weight
        skipped = score(holed, analysis, member_weights=members(WEIGHTS), skip_missing=True, **options)
        fewer = score(forecast.isel(member=slice(1, None)), analysis, member_weights=members(WEIGHTS[1:]), **options)
        np.testing.assert_allclose(skipped[0, 0, 0], fewer[0, 0, 0])


def test_one_member_with_weight_has_no_fair_score(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    alone = members([0, 0, 1, 0, 0, 0, 0, 0, 0])
    assert crps(forecast, analysis, member_weights=alone).isnull().all()
    plain = crps(forecast, analysis, member_weights=alone, fair=False)
    np.testing.assert_allclose(plain, abs(forecast.isel(member=2, drop=True) - analysis))
    assert crps(forecast, analysis, member_weights=alone * 0, fair=False).isnull().all()


def test_what_does_not_fit_is_refused(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    with pytest.raises(UnscorableError, match="member_weights: expected 9 along 'member', found 3"):
        crps(forecast, analysis, member_weights=members([1, 2, 3]))
    with pytest.raises(UnscorableError, match="member_weights: expected finite numbers of 0 or more, found -1"):
        crps(forecast, analysis, member_weights=members(np.full(9, -1.0)))
