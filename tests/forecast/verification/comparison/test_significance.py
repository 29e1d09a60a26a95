"""Tests of differences: false alarms as often as stated, real differences found."""

import numpy as np
import pytest
import xarray as xr
from scipy.signal import lfilter
from scipy.stats import false_discovery_control

from forecast.verification import UnscorableError
from forecast.verification.comparison.significance import block_bootstrap, false_discovery_rate, paired_t_test


def autoregressive(rng: np.random.Generator, shape: tuple[int, int], phi: tuple[float, float]) -> xr.DataArray:
    noise = rng.normal(size=(shape[0], shape[1] + 200))
    series = lfilter([1.0], [1.0, -phi[0], -phi[1]], noise, axis=1)[:, 200:]
    return xr.DataArray(series, dims=("case", "init_time"))


@pytest.mark.parametrize("phi", [(0.0, 0.0), (0.6, 0.0), (0.4, 0.3)])
def test_false_alarms_come_as_often_as_stated(phi: tuple[float, float]) -> None:
    series = autoregressive(np.random.default_rng(0), (1500, 240), phi)
    tested = paired_t_test(series)
    assert float((tested["p_value"] < 0.05).mean()) == pytest.approx(0.05, abs=0.03)
    expected = np.sqrt(1 / (1 - sum(phi)) ** 2 * (1 + phi[1]) * ((1 - phi[1]) ** 2 - phi[0] ** 2) / (1 - phi[1]))
    assert float(tested["inflation"].median()) == pytest.approx(max(expected, 1.0), rel=0.12)
    blocks = block_bootstrap(series.isel(case=slice(300)), block=20, samples=400)
    assert float((blocks["p_value"] < 0.05).mean()) < 0.15
    assert float(((blocks["low"] < 0) & (blocks["high"] > 0)).mean()) > 0.8


def test_a_real_difference_is_found_and_independent_data_give_the_plain_test() -> None:
    series = autoregressive(np.random.default_rng(1), (200, 100), (0.0, 0.0))
    assert float((paired_t_test(series + 0.5)["p_value"] < 0.05).mean()) > 0.95
    assert float((block_bootstrap(series + 0.5, samples=500)["p_value"] < 0.05).mean()) > 0.95
    same = paired_t_test(series * 0)
    assert (same["p_value"] == 1).all()
    holed = paired_t_test(series.where(series < 2))
    assert holed["p_value"].isnull().sum() > 0
    with pytest.raises(UnscorableError, match="expected at least 10 cycles along 'init_time', found 9"):
        paired_t_test(series.isel(init_time=slice(9)))
    with pytest.raises(UnscorableError, match="block: expected 1 to 100"):
        block_bootstrap(series, block=101)


def test_false_discovery_rate_is_benjamini_and_hochbergs() -> None:
    p = np.random.default_rng(0).random((5, 8)) ** 3
    expected = false_discovery_control(p.ravel(), method="bh").reshape(p.shape)
    np.testing.assert_allclose(false_discovery_rate(xr.DataArray(p)), expected)
    holed = np.concatenate([p.ravel(), [np.nan]])
    np.testing.assert_allclose(false_discovery_rate(xr.DataArray(holed))[:-1], expected.ravel())
