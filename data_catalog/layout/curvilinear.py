"""Curvilinear grids at the door: points in rows and columns that have a latitude and a longitude each.

Everything behind the door stands on axes of latitude and longitude. Such a grid passes through it on stand-in axes,
which only count rows and columns, so that its fields are recognised, converted and checked as all others are; then it
gets its own places back, to be regridded.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from data_catalog.layout.axis_names import coordinate_roles, dimension_roles

_PLACES = ("latitude", "longitude")
_STAND_IN = {"latitude": ("degrees_north", -60.0, 60.0), "longitude": ("degrees_east", 0.0, 90.0)}
"""Units and ends of the axes that stand for rows and columns; far from a pole, and no whole circle."""
_SAME_DEGREES = 1e-4


@dataclass(frozen=True, eq=False)
class Places:
    """Where the points of a curvilinear grid are.

    Attributes:
        dims: Dimensions of rows and columns, as the data spells them.
        latitude: Degrees, (row, column).
        longitude: Degrees, (row, column).
    """

    dims: tuple[str, str]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]

    def check_same(self, other: "Places", where: str) -> None:
        """Check that another grid has the same points.

        Args:
            other: The other grid.
            where: File of the other grid, to begin the error with.

        Raises:
            InvalidDataError: It has not.
        """
        for name in _PLACES:
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine.shape != theirs.shape or np.abs(mine - theirs).max(initial=0.0) > _SAME_DEGREES:
                raise InvalidDataError(f"{where}: expected one curvilinear grid in all files, found another {name}")


def curvilinear_places(dataset: xr.Dataset, where: str) -> Places | None:
    """Return where the points of a curvilinear grid are; None for a dataset on any other grid.

    Args:
        dataset: As xarray opens it.
        where: File, to begin an error with.

    Raises:
        InvalidDataError: A point has no place, or a latitude beyond the poles.
    """
    roles = coordinate_roles(dataset)
    found = {}
    for place in _PLACES:
        names = [name for name, role in roles.items() if role == place and dataset.variables[name].ndim == 2]
        if not names:
            return None
        found[place] = dataset.variables[names[0]]
    dims = tuple(map(str, found["latitude"].dims))
    if {*map(str, found["longitude"].dims)} != {*dims} or set(dimension_roles(dataset, dims).values()) & set(_PLACES):
        return None
    latitude, longitude = (np.asarray(found[place].transpose(*dims).values, np.float64) for place in _PLACES)
    if not (np.isfinite(latitude).all() and np.isfinite(longitude).all()):
        raise InvalidDataError(f"{where}: expected a latitude and a longitude of each point, found some missing")
    if np.abs(latitude).max(initial=0.0) > 90.0 + _SAME_DEGREES:
        raise InvalidDataError(f"{where}: expected latitudes in -90..90, found {np.abs(latitude).max():g}")
    return Places((dims[0], dims[1]), latitude, longitude)


def on_stand_in_axes(dataset: xr.Dataset, places: Places) -> xr.Dataset:
    """Return the fields of a curvilinear dataset on axes that count rows and columns.

    Args:
        dataset: As xarray opens it; stays lazy.
        places: Its grid.
    """
    roles = coordinate_roles(dataset)
    aside = {name for name, role in roles.items() if role in _PLACES} | set(places.dims)
    aside |= {str(dataset.variables[name].attrs.get("bounds", "")) for name in aside if name in dataset.variables}
    plain = dataset.drop_vars([name for name in aside if name in dataset.variables]).copy()
    for variable in plain.variables.values():
        for words in (variable.attrs, variable.encoding):
            words.pop("grid_mapping", None)  # the places say it all
            words.pop("coordinates", None)
    plain = plain.rename_dims(dict(zip(places.dims, _PLACES, strict=True)))
    axes = {}
    for name, (units, first, last) in _STAND_IN.items():
        axes[name] = (name, np.linspace(first, last, plain.sizes[name]), {"units": units})
    return plain.assign_coords(axes)


def on_own_places(analysis: xr.Dataset, places: Places) -> xr.Dataset:
    """Return an analysis with the places of its points in place of the stand-in axes.

    Args:
        analysis: In canonical layout, on stand-in axes.
        places: Its grid.

    Returns:
        Dims (..., row, column), with `latitude` and `longitude` of both.
    """
    plain = analysis.drop_vars(_PLACES).rename_dims({"latitude": "row", "longitude": "column"})
    values = {"latitude": places.latitude, "longitude": places.longitude}
    return plain.assign_coords({name: (("row", "column"), value) for name, value in values.items()})
