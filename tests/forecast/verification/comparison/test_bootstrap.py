"""The bootstrap: false alarms as often as stated in short series too, and blocks as long as persistence asks for."""

import numpy as np
import pytest
import xarray as xr
from scipy.signal import lfilter

from forecast.verification import UnscorableError, block_bootstrap
from forecast.verification.comparison.bootstrap import block_length


def autoregressive(shape: tuple[int, int], phi: float, seed: int = 0) -> xr.DataArray:
    noise = np.random.default_rng(seed).normal(size=(shape[0], shape[1] + 100))
    return xr.DataArray(lfilter([1.0], [1.0, -phi], noise, axis=1)[:, 100:], dims=("case", "init_time"))


@pytest.mark.parametrize(
    ("phi", "count", "most"),
    [
        (0.0, 10, 0.06),
        (0.0, 30, 0.07),
        (0.0, 100, 0.07),
        (0.0, 300, 0.07),
        (0.6, 10, 0.14),
        (0.6, 30, 0.11),
        (0.6, 100, 0.08),
        (0.6, 300, 0.08),
    ],
)
def test_false_alarms_in_short_series(phi: float, count: int, most: float) -> None:
    cases = 400 if count <= 100 else 200
    tested = block_bootstrap(autoregressive((cases, count), phi), samples=199)
    alarms = float((tested["p_value"] <= 0.05).mean())
    assert alarms <= most + 2 * np.sqrt(0.06 * 0.94 / cases)
    assert alarms >= 0.005
    outside = (tested["low"] > 0) | (tested["high"] < 0)
    assert float(outside.mean()) == pytest.approx(alarms, abs=1e-9)


def test_a_real_difference_is_found_in_short_series() -> None:
    found = block_bootstrap(autoregressive((200, 15), 0.0) + 1.2, samples=199)
    assert float((found["p_value"] < 0.05).mean()) > 0.85
    assert float(found["mean"].mean()) == pytest.approx(1.2, abs=0.1)


def test_the_interval_widens_with_persistence_and_level() -> None:
    width = {}
    for phi in (0.0, 0.6):
        for level in (0.5, 0.95):
            tested = block_bootstrap(autoregressive((50, 200), phi), samples=199, level=level)
            width[phi, level] = float((tested["high"] - tested["low"]).mean())
    spread = np.sqrt(1 / (1 - 0.6) ** 2)
    assert width[0.6, 0.95] / width[0.0, 0.95] == pytest.approx(spread, rel=0.15)
    assert width[0.0, 0.95] / width[0.0, 0.5] == pytest.approx(1.96 / 0.674, rel=0.1)


def test_block_length_of_an_autoregressive_series_is_the_optimal_one() -> None:
    count, phi = 20_000, 0.6
    length = block_length(autoregressive((20, count), phi).values)
    optimal = (1.5 * (2 * phi / (1 - phi**2)) ** 2 * count) ** (1 / 3)
    assert np.median(length) == pytest.approx(optimal, rel=0.12)
    assert np.median(block_length(autoregressive((50, 100), 0.0).values)) == 1
    assert block_length(np.ones((1, 12))).tolist() == [1]


def test_results_depend_on_nothing_but_series_and_seed() -> None:
    series = autoregressive((6, 40), 0.3)
    whole = block_bootstrap(series, samples=99)
    xr.testing.assert_identical(whole, block_bootstrap(series, samples=99))
    alone = block_bootstrap(series.isel(case=[4]), samples=99)
    xr.testing.assert_allclose(alone, whole.isel(case=[4]))
    lazy = block_bootstrap(series.chunk(case=2, init_time=7), samples=99)
    assert lazy["p_value"].chunks is not None
    xr.testing.assert_allclose(lazy.compute(), whole)
    assert not block_bootstrap(series, samples=99, seed=1)["low"].equals(whole["low"])
    scaled = block_bootstrap(series * 1e-6, samples=99)
    xr.testing.assert_allclose(scaled["p_value"], whole["p_value"])
    xr.testing.assert_allclose(scaled["low"] * 1e6, whole["low"])


def test_constant_and_missing_series() -> None:
    series = autoregressive((4, 20), 0.0)
    series[0] = 0.0
    series[1] = 2.0
    series[2, 3] = np.nan
    tested = block_bootstrap(series, samples=99)
    assert tested["p_value"].values[:2].tolist() == [1.0, 0.01]
    assert tested["low"].values[1] == tested["high"].values[1] == 2.0
    assert tested.isel(case=2).isnull().to_array().all()
    assert np.isfinite(tested["p_value"].values[3])


def test_what_is_refused() -> None:
    series = autoregressive((2, 12), 0.0)
    with pytest.raises(UnscorableError, match="block: expected 1 to 12 cycles, found 13"):
        block_bootstrap(series, block=13)
    with pytest.raises(UnscorableError, match="expected at least 10 cycles along 'init_time', found 6"):
        block_bootstrap(series.isel(init_time=slice(6)))
    few = block_bootstrap(series.isel(init_time=slice(6)), samples=99, least_cycles=5)
    assert few["p_value"].notnull().all()
    with pytest.raises(UnscorableError, match="least_cycles: expected at least 4, found 2"):
        block_bootstrap(series, least_cycles=2)
