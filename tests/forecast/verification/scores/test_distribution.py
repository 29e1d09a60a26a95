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
