"""Significance of an anomaly against SciPy point by point, and its level on data without an anomaly."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import kstest, mannwhitneyu

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.ensemble.significance import anomaly_significance

RNG = np.random.default_rng(0)
CLIMATE = xr.DataArray(RNG.normal(280, 5, (30, 6)), dims=("year", "point"))
MEMBERS = xr.DataArray(RNG.normal(282, 5, (20, 2, 6)), dims=("member", "lead_time", "point"))


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_it_is_the_test_of_each_point(alternative: str) -> None:
    rounded, states = MEMBERS.round(0), CLIMATE.round(0)  # with ties
    found = anomaly_significance(rounded, states, alternative=alternative)  # type: ignore[arg-type]
    for lead, point in np.ndindex(2, 6):
        one = mannwhitneyu(rounded[:, lead, point], states[:, point], alternative=alternative, method="asymptotic")
        assert float(found[lead, point]) == pytest.approx(one.pvalue)


def test_values_are_uniform_without_an_anomaly_and_small_with_one() -> None:
    members = xr.DataArray(RNG.normal(280, 5, (20, 2000)), dims=("member", "case"))
    states = xr.DataArray(RNG.normal(280, 5, (30, 2000)), dims=("year", "case"))
    value = anomaly_significance(members, states)
    assert kstest(value, "uniform").statistic < 0.04
    assert float((value < 0.05).mean()) == pytest.approx(0.05, abs=0.015)
    assert float((anomaly_significance(members + 5, states) < 0.05).mean()) > 0.85


def test_states_that_are_all_equal_differ_in_nothing() -> None:
    assert (anomaly_significance(0 * MEMBERS, 0 * CLIMATE) == 1).all()


def test_order_and_chunks_do_not_matter() -> None:
    found = anomaly_significance(MEMBERS, CLIMATE)
    np.testing.assert_allclose(anomaly_significance(MEMBERS[::-1], CLIMATE[::-1]), found)
    lazy = anomaly_significance(MEMBERS.chunk(member=6, point=4), CLIMATE.chunk(year=7))
    assert lazy.chunks is not None
    np.testing.assert_array_equal(lazy, found)


def test_what_is_missing_stays_missing() -> None:
    members = MEMBERS.where((MEMBERS["point"] != 1) | (MEMBERS["member"] != 3))
    states = CLIMATE.where((CLIMATE["point"] != 4) | (CLIMATE["year"] != 0))
    missing = np.isnan(anomaly_significance(members, states)).all("lead_time")
    assert missing.values.tolist() == [False, True, False, False, True, False]


def test_bad_input_is_one_line() -> None:
    with pytest.raises(InvalidDataError, match="climate: expected independent states, found quantiles"):
        anomaly_significance(MEMBERS, CLIMATE.quantile([0.1, 0.9], "year"))
    with pytest.raises(ConfigurationError, match=r"alternative: expected one of .* found 'both'"):
        anomaly_significance(MEMBERS, CLIMATE, alternative="both")  # type: ignore[arg-type]
