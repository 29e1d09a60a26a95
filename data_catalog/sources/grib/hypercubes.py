"""Arranges fields along starts, lead times and members: one dataset for all that share them and the grid.

Every field of a file has its place or is refused: none is filled in, and of two for one place none is chosen.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.core import indexing

from data_catalog.errors import InvalidDataError
from data_catalog.layout.times import iso
from data_catalog.sources.grib.decoding import FieldArray, StoredField
from data_catalog.sources.grib.fields import ANALYSIS, REANALYSIS, GribField
from data_catalog.sources.grib.grids import GribGrid

Axes: TypeAlias = tuple[tuple[np.datetime64, ...], tuple[np.timedelta64, ...], tuple[int, ...]]
"""Starts, lead times and members, each in order."""
Place: TypeAlias = tuple[np.datetime64, np.timedelta64, int]
_DIMS = ("init_time", "lead_time", "member")
_HOUR = np.timedelta64(1, "h")


def arrange(stored: Iterable[StoredField], where: str, *, forecast: bool) -> list[xr.Dataset]:
    """Arrange fields as lazy datasets.

    Args:
        stored: Fields of one or several files.
        where: File or URL; errors start with it.
        forecast: Whether a forecast is wanted. Of a field that is there as an analysis and as a forecast, only the one
            or the other is taken.

    Returns:
        One dataset for each grid and each set of starts, lead times and members. Variables have their level in their
        names, dims ([init_time,] [lead_time,] [member,] latitude, longitude): an axis of one value is a scalar.

    Raises:
        InvalidDataError: There are no fields, all are on grids that cannot be read, one is missing, or one is there
            twice with different values.
    """
    by_name: dict[str, list[StoredField]] = {}
    for one in stored:
        by_name.setdefault(one.field.name, []).append(one)
    readable = {name: fields for name, fields in by_name.items() if fields[0].field.grid.refusal is None}
    if not readable:
        raise InvalidDataError(f"{where}: {_refusals(by_name)}")
    cubes: dict[tuple[GribGrid, Axes], dict[str, xr.Variable]] = {}
    for name, fields in readable.items():
        for of_grid in _of_each_grid(_of_one_kind(fields, forecast, f"{where}: {name}")):
            axes, variable = _cube(of_grid, f"{where}: {name}", forecast)
            cubes.setdefault((of_grid[0].field.grid, axes), {})[name] = variable
    return [_dataset(variables, grid, axes, where) for (grid, axes), variables in cubes.items()]


def _refusals(by_name: Mapping[str, Sequence[StoredField]]) -> str:
    reasons = [f"{name}: {fields[0].field.grid.refusal}" for name, fields in by_name.items()]
    return reasons[0] if reasons else "expected GRIB messages, found none"


def _of_one_kind(fields: Sequence[StoredField], forecast: bool, what: str) -> list[StoredField]:
    """The fields that are analyses, or those that are forecasts, where there are both."""
    kinds = list(dict.fromkeys(one.field.kind for one in fields))
    wanted = [kind for kind in kinds if (kind != ANALYSIS) == forecast] or kinds
    if len(wanted) > 1:
        raise InvalidDataError(
            f"{what}: expected one type of data, found {' and '.join(wanted)}; choose one with "
            "`grib_copy -w dataType=...`"
        )
    return [one for one in fields if one.field.kind == wanted[0]]


def _of_each_grid(fields: Sequence[StoredField]) -> list[list[StoredField]]:
    grids: dict[GribGrid, list[StoredField]] = {}
    for one in fields:
        grids.setdefault(one.field.grid, []).append(one)
    return list(grids.values())


def _cube(fields: Sequence[StoredField], what: str, forecast: bool) -> tuple[Axes, xr.Variable]:
    """All fields of one name and grid along their axes."""
    placed: dict[Place, StoredField] = {}
    for one in fields:
        place = _place(one.field, forecast)
        if place in placed and placed[place].message() != one.message():
            raise InvalidDataError(f"{what}: expected one {one.field.described}, found two with different bytes")
        placed.setdefault(place, one)
    axes = tuple(tuple(sorted(set(values))) for values in zip(*placed, strict=True))
    starts, leads, members = axes
    cube = np.empty([len(axis) for axis in axes], object)
    for at in np.ndindex(cube.shape):
        place = (starts[at[0]], leads[at[1]], members[at[2]])
        if place not in placed:
            raise InvalidDataError(f"{what}: {_absent(place, cube.size, len(placed))}")
        cube[at] = placed[place]
    return (starts, leads, members), _lazy(cube, fields[0].field)


def _place(field: GribField, forecast: bool) -> Place:
    """Start, lead time and member; short forecasts of a reanalysis stand for the times that they are valid at."""
    if field.kind == REANALYSIS and not forecast:
        return field.valid_time, np.timedelta64(0, "m"), field.member
    return field.init_time, field.valid_time - field.init_time, field.member


def _absent(place: Place, wanted: int, found: int) -> str:
    start, lead, member = place
    return (
        f"expected a field from {iso(start)} at {lead / _HOUR:g} h of member {member}, found none ({found} of {wanted} "
        "fields are there)"
    )


def _lazy(cube: NDArray[np.object_], field: GribField) -> xr.Variable:
    """The fields along the axes that have several values."""
    long = [dim for dim, size in zip(_DIMS, cube.shape, strict=True) if size > 1]
    array = FieldArray(cube.reshape([size for size in cube.shape if size > 1]))
    dims = (*long, "latitude", "longitude")
    attributes = {"units": field.units, "long_name": field.long_name, "cell_methods": field.cell_methods}
    variable = xr.Variable(
        dims, indexing.LazilyIndexedArray(array), {key: text for key, text in attributes.items() if text}
    )
    variable.encoding["preferred_chunks"] = dict(zip(dims, (*(1 for _ in long), *array.shape[-2:]), strict=True))
    return variable


def _dataset(variables: Mapping[str, xr.Variable], grid: GribGrid, axes: Axes, where: str) -> xr.Dataset:
    first = next(iter(variables))
    latitude, longitude = grid.coordinates(f"{where}: {first}")
    starts, leads, members = axes
    values = (np.array(starts, "M8[ns]"), np.array(leads, "m8[ns]"), np.array(members))
    coordinates = {
        dim: xr.Variable((dim,) if one.size > 1 else (), one if one.size > 1 else one[0])
        for dim, one in zip(_DIMS, values, strict=True)
    }
    places = {
        "latitude": xr.Variable("latitude", latitude, {"units": "degrees_north"}),
        "longitude": xr.Variable("longitude", longitude, {"units": "degrees_east"}),
    }
    return xr.Dataset(dict(variables), {**coordinates, **places})
