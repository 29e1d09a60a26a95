"""Kinetic energy of the rotational and the divergent wind, by wavenumber."""

from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.statistics.legendre import legendre_functions
from forecast.verification.checks import UnscorableError
from forecast.verification.scores.spectra import GRID, global_grid, on_latitude_longitude
from forecast.verification.weighting import area_weights

PARTS = ("rotational", "divergent")
_POLE = 89.999


def kinetic_energy_spectra(
    eastward: xr.DataArray, northward: xr.DataArray, *, truncation: int | None = None
) -> xr.DataArray:
    """Kinetic energy of the rotational and the divergent wind by total wavenumber, on the sphere.

    The wind is fitted by vector spherical harmonics, by area-weighted least squares: the rotational ones are
    k x grad(Y) / sqrt(n (n + 1)), the divergent ones grad(Y) / sqrt(n (n + 1)), for harmonics Y of degree n.

    Args:
        eastward: Eastward wind on `latitude` and `longitude`, degrees, from pole to pole and evenly spaced round the
            circle, and any other dimensions; m s-1. Rows at a pole do not count, as a wind has no components there.
        northward: Northward wind, alike.
        truncation: Largest wavenumber, no more than two thirds of the number of latitudes, which it is when None.

    Returns:
        Kinetic energy per unit mass, m2 s-2, along `part` (`rotational`, `divergent`) and `wavenumber` (the degree,
        from 0, at which there is no wind); the sum over both is the area mean of half the square of what the harmonics
        hold. NaN where the wind has a missing value.

    Raises:
        UnscorableError: The two components are on different grids, the grid is no globe, or it cannot resolve the
            truncation.

    Source: Boer and Shepherd (1983), doi:10.1175/1520-0469(1983)040<0164:LSTDTI>2.0.CO;2; Barrera and others (1985),
    doi:10.1088/0143-0807/6/4/014, for vector harmonics
    """
    u, v = (on_latitude_longitude(each) for each in (eastward, northward))
    if set(u.dims) != set(v.dims) or any(not u[dim].equals(v[dim]) for dim in u.dims):
        raise UnscorableError(f"wind: expected both components on one grid, found {dict(u.sizes)} and {dict(v.sizes)}")
    latitude, longitudes = global_grid(u)
    largest = min(2 * len(latitude) // 3, (longitudes - 1) // 2)
    wanted = largest if truncation is None else truncation
    if not 1 <= wanted <= largest:
        raise UnscorableError(f"truncation: expected 1 to {largest} on this grid, found {wanted}")
    if u.chunks is not None or v.chunks is not None:
        u, v = (each.chunk(dict.fromkeys(GRID, -1)) for each in (u, v))
    energy: xr.DataArray = xr.apply_ufunc(
        _energy,
        u,
        v,
        kwargs={"truncation": wanted, "latitude": latitude},
        input_core_dims=[GRID, GRID],
        output_core_dims=[["part", "wavenumber"]],
        exclude_dims=set(GRID),
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {"part": 2, "wavenumber": wanted + 1}},
        output_dtypes=[np.float64],
    )
    return energy.assign_coords(part=list(PARTS), wavenumber=np.arange(wanted + 1)).rename("kinetic_energy")


def _energy(
    eastward: NDArray[Any], northward: NDArray[Any], *, truncation: int, latitude: tuple[float, ...]
) -> NDArray[np.float64]:
    """Kinetic energy (..., part, degree)."""
    u, v = (np.fft.rfft(each.astype(np.float64), axis=-1) / each.shape[-1] for each in (eastward, northward))
    result = np.zeros((*eastward.shape[:-2], len(PARTS), truncation + 1))
    for order in range(truncation + 1):
        both = np.concatenate([u[..., order], v[..., order] / 1j], axis=-1)
        amplitudes = both @ _projection(latitude, order, truncation).T
        # Half the square; a wave of order m > 0 is stored once for m and -m.
        energy = np.square(np.abs(amplitudes)) * (0.5 if order == 0 else 1.0)
        degrees = energy.shape[-1] // 2
        result[..., truncation + 1 - degrees :] += energy.reshape(*energy.shape[:-1], 2, degrees)
    result[..., 0] = np.where(np.isnan(result[..., 1]), np.nan, 0.0)
    return result


@lru_cache(maxsize=512)
def _projection(latitude: tuple[float, ...], order: int, truncation: int) -> NDArray[np.float64]:
    """Matrix (part x degree, component x latitude) that fits vector harmonics of one order.

    With divergent amplitudes divided by i, and the northward wind too, all of it is real.
    """
    degrees = np.asarray(latitude)
    slope, across = _derivatives(degrees, order, truncation)
    basis = np.block([[-slope.T, -across.T], [across.T, slope.T]])
    area = np.where(np.abs(degrees) > _POLE, 0.0, area_weights(xr.DataArray(degrees, dims="latitude")).values)
    root = np.sqrt(np.concatenate([area, area]))
    projection: NDArray[np.float64] = np.linalg.pinv(basis * root[:, None]) * root
    return projection


def _derivatives(
    latitude: NDArray[np.float64], order: int, truncation: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """d/dphi and m / cos(phi) of Legendre functions over sqrt(n (n + 1)): (degree from max(order, 1), latitude)."""
    functions = legendre_functions(latitude, order, truncation)
    lowest = max(order, 1)
    degree = np.arange(lowest, truncation + 1, dtype=np.float64)[:, None]
    sine, cosine = np.sin(np.deg2rad(latitude)), np.cos(np.deg2rad(latitude))
    cosine = np.where(np.abs(latitude) > _POLE, np.inf, cosine)
    before = np.concatenate([np.zeros((1, latitude.size)), functions[:-1]])[lowest - order :]
    functions = functions[lowest - order :]
    lowering = np.sqrt((2 * degree + 1) * (degree**2 - order**2) / (2 * degree - 1))
    norm = np.sqrt(degree * (degree + 1)) * cosine
    return (lowering * before - degree * sine * functions) / norm, order * functions / norm
