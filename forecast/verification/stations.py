"""Forecasts at places: fields taken to stations, and weights that keep dense networks from counting twice."""

from collections.abc import Hashable
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from data_catalog.layout.cells import is_periodic, latitude_edges, longitude_edges
from forecast.verification.checks import UnscorableError, grid_dimensions
from forecast.verification.datasets import for_each_variable

Array = NDArray[np.float64]
EARTH_RADIUS_KM = 6371.0
"""Mean radius of the Earth."""
ROUNDING = 1e-6
"""Degrees by which a station may lie outside a grid for rounding."""


@for_each_variable
def at_stations(
    field: xr.DataArray,
    latitude: xr.DataArray | ArrayLike,
    longitude: xr.DataArray | ArrayLike,
    *,
    method: Literal["nearest", "linear"] = "nearest",
) -> xr.DataArray:
    """Values of a field at stations.

    Args:
        field: On latitude and longitude, strictly monotonic and in degrees, and any other dimensions; NumPy or Dask
            inside.
        latitude: Latitudes of the stations, degrees, along one dimension, such as `station`, which that of a list or
            NumPy array is; or a number, for one place.
        longitude: Longitudes of the stations, degrees east on any turn of the circle, likewise.
        method: `"nearest"`: the value of the cell that the station lies in; `"linear"`: bilinear between the four
            points around it, missing where one of these is.

    Returns:
        The field with the stations' dimension (none for one place) in place of latitude and longitude, and the
        coordinates `latitude` and `longitude` of the stations beside those that they came with. The longitudes of a
        global grid close upon themselves.

    Raises:
        UnscorableError: A station lies outside the grid, which reaches to the edges of its cells for `"nearest"`, and
            to its outermost points for `"linear"`; or coordinates are not as described.
    """
    if method not in ("nearest", "linear"):
        raise UnscorableError(f"method: expected 'nearest' or 'linear', found '{method}'")
    if np.ndim(latitude) == 0 and np.ndim(longitude) == 0:
        one = [np.atleast_1d(np.asarray(each)) for each in (latitude, longitude)]
        return at_stations(field, *one, method=method).isel(station=0, drop=True)
    latitude, longitude = _places(latitude, longitude)
    station = latitude.dims[0]
    rows, columns = grid_dimensions(field)
    corners = [
        (row, column, row_share * column_share)
        for row, row_share in _corners(field, rows, latitude.values, method)
        for column, column_share in _corners(field, columns, longitude.values, method)
    ]
    total: xr.DataArray | None = None
    for row, column, share in corners:
        points = {rows: xr.DataArray(row, dims=[station]), columns: xr.DataArray(column, dims=[station])}
        part = field.isel(points).drop_vars([rows, columns])
        if len(corners) > 1:
            # A corner without a share does not count, whatever it holds.
            weight = xr.DataArray(share, dims=[station])
            part = (part * weight).where(weight > 0, 0.0)
        total = part if total is None else total + part
    assert total is not None
    kept = {name: coord for name, coord in latitude.coords.items() if coord.dims == latitude.dims}
    places = {"latitude": (station, latitude.values), "longitude": (station, longitude.values)}
    return total.assign_coords(kept).assign_coords(places).assign_attrs(field.attrs).rename(field.name)


def at_height(
    field: xr.DataArray, model_elevation: xr.DataArray, elevation: xr.DataArray, *, lapse: float
) -> xr.DataArray:
    """Values at the height of stations instead of that of the model's surface.

    Args:
        field: At stations, as `at_stations` gives it, such as temperature.
        model_elevation: Height of the model's surface at the stations, m, on their dimension; where it is NaN and the
            station's height is known, so is the result.
        elevation: Height of the stations, m, likewise; NaN where unknown, which leaves the field as it is there.
        lapse: Change of the quantity with height, per m, such as `LIMITS["t2m"].lapse`.

    Returns:
        `field` + `lapse` (`elevation` - `model_elevation`).

    Raises:
        UnscorableError: Heights are not on the dimension of the stations.

    Source: WMO-No. 485, appendix 2.2.34: a constant rate of .0065 K m-1 for temperature
    """
    for name, heights in (("model_elevation", model_elevation), ("elevation", elevation)):
        if heights.ndim != 1 or heights.dims[0] not in field.dims or heights.size != field.sizes[heights.dims[0]]:
            raise UnscorableError(f"{name}: expected a height of each station, found {dict(heights.sizes)}")
    station = elevation.dims[0]
    known = elevation.values.astype(np.float64)
    apart = np.where(np.isnan(known), 0.0, known - model_elevation.values.astype(np.float64))
    return (field + lapse * xr.DataArray(apart, dims=[station])).assign_attrs(field.attrs).rename(field.name)


def density_weights(
    latitude: xr.DataArray | ArrayLike, longitude: xr.DataArray | ArrayLike, *, distance_km: float = 83.4
) -> xr.DataArray:
    """Weights of stations by the inverse of their density: the sum over all stations of exp(-(distance / d_0)^2).

    Args:
        latitude: Latitudes of the stations, degrees, along one dimension; that of a list or NumPy array is `station`.
        longitude: Longitudes of the stations, degrees east, along the same dimension.
        distance_km: Distance d_0 over which stations say the same, in km; stations beyond 4 d_0 do not count. 0.75
            degrees of a great circle by default, which suits precipitation in Europe.

    Returns:
        Weights on the dimension of the stations, with mean 1.

    Raises:
        UnscorableError: A coordinate is missing, or the distance is not positive.

    Source: Rodwell et al. (2010), appendix, doi:10.1002/qj.656
    """
    if not distance_km > 0:
        raise UnscorableError(f"distance_km: expected a positive number, found {distance_km}")
    latitude, longitude = _places(latitude, longitude)
    places = on_the_sphere(latitude, longitude)
    density = np.array([_density(places, place, distance_km / EARTH_RADIUS_KM) for place in places])
    weights = latitude.copy(data=1 / density).drop_attrs().rename("density_weight")
    return weights / weights.mean()


def _places(
    latitude: xr.DataArray | ArrayLike, longitude: xr.DataArray | ArrayLike
) -> tuple[xr.DataArray, xr.DataArray]:
    """Coordinates of stations along one dimension, which is `station` where they have no names of dimensions."""
    places = []
    for each in (latitude, longitude):
        values = each if isinstance(each, xr.DataArray) else np.asarray(each)
        if values.dtype.kind not in "fiu":
            raise UnscorableError(f"stations: expected latitude and longitude in degrees, found {each}")
        is_plain = not isinstance(values, xr.DataArray) and values.ndim == 1
        places.append(xr.DataArray(values, dims=["station"]) if is_plain else xr.DataArray(values))
    one, other = places
    if one.ndim != 1 or one.dims != other.dims or one.sizes != other.sizes:
        found = " and ".join(str(dict(each.sizes)) for each in places)
        raise UnscorableError(f"stations: expected latitude and longitude along one dimension, found {found}")
    return one, other


def on_the_sphere(latitude: xr.DataArray, longitude: xr.DataArray) -> Array:
    """Return the places of stations as unit vectors, (station, 3).

    Args:
        latitude: Degrees, along one dimension.
        longitude: Degrees east, along the same dimension.

    Raises:
        UnscorableError: A coordinate is missing, or they are not along one dimension.
    """
    latitude, longitude = _places(latitude, longitude)
    phi, lam = (np.deg2rad(places.values.astype(np.float64)) for places in (latitude, longitude))
    if not (np.isfinite(phi).all() and np.isfinite(lam).all()):
        raise UnscorableError("stations: expected latitude and longitude of each, found missing ones")
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def _density(places: Array, place: Array, angle: float) -> float:
    chord = np.sqrt(((places - place) ** 2).sum(axis=-1))
    apart = 2 * np.arcsin(np.clip(chord / 2, 0.0, 1.0)) / angle
    return float(np.exp(-(apart[apart <= 4] ** 2)).sum())


def _corners(field: xr.DataArray, dim: Hashable, places: Array, method: str) -> list[tuple[NDArray[np.int64], Array]]:
    """Along one dimension, the points that a station takes its value from: their index, and their share of it."""
    axis, order = _axis(field, dim)
    turns = dim == grid_dimensions(field)[1]
    wanted = np.asarray(places, dtype=np.float64)
    if method == "nearest":
        ends = longitude_edges(axis) if turns else latitude_edges(axis)
    else:
        ends = np.append(axis, axis[0] + 360) if turns and is_periodic(axis) else axis
    if turns:
        wanted = ends[0] + (wanted - ends[0] + ROUNDING) % 360 - ROUNDING
    outside = ~((wanted >= ends[0] - ROUNDING) & (wanted <= ends[-1] + ROUNDING))
    if outside.any():
        first = int(np.argmax(outside))
        raise UnscorableError(
            f"stations: expected {dim} within {ends[0]:g} to {ends[-1]:g}, found {places[first]:g} at position {first}"
        )
    low = np.clip(np.searchsorted(ends, wanted, side="right") - 1, 0, len(ends) - 2)
    if method == "nearest":
        return [(order[low], np.ones(low.shape))]
    share = np.clip((wanted - ends[low]) / (ends[low + 1] - ends[low]), 0.0, 1.0)
    return [(order[low], 1 - share), (order[(low + 1) % axis.size], share)]


def _axis(field: xr.DataArray, dim: Hashable) -> tuple[Array, NDArray[np.int64]]:
    """Coordinates in ascending order, and the index that each has in the field."""
    if dim not in field.indexes:
        raise UnscorableError(f"field: expected the coordinate '{dim}', found dimensions {list(field.dims)}")
    axis = field.indexes[dim].to_numpy(np.float64)
    steps, order = np.diff(axis), np.arange(axis.size)
    if axis.size < 2 or not (np.all(steps > 0) or np.all(steps < 0)):
        raise UnscorableError(f"field: expected at least 2 strictly monotonic values of '{dim}', found others")
    return (axis, order) if steps[0] > 0 else (axis[::-1], order[::-1])
