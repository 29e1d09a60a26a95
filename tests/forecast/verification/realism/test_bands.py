"""Bands of wavenumbers, on globes and on regions."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification import UnscorableError, limited_area_spectrum, spectrum
from forecast.verification.realism.bands import band_power, in_bands, is_globe


def power(largest: int) -> xr.DataArray:
    return xr.DataArray(np.ones(largest + 1), dims="wavenumber", coords={"wavenumber": np.arange(largest + 1)})


@pytest.mark.parametrize(
    ("largest", "names"),
    [
        (1, ["1-1"]),
        (4, ["1-4"]),
        (5, ["1-3", "4-5"]),
        (21, ["1-3", "4-7", "8-11", "12-15", "16-21"]),
        (24, ["1-3", "4-7", "8-11", "12-15", "16-24"]),
    ],
)
def test_bands_hold_every_wavenumber_but_zero_once(largest: int, names: list[str]) -> None:
    found = in_bands(power(largest))
    assert found["band"].values.tolist() == names
    assert float(found.sum()) == largest


def test_no_wavenumber() -> None:
    with pytest.raises(UnscorableError, match="expected wavenumbers from 1 on"):
        in_bands(power(0))


def test_a_globe_and_a_region_have_spectra_of_their_own() -> None:
    values = np.random.default_rng(0).normal(size=(12, 24))
    coords = {"latitude": np.linspace(-82.5, 82.5, 12), "longitude": np.arange(24) * 15.0}
    globe = xr.DataArray(values, dims=tuple(coords), coords=coords)
    region = globe.assign_coords(latitude=np.linspace(30, 60, 12), longitude=np.linspace(0, 46, 24))
    assert is_globe(globe)
    assert not is_globe(region)
    assert float(band_power(globe).sum()) == pytest.approx(float(spectrum(globe)[1:].sum()))
    assert float(band_power(region).sum()) == pytest.approx(float(limited_area_spectrum(region)[1:12].sum()))
