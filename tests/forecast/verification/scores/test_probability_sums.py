"""Sums over events add over periods, and give the scores of all events together."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import xarray as xr

from forecast.verification import (
    UnscorableError,
    area_weights,
    brier_decomposition,
    relative_economic_value,
    reliability,
    roc,
)
from forecast.verification.scores.probability_sums import (
    economic_value,
    murphy_parts,
    operating_characteristic,
    probability_sums,
    reliability_diagram,
)

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]


def test_sums_count_every_event_once(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    sums = probability_sums(forecast, analysis, threshold=2.0, reduce=analysis.dims)
    share, happened = (forecast > 2).mean("member").values, (analysis > 2).values
    np.testing.assert_allclose(sums["probability"], np.arange(10) / 9)
    for index, probability in enumerate(np.arange(10) / 9):
        issued = np.isclose(share, probability)
        assert float(sums["issued"][index]) == float(sums["points"][index]) == issued.sum()
        assert float(sums["happened"][index]) == (issued & happened).sum()


def test_sums_of_single_leads_give_the_scores_of_all(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("tied")
    weights = area_weights(analysis["latitude"])
    options = {"threshold": 2.0, "weights": weights}
    grid, every = ("latitude", "longitude"), analysis.dims
    added = probability_sums(forecast, analysis, reduce=grid, **options).sum("lead_time")
    whole = brier_decomposition(forecast, analysis, reduce=every, **options)
    xr.testing.assert_allclose(murphy_parts(added), whole)
    xr.testing.assert_allclose(operating_characteristic(added), roc(forecast, analysis, reduce=every, **options))
    value = relative_economic_value(forecast, analysis, reduce=every, **options)
    xr.testing.assert_allclose(economic_value(added), value)


def test_bins_collect_neighbouring_probabilities(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    sums = probability_sums(forecast, analysis, threshold=2.0, reduce=analysis.dims)
    halves = reliability_diagram(sums, bins=2)
    assert halves["share"].sizes == {"bin": 2}
    upper = sums.sel(probability=slice(0.5, 1))
    expected = float(upper["happened"].sum() / upper["issued"].sum())
    assert float(halves["observed_frequency"][1]) == pytest.approx(expected)


def test_the_value_of_a_perfect_forecast_is_one(make_pair: MakePair) -> None:
    _, analysis = make_pair("random")
    sums = probability_sums(analysis.expand_dims(member=2), analysis, threshold=2.0, reduce=analysis.dims)
    np.testing.assert_allclose(economic_value(sums, cost_loss_ratios=[0.1, 0.6])["value"], 1.0)
    with pytest.raises(UnscorableError, match="cost_loss_ratios: expected numbers between 0 and 1, found"):
        economic_value(sums, cost_loss_ratios=[1.0])


def test_events_are_collected_over_something(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    with pytest.raises(UnscorableError, match=r"reduce: expected dimensions among .*, found none"):
        probability_sums(forecast, analysis, threshold=2.0, reduce=())


@pytest.mark.parametrize(("members", "bins"), [(50, 50), (50, 25), (10, 5), (7, 10), (100, 20)])
def test_each_count_of_members_falls_into_the_bin_of_its_fraction(members: int, bins: int) -> None:
    counts = np.arange(members + 1)
    forecast = xr.DataArray((np.arange(members) < counts[:, None]).astype(float), dims=("x", "member"))
    analysis = xr.DataArray(np.zeros(members + 1), dims="x")
    diagram = reliability(forecast, analysis, threshold=0.5, reduce="x", bins=bins)
    expected = np.bincount([min(Fraction(int(k), members) * bins // 1, bins - 1) for k in counts], minlength=bins)
    np.testing.assert_allclose(diagram["share"] * (members + 1), expected[expected > 0])
    np.testing.assert_array_equal(diagram["bin"], np.flatnonzero(expected))
    inside = diagram["forecast_probability"]
    assert (diagram["lower"] - 1e-12 <= inside).all()
    assert (inside <= diagram["upper"] + 1e-12).all()
    np.testing.assert_allclose(diagram["upper"] - diagram["lower"], 1 / bins)
    for wrong in ({"bins": 0}, {"bins": 2.5}, {"level": 1.0}):
        with pytest.raises(UnscorableError, match=r"(bins|level): expected a"):
            reliability(forecast, analysis, threshold=0.5, reduce="x", **wrong)
