"""Probabilities of terciles and the most likely one."""

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.ensemble.terciles import most_likely_tercile

RNG = np.random.default_rng(0)
CLIMATE = xr.DataArray(RNG.normal(280, 5, (90, 6)), dims=("year", "point"))
MEMBERS = xr.DataArray(RNG.normal(282, 3, (50, 6)), dims=("member", "point"))
QUANTILES = CLIMATE.quantile([0.1, 1 / 3, 2 / 3, 0.9], "year")


@pytest.mark.parametrize("climate", [CLIMATE, QUANTILES], ids=["states", "quantiles"])
def test_the_probabilities_are_shares_of_members(climate: xr.DataArray) -> None:
    lower, upper = np.quantile(CLIMATE, [1 / 3, 2 / 3], axis=0)
    found = most_likely_tercile(MEMBERS, climate)["probability"]
    np.testing.assert_allclose(found[0], (MEMBERS.values < lower).mean(0))
    np.testing.assert_allclose(found[2], (MEMBERS.values > upper).mean(0))
    np.testing.assert_allclose(found.sum("tercile"), 1)
    assert found["tercile"].values.tolist() == ["below normal", "near normal", "above normal"]


def test_the_most_likely_is_named_or_undecided() -> None:
    climate = xr.DataArray(np.arange(1.0, 8.0), dims="year")  # terciles 3 and 5
    members = xr.DataArray(
        [[1.0, 1, 1, 1, 1], [4, 4, 4, 4, 4], [6, 6, 6, 6, 6], [1, 1, 4, 6, 6], [1, 1, 4, 4, 6], [3, 5, 4, 3, 5]],
        dims=("point", "member"),
    )
    assert most_likely_tercile(members, climate)["most_likely"].values.tolist() == [1, 2, 3, 0, 0, 2]
    three_of_five = xr.DataArray([1.0, 1, 1, 4, 6], dims="member")
    for least, expected in ((0.6, 1), (0.61, 0)):
        found = most_likely_tercile(three_of_five, climate, least_probability=least)["most_likely"]
        assert found.item() == expected


def test_dry_members_of_a_dry_climate_are_normal() -> None:
    climate = xr.DataArray([0.0] * 8 + [3.0, 5.0], dims="year")
    members = xr.DataArray([0.0, 0, 0, 2], dims="member")
    found = most_likely_tercile(members, climate)
    assert found["probability"].values.tolist() == [0, 0.75, 0.25]
    assert found["most_likely"].item() == 2


def test_what_is_missing_stays_missing_and_lazy_is_the_same() -> None:
    members = MEMBERS.where((MEMBERS["point"] != 1) | (MEMBERS["member"] != 3))
    eager = most_likely_tercile(members, CLIMATE)
    assert np.isnan(eager["most_likely"]).values.tolist() == [False, True, False, False, False, False]
    lazy = most_likely_tercile(members.chunk(member=7, point=2), CLIMATE.chunk(year=11, point=4))
    assert lazy["most_likely"].chunks is not None
    xr.testing.assert_allclose(lazy.compute(), eager)


def test_bad_input_is_one_line() -> None:
    with pytest.raises(ConfigurationError, match="least_probability: expected 0 to 1, found 40"):
        most_likely_tercile(MEMBERS, CLIMATE, least_probability=40)
    with pytest.raises(InvalidDataError, match=r"levels that reach 0\.333333, found 0\.6"):
        most_likely_tercile(MEMBERS, QUANTILES.isel(quantile=slice(2, None)))
