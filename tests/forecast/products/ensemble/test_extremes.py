"""Extreme forecast index and shift of tails against their definitions, their limits and each other's inputs."""

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad
from scipy.stats import norm

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.ensemble.extremes import extreme_forecast_index, shift_of_tails

RNG = np.random.default_rng(0)
STATES = xr.DataArray(RNG.normal(280, 5, (400, 6)), dims=("year", "point"))
LEVELS = np.linspace(0, 1, 201)
QUANTILES = STATES.quantile(LEVELS, "year")
MEMBERS = xr.DataArray(RNG.normal(284, 3, (50, 6)), dims=("member", "point"))


def by_integral(members: np.ndarray, levels: np.ndarray, quantiles: np.ndarray) -> float:
    """The index as it is defined, with p = sin(u)^2 so that the weight has no pole, cell by cell of many."""
    angle = (np.arange(200_000) + 0.5) * (np.pi / 2 / 200_000)
    place = np.sin(angle) ** 2
    share = np.searchsorted(np.sort(members), np.interp(place, levels, quantiles), side="right") / members.size
    return float(2 / np.pi * 2 * np.mean(place - share) * np.pi / 2)


def test_the_index_is_its_integral() -> None:
    found = extreme_forecast_index(MEMBERS, QUANTILES)
    expected = [by_integral(MEMBERS[:, i].values, LEVELS, QUANTILES[:, i].values) for i in range(6)]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.min() > 0.2


@pytest.mark.parametrize("climate", [STATES, QUANTILES], ids=["states", "quantiles"])
def test_the_limits_are_minus_one_and_one(climate: xr.DataArray) -> None:
    above, below = STATES.max() + 1 + 0 * MEMBERS, STATES.min() - 1 + 0 * MEMBERS
    np.testing.assert_allclose(extreme_forecast_index(above, climate), 1, atol=1e-12)
    np.testing.assert_allclose(extreme_forecast_index(below, climate), -1, atol=1e-12)


def test_the_climate_itself_is_zero() -> None:
    np.testing.assert_allclose(extreme_forecast_index(STATES, STATES, member_dim="year"), 0, atol=1e-12)
    drawn = xr.DataArray(RNG.normal(280, 5, (50, 2000)), dims=("member", "draw"))
    climate = xr.DataArray(norm.ppf(LEVELS[1:-1], 280, 5), dims="quantile", coords={"quantile": LEVELS[1:-1]})
    index = extreme_forecast_index(drawn, climate)
    deviation = np.sqrt(quad(lambda p: (4 / np.pi * np.arcsin(np.sqrt(p)) - 1) ** 2, 0, 1)[0] / 50)
    assert abs(float(index.mean())) < 4 * deviation / np.sqrt(2000)
    assert float(index.std()) == pytest.approx(deviation, rel=0.06)


def test_dry_days_tie_without_a_bias() -> None:
    rain = np.maximum(RNG.gamma(0.5, 8, (200, 1000)) - 2, 0)
    climate = xr.DataArray(rain[:, 0], dims="year")
    days = xr.DataArray(draw(rain[:, 0], (20, 4000)), dims=("member", "draw"))
    quantiles = climate.quantile(LEVELS, "year")
    assert 0.3 < float((climate == 0).mean()) < 0.8
    assert abs(float(extreme_forecast_index(days, climate).mean())) < 0.01
    assert abs(float(extreme_forecast_index(days, quantiles).mean())) < 0.02
    dry = extreme_forecast_index(0 * days.isel(draw=[0]), climate)
    assert -0.6 < dry.item() < -0.1


def draw(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return RNG.choice(values, shape)


def test_lazy_in_chunks_is_the_same() -> None:
    lazy = extreme_forecast_index(MEMBERS.chunk(member=7, point=2), QUANTILES.chunk(quantile=50, point=3))
    assert lazy.chunks is not None
    np.testing.assert_allclose(lazy, extreme_forecast_index(MEMBERS, QUANTILES), rtol=1e-12)
    shift = shift_of_tails(MEMBERS.chunk(member=7), STATES.chunk(year=100))
    assert shift.chunks is not None
    np.testing.assert_allclose(shift, shift_of_tails(MEMBERS, STATES))


def test_a_climate_serves_all_lead_times() -> None:
    leads = MEMBERS.expand_dims(lead_time=3)
    for climate in (STATES, QUANTILES):
        found = extreme_forecast_index(leads, climate)
        assert dict(found.sizes) == {"lead_time": 3, "point": 6}
        np.testing.assert_allclose(found[2], extreme_forecast_index(MEMBERS, climate))


def test_what_is_missing_stays_missing() -> None:
    members = MEMBERS.where((MEMBERS["point"] != 1) | (MEMBERS["member"] != 3))
    climate = QUANTILES.where((QUANTILES["point"] != 4) | (QUANTILES["quantile"] > 0.5))
    for product in (extreme_forecast_index, shift_of_tails):
        assert np.isnan(product(members, STATES)).values.tolist() == [False, True, False, False, False, False]
    assert np.flatnonzero(np.isnan(extreme_forecast_index(MEMBERS, climate))).tolist() == [4]


def test_the_shift_is_its_definition() -> None:
    for quantile, outermost in ((0.9, 0.99), (0.1, 0.01)):
        inner, outer = STATES.quantile([quantile, outermost], "year")
        expected = (MEMBERS.quantile(quantile, "member") - outer) / (outer - inner)
        for climate in (STATES, QUANTILES):
            np.testing.assert_allclose(shift_of_tails(MEMBERS, climate, quantile=quantile), expected, rtol=1e-9)


def test_the_shift_tells_a_tail_from_none() -> None:
    np.testing.assert_allclose(shift_of_tails(STATES, STATES, member_dim="year"), -1)
    assert float(shift_of_tails(MEMBERS + 15, STATES).min()) > 0
    assert float(shift_of_tails(MEMBERS - 25, STATES, quantile=0.1).min()) > 0
    assert np.isnan(shift_of_tails(MEMBERS, 0 * STATES)).all()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"quantile: expected above 0\.01 to below 0\.99 and not 0\.5, found 0\.5"
    ):
        shift_of_tails(MEMBERS, STATES, quantile=0.5)
    with pytest.raises(InvalidDataError, match=r"levels that reach 0\.99, found 0 to 0\.9"):
        shift_of_tails(MEMBERS, QUANTILES.sel(quantile=slice(0, 0.901)))
