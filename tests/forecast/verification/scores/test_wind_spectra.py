"""Rotational and divergent winds are told apart, and their energy adds up."""

import numpy as np
import pytest
import xarray as xr

from data_catalog.statistics.legendre import legendre_functions
from forecast.verification import UnscorableError, kinetic_energy_spectra

LATITUDE, LONGITUDE = np.linspace(-84.375, 84.375, 16), np.arange(32) * 11.25
COORDS = {"latitude": LATITUDE, "longitude": LONGITUDE}


def gradient(degree: int, order: int) -> tuple[xr.DataArray, xr.DataArray]:
    """Eastward and northward gradient of P cos(m longitude), the slope by differences of a millionth of a degree."""
    waves, radians = np.cos(order * np.deg2rad(LONGITUDE)), np.deg2rad(LONGITUDE)
    at = [legendre_functions(LATITUDE + shift, order, degree)[-1] for shift in (0.0, -1e-4, 1e-4)]
    east = -order * (at[0] / np.cos(np.deg2rad(LATITUDE)))[:, None] * np.sin(order * radians)
    north = ((at[2] - at[1]) / np.deg2rad(2e-4))[:, None] * waves
    return tuple(xr.DataArray(each, dims=("latitude", "longitude"), coords=COORDS) for each in (east, north))


@pytest.mark.parametrize(("degree", "order"), [(1, 0), (1, 1), (4, 3), (7, 0), (9, 5)])
def test_planted_winds_are_split_to_rounding(degree: int, order: int) -> None:
    east, north = gradient(degree, order)
    # Mean of half the square: n (n + 1) / 2, halved by the cosine of longitude where there is one.
    energy = degree * (degree + 1) / (2 if order == 0 else 4)
    for part, other, wind in (
        ("divergent", "rotational", (east, north)),
        ("rotational", "divergent", (-north, east)),
    ):
        found = kinetic_energy_spectra(*wind)
        assert float(found.sel(part=part, wavenumber=degree)) == pytest.approx(energy, rel=1e-7)
        assert float(found.sel(part=other).sum()) < 1e-14 * energy
        assert float(found.sel(part=part).sum()) == pytest.approx(energy, rel=1e-7)


def test_the_sum_is_the_mean_energy_of_a_mixture() -> None:
    generator = np.random.default_rng(0)
    east, north, expected = 0.0, 0.0, 0.0
    for degree, order in ((2, 1), (5, 2), (8, 8), (3, 0)):
        u, v = gradient(degree, order)
        a, b = generator.normal(size=2)
        east, north = east + a * u - b * v, north + a * v + b * u
        expected += (a**2 + b**2) * degree * (degree + 1) / (2 if order == 0 else 4)
    assert float(kinetic_energy_spectra(east, north).sum()) == pytest.approx(expected, rel=1e-7)


def test_lazy_chunks_and_a_missing_value() -> None:
    east, north = (xr.concat([each, 2 * each], "time") for each in gradient(4, 2))
    lazy = kinetic_energy_spectra(east.chunk({"time": 1, "latitude": 5}), north.chunk({"time": 1}))
    assert lazy.chunks is not None
    xr.testing.assert_allclose(lazy.compute(), kinetic_energy_spectra(east, north))
    east[0, 0, 0] = np.nan
    found = kinetic_energy_spectra(east, north)
    assert bool(found[0].isnull().all())
    assert bool(found[1].notnull().all())


def test_rows_at_the_poles_do_not_count() -> None:
    latitude = np.linspace(-90, 90, 17)
    shape = {"latitude": latitude, "longitude": LONGITUDE}
    east = xr.DataArray(np.cos(np.deg2rad(latitude))[:, None] * np.ones(32), dims=tuple(shape), coords=shape)
    east[[0, -1]] = 1e9
    found = kinetic_energy_spectra(east, xr.zeros_like(east))
    assert float(found.sel(part="rotational", wavenumber=1)) == pytest.approx(1 / 3, rel=1e-9)
    assert float(found.sum()) == pytest.approx(1 / 3, rel=1e-9)


def test_bad_input() -> None:
    east, north = gradient(2, 1)
    with pytest.raises(UnscorableError, match="expected both components on one grid"):
        kinetic_energy_spectra(east, north.isel(longitude=slice(3)))
    with pytest.raises(UnscorableError, match="expected to reach both poles"):
        kinetic_energy_spectra(east.isel(latitude=slice(8)), north.isel(latitude=slice(8)))
    with pytest.raises(UnscorableError, match="truncation: expected 1 to 10"):
        kinetic_energy_spectra(east, north, truncation=11)
