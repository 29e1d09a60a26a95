"""Diagrams and numbers that follow from the sums of events."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import scipy
import xarray as xr

from forecast.verification import UnscorableError, reliability
from forecast.verification.scores.probability_curves import (
    area_under,
    consistency_bars,
    economic_value,
    operating_characteristic,
    reliability_diagram,
)
from forecast.verification.scores.probability_sums import probability_sums

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]


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


def test_consistency_bars_are_quantiles_of_the_binomial_distribution() -> None:
    points, probability = xr.Variable("x", [100.0, 7.0, 0.0]), xr.Variable("x", [0.3, 0.5, np.nan])
    bars = consistency_bars(points, probability, 0.9)
    for name, tail in (("consistency_low", 0.05), ("consistency_high", 0.95)):
        expected = [scipy.stats.binom.ppf(tail, n, p) / n for n, p in ((100, 0.3), (7, 0.5))]
        np.testing.assert_allclose(bars[name].values, [*expected, np.nan])


def test_the_area_under_a_curve_goes_to_the_corner_of_nothing() -> None:
    hits, alarms = xr.Variable("needed", [1.0, 0.8, 0.0]), xr.Variable("needed", [1.0, 0.5, 0.0])
    expected = 0.5 * (1 + 0.8) / 2 + 0.5 * 0.8 / 2
    assert float(area_under(hits, alarms, "needed")) == pytest.approx(expected)


def test_each_series_has_its_own_isotonic_curve(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    options = {"threshold": 2.0, "reduce": ("latitude", "longitude")}
    every = reliability(forecast, analysis, **options)["corp_frequency"]
    for index in range(analysis.sizes["lead_time"]):
        one = reliability(*(field.isel(lead_time=index) for field in (forecast, analysis)), **options)
        xr.testing.assert_allclose(every.isel(lead_time=index), one["corp_frequency"])
        steps = np.diff(one["corp_frequency"].dropna("probability"))
        assert (steps >= 0).all()


def test_coordinates_of_series_stay_on_their_curves(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    sums = probability_sums(forecast, analysis, threshold=2.0, reduce=("latitude", "longitude"))
    for curve in (operating_characteristic(sums), economic_value(sums), reliability_diagram(sums, bins=3)):
        xr.testing.assert_identical(curve["lead_time"], sums["lead_time"])
