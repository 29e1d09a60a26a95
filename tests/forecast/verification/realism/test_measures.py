"""Measures of fields with known answers."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification.realism.channels import Layer
from forecast.verification.realism.measures import (
    departing,
    differences,
    geostrophic,
    hydrostatic,
    kinetic_energy,
    moments_of_shares,
    rank_moments,
    spectra,
)
from forecast.verification.scores.balance import geostrophic_wind

COORDS = {"latitude": np.linspace(-82.5, 82.5, 12), "longitude": np.arange(24) * 15.0}


def noise(seed: int, **more: int) -> xr.DataArray:
    shape = (*more.values(), 12, 24)
    return xr.DataArray(np.random.default_rng(seed).normal(size=shape), dims=(*more, *COORDS), coords=COORDS)


def test_pairs_of_an_ensemble_that_is_real_are_alike() -> None:
    members, analysis = noise(0, member=8, start=40), noise(1, start=40)
    for pair in (spectra(members, analysis), differences(members, analysis)):
        ratio = pair.members.mean("start") / pair.analysis.mean("start")
        np.testing.assert_allclose(ratio, 1.0, atol=0.15)
    others = noise(2, member=8, start=40), noise(3, start=40)
    pair = departing((members, others[0]), (analysis, others[1]))
    np.testing.assert_allclose(pair.members.mean("start") / pair.analysis.mean("start"), 1.0, atol=0.15)


def test_differences_of_pairs_are_those_of_all_pairs() -> None:
    members, analysis = noise(0, member=3), noise(1)
    pairs = [spectra(members.isel(member=[one]) - members.isel(member=other), analysis).members
             for one, other in ((0, 1), (0, 2), (1, 2))]  # fmt: skip
    np.testing.assert_allclose(differences(members, analysis).members, sum(pairs) / 3)


def test_too_little_spread_shows() -> None:
    members, analysis = 0.5 * noise(0, member=8, start=30), noise(1, start=30)
    pair = differences(members, analysis)
    np.testing.assert_allclose(pair.members.mean("start") / pair.analysis.mean("start"), 0.5 / 1.25, rtol=0.15)


def test_energies_by_level_and_part() -> None:
    fields = xr.Dataset({name: noise(index) for index, name in enumerate(("u850", "v850", "u250", "v250", "t850"))})
    found = kinetic_energy(fields)
    assert found["level"].values.tolist() == ["850", "250"]
    assert set(found.dims) == {"level", "part", "band"}


def test_a_balanced_wind_has_no_ageostrophic_share() -> None:
    phi = 1000 * noise(0)
    wind = geostrophic_wind(phi)
    found = geostrophic(xr.Dataset({"z500": phi, "u500": wind["u"], "v500": wind["v"]}))
    assert float(found.sel(level="500")) == pytest.approx(0.0, abs=1e-20)


@pytest.mark.parametrize("lower", ["msl", "z1000"])
def test_noise_in_temperature_alone_is_a_hydrostatic_misfit(lower: str) -> None:
    warmth = 270 + noise(0)
    thickness = 287.05 * warmth * np.log(2.0)
    below = xr.full_like(warmth, 1e5 if lower == "msl" else 500.0)
    upper = thickness if lower == "msl" else thickness + below
    fields = xr.Dataset({lower: below, "z500": upper, "t850": warmth + 12})
    layer, mean = Layer(lower, "z500", "t850"), fields.mean() * xr.ones_like(fields)
    assert float(hydrostatic(fields, mean, [layer])[0]) == pytest.approx(0.0, abs=1e-3)
    noisy = fields.assign(t850=fields["t850"] + 2.0 * noise(1))
    assert float(hydrostatic(noisy, mean, [layer])[0]) == pytest.approx(4.0, rel=0.15)


def test_moments_of_ranks() -> None:
    weights = xr.DataArray(np.ones((1, 12, 24)), dims=("region", *COORDS), coords=COORDS | {"region": ["global"]})
    members, analysis = noise(0, member=9, start=60), noise(1, start=60)
    flat = rank_moments(members, analysis, weights).mean("start").isel(region=0)
    assert float(flat["rank"]) == pytest.approx(0.5, abs=0.01)
    assert float(flat["dispersion"]) == pytest.approx(1.0, abs=0.02)
    narrow = rank_moments(0.5 * members + 0.5, analysis, weights).mean("start").isel(region=0)
    assert float(narrow["rank"]) < 0.4
    assert float(narrow["dispersion"]) > 1.3
    shares = xr.DataArray(np.random.default_rng(0).random((60, 12, 24)), dims=("start", *COORDS), coords=COORDS)
    found = moments_of_shares(shares, weights).mean("start").isel(region=0)
    assert float(found["rank"]) == pytest.approx(0.5, abs=0.01)
    assert float(found["dispersion"]) == pytest.approx(1.0, abs=0.02)
