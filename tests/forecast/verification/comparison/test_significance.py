"""Tests of differences: false alarms as often as stated, real differences found."""

import numpy as np
import pytest
import xarray as xr
from scipy.signal import lfilter
from scipy.stats import false_discovery_control, t

from forecast.verification import UnscorableError
from forecast.verification.comparison.bootstrap import block_bootstrap
from forecast.verification.comparison.significance import diebold_mariano, false_discovery_rate, paired_t_test


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
    outside = (tested["low"] > 0) | (tested["high"] < 0)
    assert float(outside.mean()) == pytest.approx(float((tested["p_value"] < 0.05).mean()), abs=1e-9)
    blocks = block_bootstrap(series.isel(case=slice(200)), block=20, samples=199)
    assert float((blocks["p_value"] <= 0.05).mean()) < 0.12


def test_a_real_difference_is_found_and_independent_data_give_the_plain_test() -> None:
    series = autoregressive(np.random.default_rng(1), (200, 100), (0.0, 0.0))
    assert float((paired_t_test(series + 0.5)["p_value"] < 0.05).mean()) > 0.95
    assert float((block_bootstrap(series + 0.5, samples=199)["p_value"] < 0.05).mean()) > 0.95
    same = paired_t_test(series * 0)
    assert (same["p_value"] == 1).all()
    holed = paired_t_test(series.where(series < 2))
    assert holed["p_value"].isnull().sum() > 0
    with pytest.raises(UnscorableError, match="expected at least 10 cycles along 'init_time', found 9"):
        paired_t_test(series.isel(init_time=slice(9)))
    with pytest.raises(UnscorableError, match="block: expected 1 to 100"):
        block_bootstrap(series, block=101)


def test_diebold_mariano_has_the_variance_of_newey_and_west() -> None:
    series = autoregressive(np.random.default_rng(2), (5, 60), (0.5, 0.0)) + 0.3
    count, lags = 60, 4
    tested = diebold_mariano(series, lags=lags)
    ahead = lags + 1
    correction = np.sqrt((count + 1 - 2 * ahead + ahead * (ahead - 1) / count) / count)
    for case in range(5):
        anomaly = series.values[case] - series.values[case].mean()
        weighed = sum(
            (1 - abs(i - j) / ahead) * anomaly[i] * anomaly[j]
            for i in range(count)
            for j in range(count)
            if abs(i - j) < ahead
        )
        assert float(tested["standard_error"][case]) == pytest.approx(np.sqrt(weighed) / count / correction, rel=1e-10)
    np.testing.assert_allclose(tested["statistic"], tested["mean"] / tested["standard_error"])
    np.testing.assert_allclose(tested["p_value"], 2 * t.sf(abs(tested["statistic"]), count - 1))
    np.testing.assert_allclose((tested["low"] + tested["high"]) / 2, tested["mean"])


def test_diebold_mariano_with_a_rectangular_kernel_is_that_of_harvey_leybourne_and_newbold() -> None:
    from scores.stats.statistical_tests import diebold_mariano as peer

    series = autoregressive(np.random.default_rng(3), (4, 50), (0.3, 0.0)) + 0.2
    theirs = peer(
        series.assign_coords(h=("case", [1, 2, 3, 4])),
        "case",
        "h",
        method="HLN",
        statistic_distribution="t",
        confidence_level=0.9,
    )
    for case, lags in enumerate(range(4)):
        ours = diebold_mariano(series.isel(case=case), lags=lags, kernel="rectangular", level=0.9)
        assert float(ours["statistic"]) == pytest.approx(float(theirs["dm_test_stat"][case]), rel=1e-9)
        assert float(ours["low"]) == pytest.approx(float(theirs["ci_lower"][case]), rel=1e-9)
        assert float(ours["high"]) == pytest.approx(float(theirs["ci_upper"][case]), rel=1e-9)


def test_diebold_mariano_chooses_more_lags_for_persistent_series_and_holds_its_level() -> None:
    rng = np.random.default_rng(4)
    lags = []
    for phi, most in ((0.0, 0.08), (0.6, 0.11)):
        series = autoregressive(rng, (1000, 300), (phi, 0.0))
        tested = diebold_mariano(series)
        lags.append(float(tested["lags"].mean()))
        assert 0.02 < float((tested["p_value"] < 0.05).mean()) < most
    assert lags[0] < 3 < 6 < lags[1]
    lazy = diebold_mariano(series.chunk(case=300))
    assert lazy["p_value"].chunks is not None
    xr.testing.assert_allclose(lazy.compute(), tested)


def test_diebold_mariano_refuses_what_it_cannot_use() -> None:
    series = autoregressive(np.random.default_rng(5), (2, 12), (0.0, 0.0))
    with pytest.raises(UnscorableError, match="lags: expected 0 to 11, found 12"):
        diebold_mariano(series, lags=12)
    with pytest.raises(UnscorableError, match="lags: expected a number of lags for the rectangular kernel"):
        diebold_mariano(series, kernel="rectangular")
    assert diebold_mariano(series.isel(init_time=slice(5)), least_cycles=5)["p_value"].notnull().all()
    assert (diebold_mariano(series * 0)["p_value"] == 1).all()


def test_false_discovery_rate_is_benjamini_and_hochbergs() -> None:
    p = np.random.default_rng(0).random((5, 8)) ** 3
    expected = false_discovery_control(p.ravel(), method="bh").reshape(p.shape)
    np.testing.assert_allclose(false_discovery_rate(xr.DataArray(p)), expected)
    holed = np.concatenate([p.ravel(), [np.nan]])
    np.testing.assert_allclose(false_discovery_rate(xr.DataArray(holed))[:-1], expected.ravel())
