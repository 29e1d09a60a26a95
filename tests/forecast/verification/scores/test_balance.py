"""Balance of known fields."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification import UnscorableError, ageostrophic_share, geostrophic_wind, layer_temperature

LATITUDE, LONGITUDE = np.arange(-88.5, 90, 3.0), np.arange(0, 360, 3.0)
ROTATION, RADIUS = 7.292e-5, 6.371e6


def solid_rotation(speed: float) -> tuple[xr.DataArray, xr.DataArray]:
    """Geopotential whose geostrophic wind is `speed` times the cosine of latitude, and that wind."""
    sine = np.sin(np.deg2rad(LATITUDE))
    shape = {"latitude": LATITUDE, "longitude": LONGITUDE}
    # -dPhi/dphi = f a u = 2 Omega sin(phi) a speed cos(phi)
    phi, wind = -ROTATION * RADIUS * speed * sine**2, speed * np.cos(np.deg2rad(LATITUDE))
    return tuple(
        xr.DataArray(np.repeat(each[:, None], LONGITUDE.size, 1), dims=tuple(shape), coords=shape)
        for each in (phi, wind)
    )


def test_the_geostrophic_wind_of_solid_rotation() -> None:
    phi, wind = solid_rotation(30.0)
    found = geostrophic_wind(phi)
    off = abs(found["u"] / wind - 1)
    assert float(off.max()) < 0.002
    assert float(abs(found["v"]).max()) < 1e-9
    assert bool(found["u"].sel(latitude=slice(-20, 20)).isnull().all())
    assert bool(found["u"].sel(latitude=slice(21, 86)).notnull().all())


def test_a_wave_gives_a_northward_wind() -> None:
    phi, _ = solid_rotation(0.0)
    wave = phi + 1000 * np.sin(2 * np.deg2rad(phi["longitude"]))
    found = geostrophic_wind(wave)["v"].sel(latitude=46.5)
    coriolis = 2 * ROTATION * np.sin(np.deg2rad(46.5))
    expected = 2000 * np.cos(2 * np.deg2rad(LONGITUDE)) / (coriolis * RADIUS * np.cos(np.deg2rad(46.5)))
    np.testing.assert_allclose(found, expected, rtol=0.005, atol=0.01)


def test_the_ageostrophic_share_of_balanced_and_of_turned_wind() -> None:
    phi = solid_rotation(20.0)[0] + 3000 * np.sin(3 * np.deg2rad(xr.DataArray(LONGITUDE, dims="longitude")))
    wind = geostrophic_wind(phi)
    assert float(ageostrophic_share(phi, wind["u"], wind["v"])) == pytest.approx(0.0, abs=1e-20)
    assert float(ageostrophic_share(phi, wind["u"] * 1.1, wind["v"] * 1.1)) == pytest.approx((0.1 / 1.1) ** 2)
    assert float(ageostrophic_share(phi, -wind["v"], wind["u"])) == pytest.approx(2.0)


def test_a_region_has_no_wind_at_its_edges() -> None:
    phi = solid_rotation(20.0)[0].sel(latitude=slice(30, 60), longitude=slice(0, 60))
    known = geostrophic_wind(phi)["u"].notnull()
    assert int(known.sum()) == (phi.sizes["latitude"] - 2) * (phi.sizes["longitude"] - 2)


def test_bad_input() -> None:
    phi, wind = solid_rotation(20.0)
    with pytest.raises(UnscorableError, match="at least 3 points along 'latitude'"):
        geostrophic_wind(phi.isel(latitude=slice(2)))
    tropics = {"latitude": slice(-12, 12)}
    with pytest.raises(UnscorableError, match="expected points beyond 20 degrees, found none"):
        ageostrophic_share(phi.sel(tropics), wind.sel(tropics), wind.sel(tropics))


def test_an_isothermal_layer_has_its_temperature() -> None:
    thickness = xr.DataArray(287.05 * 270.0 * np.log([2.0, 1.9]), dims="point")
    lower = xr.DataArray([1e5, 0.95e5], dims="point")
    np.testing.assert_allclose(layer_temperature(thickness, lower, 5e4), 270.0)
