"""Events within a neighbourhood in kilometres on the sphere."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.cells import is_periodic
from forecast.products.ensemble.arguments import dimension
from forecast.products.ensemble.events import checked_events
from forecast.products.files.cf import EARTH_RADIUS_M

ROUNDING = 1e-6
"""Part of a distance by which a point may lie beyond the radius, as rounding may put it there."""


def event_in_neighbourhood(happens: xr.DataArray, radius_km: float) -> xr.DataArray:
    """Whether an event happens within a distance of each point.

    The neighbourhood of a point holds all grid points whose great circle to it is no longer than the radius: across the
    date line and the poles of a global grid, and up to the edge of a regional one.

    Args:
        happens: Event as `event` returns it, on latitude and evenly spaced longitude (degrees) and any other
            dimensions; NumPy or Dask inside.
        radius_km: Radius of the neighbourhood, km; smaller than the way to the next point it is the point itself.

    Returns:
        Float32, dims of `happens`: 1 where it happens at a point of the neighbourhood, 0 where not, NaN where it is
        unknown at one of its points.

    Raises:
        ConfigurationError: The radius is not positive.
        InvalidDataError: Latitude or longitude is missing, longitudes are unevenly spaced, or a value is no event.

    Source: Schwartz and Sobash (2017), doi:10.1175/MWR-D-16-0400.1 (neighbourhood maximum ensemble probability)
    """
    if not radius_km > 0:
        raise ConfigurationError(f"radius_km: expected a positive number, found {radius_km}")
    names = [dimension("happens", happens, axis) for axis in ("latitude", "longitude")]
    latitude, longitude = (_degrees(happens, name) for name in names)
    steps = np.diff(longitude)
    if longitude.size > 1 and not np.allclose(steps, steps[0], rtol=1e-3):
        raise InvalidDataError(f"happens: expected evenly spaced degrees along '{names[1]}', found steps from "
                               f"{steps.min():g} to {steps.max():g}")  # fmt: skip
    wide = {"latitude": latitude, "longitude": longitude, "angle": 1000 * radius_km / EARTH_RADIUS_M}
    found: xr.DataArray = xr.apply_ufunc(
        _largest_nearby, happens, kwargs=wide, input_core_dims=[names], output_core_dims=[names],
        dask="parallelized", output_dtypes=[np.float32], dask_gufunc_kwargs={"allow_rechunk": True},
    )  # fmt: skip
    found.attrs = {"long_name": f"event within {radius_km:g} km", "units": "1"}
    return found.transpose(*happens.dims).rename(None)


def _degrees(happens: xr.DataArray, name: Any) -> NDArray[np.float64]:
    if name not in happens.coords:
        raise InvalidDataError(f"happens: expected degrees along '{name}', found no coordinate")
    return np.asarray(happens[name].values, np.float64)


def _largest_nearby(
    happens: NDArray[Any], *, latitude: NDArray[np.float64], longitude: NDArray[np.float64], angle: float
) -> NDArray[np.float32]:
    """Largest value within an angle (radians) of each point of (..., latitude, longitude); NaN where one is unknown."""
    values = checked_events(happens).astype(np.float32)
    unknown = np.isnan(values)
    ranked = np.where(unknown, np.float32(2), values)  # events are at most 1
    around = is_periodic(longitude)
    step = np.deg2rad(abs(longitude[1] - longitude[0])) if longitude.size > 1 else np.inf
    largest = np.full_like(ranked, -np.inf)
    for row, target in enumerate(np.deg2rad(latitude)):
        for near, reach in _rows_within(target, np.deg2rad(latitude), angle):
            columns = int(reach / step + ROUNDING)
            widened = _widened(ranked[..., near, :], columns, around)
            largest[..., row, :] = np.maximum(largest[..., row, :], widened)
    return np.where(largest > 1, np.float32(np.nan), largest)


def _rows_within(target: float, rows: NDArray[np.float64], angle: float) -> Iterator[tuple[int, float]]:
    """Rows that come within an angle of a point at a latitude, and how far they do in longitude; all in radians."""
    angle *= 1 + ROUNDING
    for near in np.flatnonzero(np.abs(rows - target) <= angle):
        # haversine: hav(angle) = hav(difference of latitude) + cos cos hav(difference of longitude)
        left = np.sin(min(angle, np.pi) / 2) ** 2 - np.sin((rows[near] - target) / 2) ** 2
        across = np.cos(rows[near]) * np.cos(target)
        reaches_all = left >= across
        yield int(near), np.pi if reaches_all else 2 * float(np.arcsin(np.sqrt(max(left, 0.0) / across)))


def _widened(row: NDArray[np.float32], columns: int, around: bool) -> NDArray[np.float32]:
    size = row.shape[-1]
    if 2 * columns + 1 >= 2 * size or (around and 2 * columns + 1 >= size):
        return np.broadcast_to(row.max(axis=-1, keepdims=True), row.shape)
    mode = "wrap" if around else "nearest"
    return np.asarray(maximum_filter1d(row, 2 * columns + 1, axis=-1, mode=mode))
