"""Brier scores: unbiased whatever the size of the ensemble, for thresholds of every form."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forecast.system.operators import OPERATORS
from forecast.verification import UnscorableError, brier_score, rps
from forecast.verification.events import events
from forecast.verification.scores.event import event_counts

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]


def test_fair_brier_is_unbiased_in_the_ensemble_size() -> None:
    rng = np.random.default_rng(0)
    chance = rng.random(200_000)
    happened = xr.DataArray((rng.random(200_000) < 0.3).astype(float), dims="case")
    ideal = float(((chance - happened.values) ** 2).mean())
    for members in (2, 5):
        drawn = xr.DataArray((rng.random((members, 200_000)) < chance).astype(float), dims=("member", "case"))
        assert float(brier_score(drawn, happened, threshold=0.5, reduce=["case"])) == pytest.approx(ideal, rel=0.01)
    assert brier_score(drawn.isel(member=[0]), happened, threshold=0.5, reduce=["case"]).isnull()


def test_thresholds_of_each_point_and_at_the_value(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("tied")
    quantile = analysis.quantile(0.8, "lead_time", keep_attrs=True).drop_vars("quantile")
    found = brier_score(forecast, analysis, threshold=quantile, fair=False)
    expected = ((forecast > quantile).mean("member") - (analysis > quantile)) ** 2
    np.testing.assert_allclose(found, expected.transpose(*found.dims))
    at = brier_score(forecast, analysis, threshold=2.0, strict=False, fair=False)
    np.testing.assert_allclose(at, ((forecast >= 2).mean("member") - (analysis >= 2)) ** 2)
    with pytest.raises(UnscorableError, match="threshold: expected the coordinates"):
        brier_score(forecast, analysis, threshold=quantile.isel(latitude=slice(None, None, -1)))


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_several_thresholds_are_scored_as_each_alone(make_pair: MakePair, dtype: str, strict: bool) -> None:
    forecast, analysis = (field.astype(dtype) for field in make_pair("tied"))
    thresholds = [-np.inf, 0.1, 2.0, np.nan]
    together = brier_score(forecast, analysis, threshold=thresholds, strict=strict)
    for index, threshold in enumerate(thresholds):
        alone = brier_score(forecast, analysis, threshold=threshold, strict=strict)
        np.testing.assert_allclose(together.isel(threshold=index), alone, atol=1e-6)


def test_ranked_probability_score_is_the_sum_of_brier_scores(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("tied")
    thresholds = [1.0, 2.0, 3.0]
    for fair in (True, False):
        each = [brier_score(forecast, analysis, threshold=threshold, fair=fair) for threshold in thresholds]
        np.testing.assert_allclose(rps(forecast, analysis, thresholds=thresholds, fair=fair), sum(each), atol=1e-12)
    with pytest.raises(UnscorableError, match="thresholds: expected increasing numbers"):
        rps(forecast, analysis, thresholds=[2.0, 1.0])


def test_an_event_that_is_not_known_is_not_counted(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    forecast = forecast.where((forecast["member"] > 2) | (forecast["latitude"] > 0))
    options = {"member_dim": "member", "strict": True}
    few = event_counts(forecast, analysis, 2.0, skip_missing=True, **options)
    assert few["members"].sel(latitude=-75).values.tolist() == [[6] * 8] * 3
    assert few["hits"].notnull().all()
    strictly = event_counts(forecast, analysis, 2.0, skip_missing=False, **options)
    assert (strictly["hits"].isnull() == (analysis["latitude"] < 0)).all()


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("kind", ["number", "numbers", "field", "fields", "rows"])
@pytest.mark.parametrize("chunked", [False, True])
def test_hits_are_counted_member_by_member(make_pair: MakePair, kind: str, strict: bool, chunked: bool) -> None:
    forecast, analysis = make_pair("tied", dtype="float32")
    several = xr.DataArray([0.5, 2.0, np.nan], dims="case")
    thresholds = {
        "number": xr.DataArray(2.0),
        "numbers": several,
        "field": analysis.isel(lead_time=0, drop=True) + 0 * analysis,
        "fields": analysis + several,
        "rows": analysis.isel(lead_time=0, longitude=0, drop=True),
    }
    limit = thresholds[kind].astype("float32")
    expected = (forecast > limit) if strict else (forecast >= limit)
    expected = expected.sum("member").where(limit.notnull())
    if chunked:
        forecast, analysis = forecast.chunk(latitude=4), analysis.chunk(latitude=4)
    options = {"member_dim": "member", "strict": strict, "skip_missing": False}
    found = event_counts(forecast, analysis, limit, **options)["hits"]
    assert (found.chunks is not None) is chunked
    np.testing.assert_array_equal(found.transpose(*expected.dims), expected)
    assert found.dims == tuple(dim for dim in (*analysis.dims, "case") if dim in found.dims)


VALUES = st.sampled_from([-np.inf, -1.5, 0.0, 0.1, 2.0, np.inf])


@st.composite
def pairs(draw: st.DrawFn) -> tuple[xr.DataArray, xr.DataArray]:
    """Four members and the analysis at three points; most values are among the thresholds."""
    fields = [draw(arrays(draw(st.sampled_from(["f4", "f8"])), shape, elements=VALUES)) for shape in ((4, 3), (3,))]
    return xr.DataArray(fields[0], dims=("member", "case")), xr.DataArray(fields[1], dims="case")


@given(pair=pairs(), threshold=VALUES, kind=st.sampled_from(["number", "numbers", "field", "fields"]))
@settings(max_examples=25, deadline=None)
def test_events_are_those_of_numpy_for_every_operator(
    pair: tuple[xr.DataArray, xr.DataArray], threshold: float, kind: str
) -> None:
    forecast, analysis = pair
    several = xr.DataArray([threshold, -np.inf, np.inf], dims="threshold")
    number = xr.DataArray(threshold)
    everywhere = xr.zeros_like(analysis, dtype=bool)
    limit = {"number": number, "numbers": several, "field": number.where(~everywhere), "fields": several}[kind]
    limit = limit.where(~everywhere) if kind == "fields" else limit
    precision = min(forecast.dtype, analysis.dtype)
    for name, compare in OPERATORS.items():
        happens = compare(forecast.astype(precision), limit.astype(precision))
        observed = compare(analysis.astype(precision), limit.astype(precision))
        limits = limit.astype(precision)
        np.testing.assert_array_equal(events("forecast", forecast, limits, name).transpose(*happens.dims), happens)
        # The score of an event is that of its opposite, whose hits are the other members.
        strict = name in (">", "<=")
        found = brier_score(forecast, analysis, threshold=limit, strict=strict, fair=False)
        expected = (happens.mean("member") - observed) ** 2
        np.testing.assert_allclose(found, expected.transpose(*found.dims), atol=1e-6)
        counted = event_counts(forecast, analysis, limit, member_dim="member", strict=strict, skip_missing=False)
        hits = happens.sum("member") if name[0] == ">" else 4 - happens.sum("member")
        np.testing.assert_array_equal(counted["hits"].transpose(*hits.dims), hits)


@pytest.mark.parametrize("threshold", [-np.inf, [-np.inf, 0.0]])
def test_what_is_missing_stays_so_at_minus_infinity(threshold: float | list[float]) -> None:
    forecast = xr.DataArray([[1.0, np.nan], [-np.inf, 2.0]], dims=("member", "case"))
    analysis = xr.DataArray([-np.inf, 1.0], dims="case")
    found = brier_score(forecast, analysis, threshold=threshold, strict=False)
    np.testing.assert_array_equal(found if found.ndim == 1 else found.isel(threshold=0), [0.0, np.nan])
    known = brier_score(forecast, analysis, threshold=threshold, strict=False, skip_missing=True, fair=False)
    np.testing.assert_array_equal(known if known.ndim == 1 else known.isel(threshold=0), [0.0, 0.0])
