"""Closed forms of the CRPS equal numerical integration, and quantiles invert distribution functions."""

import numpy as np
import pytest

from forecast.postprocessing.distributions import DISTRIBUTIONS


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize(("mean", "deviation", "shift"), [(2.0, 1.5, 0.4), (0.7, 1.0, 0.1), (9.0, 3.0, 2.0)])
@pytest.mark.parametrize("observed", [0.0, 1.3, 12.0])
def test_crps_is_the_integral(name: str, mean: float, deviation: float, shift: float, observed: float) -> None:
    family = DISTRIBUTIONS[name]
    given = [np.array(each) for each in (mean, deviation, shift)]
    below = np.linspace(-40 if name == "normal" else 0, observed, 400001)
    above = np.linspace(observed, 80, 400001)
    expected = np.trapezoid(family.cdf(*given, below) ** 2, below)
    expected += np.trapezoid((1 - family.cdf(*given, above)) ** 2, above)
    assert float(family.crps(*given, np.array(observed))) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_quantiles_invert_the_distribution(name: str) -> None:
    given = [np.array(each) for each in (2.0, 1.5, 0.4)]
    levels = np.array([0.3, 0.5, 0.9, 0.99])
    found = DISTRIBUTIONS[name].cdf(*given, DISTRIBUTIONS[name].quantile(*given, levels))
    np.testing.assert_allclose(found, levels, rtol=1e-6)
