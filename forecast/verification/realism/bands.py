"""Bands of wavenumbers, in which power is compared: single wavenumbers are too noisy in a few dozen cases."""

import numpy as np
import xarray as xr

from forecast.verification.checks import UnscorableError
from forecast.verification.regions import BUILT_IN, LEAST_COVERED, WHOLE
from forecast.verification.scores.limited_area import limited_area_spectrum
from forecast.verification.scores.spectra import on_latitude_longitude, spectrum

EDGES = (1, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
"""First wavenumbers of the bands: about half an octave each."""


def is_globe(field: xr.DataArray | xr.Dataset) -> bool:
    """Return whether a grid covers the globe.

    Args:
        field: On `latitude` and `longitude`, degrees.
    """
    return BUILT_IN[WHOLE].covered(field["latitude"], field["longitude"]) >= LEAST_COVERED


def band_power(field: xr.DataArray) -> xr.DataArray:
    """Power of a field in bands of wavenumbers.

    Args:
        field: Field on `latitude` and `longitude` and any other dimensions: a globe, of which spherical harmonics are
            taken, or a region, of which cosines are (`limited_area_spectrum`).

    Returns:
        Power along `band`, such as `4-7`, without wavenumber 0, in the square of the unit of `field`.
    """
    field = on_latitude_longitude(field)
    if is_globe(field):
        return in_bands(spectrum(field))
    largest = min(field.sizes["latitude"], field.sizes["longitude"]) - 1
    return in_bands(limited_area_spectrum(field).isel(wavenumber=slice(0, largest + 1)))


def in_bands(power: xr.DataArray) -> xr.DataArray:
    """Add up power over bands of wavenumbers, from 1 on.

    Args:
        power: Along `wavenumber`, whole numbers from 0. A last band of fewer than two wavenumbers is joined to the one
            before.

    Returns:
        Power along `band`, named by its first and last wavenumber.

    Raises:
        UnscorableError: There is no wavenumber from 1 on.
    """
    largest = int(power["wavenumber"].max())
    if largest < 1:
        raise UnscorableError(f"bands: expected wavenumbers from 1 on, found at most {largest}")
    starts = [edge for edge in EDGES if edge <= largest]
    if len(starts) > 1 and largest - starts[-1] < 1:
        starts.pop()
    ends = [*(start - 1 for start in starts[1:]), largest]
    ranges = list(zip(starts, ends, strict=True))
    parts = [power.sel(wavenumber=slice(*each)).sum("wavenumber", skipna=False) for each in ranges]
    names = [f"{start}-{end}" for start, end in ranges]
    joined: xr.DataArray = xr.concat(parts, xr.DataArray(np.array(names), dims="band", name="band"))
    return joined
