"""Scores of tails and quantiles against the CRPS."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from forecast.verification import UnscorableError, crps, quantile_score, twcrps

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]


def test_tails_add_up_and_quantiles_integrate_to_the_crps(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    parts = twcrps(forecast, analysis, upper=2.0) + twcrps(forecast, analysis, lower=2.0)
    np.testing.assert_allclose(parts, crps(forecast, analysis), atol=1e-12)
    levels = (np.arange(2000) + 0.5) / 2000
    many = xr.DataArray(norm.ppf((np.arange(800) + 0.5) / 800)[:, None] * np.ones(3), dims=("member", "case"))
    cases = xr.DataArray([-1.0, 0.0, 2.5], dims="case")
    integral = 2 * quantile_score(many, cases, quantiles=levels).mean("quantile")
    np.testing.assert_allclose(integral, crps(many, cases, fair=False), rtol=2e-3)
    with pytest.raises(UnscorableError, match="expected lower below upper"):
        twcrps(forecast, analysis, lower=2.0, upper=1.0)
    with pytest.raises(UnscorableError, match="quantiles: expected levels"):
        quantile_score(forecast, analysis, quantiles=[0.0])


def test_a_chaining_function_weighs_thresholds_as_its_derivative(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    clipped = twcrps(forecast, analysis, chaining=lambda field: field.clip(1.0, 3.0), reduce="all")
    xr.testing.assert_allclose(clipped, twcrps(forecast, analysis, lower=1.0, upper=3.0, reduce="all"))
    assert not clipped.attrs
    # The integral over thresholds of weight x Brier score, with a normal density as the weight.
    found = twcrps(forecast, analysis, chaining=lambda field: xr.apply_ufunc(norm.cdf, field), fair=False)
    thresholds = np.linspace(-6.0, 12.0, 9001)
    probability = (forecast.values[..., None] > thresholds).mean(axis=0)
    brier = (probability - (analysis.values[..., None] > thresholds)) ** 2
    expected = np.trapezoid(norm.pdf(thresholds) * brier, thresholds, axis=-1)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    lazy = twcrps(forecast.chunk(lead_time=1), analysis, chaining=np.exp, reduce="all")
    xr.testing.assert_allclose(lazy.compute(), crps(np.exp(forecast), np.exp(analysis), reduce="all").drop_attrs())
    both = twcrps(xr.Dataset({"t": forecast}), xr.Dataset({"t": analysis}), chaining=np.exp)
    xr.testing.assert_allclose(both["t"], twcrps(forecast, analysis, chaining=np.exp).rename("t"))
    for wrong in (
        {"chaining": np.exp, "lower": 1.0},
        {"chaining": lambda field: field.values},
        {"chaining": lambda field: field.mean()},
    ):
        with pytest.raises(UnscorableError, match=r"^chaining: expected [^\n]*$"):
            twcrps(forecast, analysis, **wrong)
