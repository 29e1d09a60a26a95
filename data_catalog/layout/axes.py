"""The one reader of foreign layouts: the axes of any dataset, under our names and decoded.

Of each axis a dimension counts before a scalar coordinate, and that before a coordinate along other dimensions. What no
rule can place is refused, never guessed.
"""

import re
from collections.abc import Sequence

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.axis_names import (
    SPELLINGS,
    coordinate_roles,
    dimension_roles,
    units_of,
)
from data_catalog.layout.forecast_times import analysis_times, read_times, spelled, start_and_lead_axes
from data_catalog.layout.units import conversion, linear
from data_catalog.layout.variables import is_field_name

_PLACES = ("latitude", "longitude")
_HIGHEST_PRESSURE_HPA = 2000.0
_PLAIN_GRIDS = frozenset({"latitude_longitude", ""})
_WEST_OR_SOUTH = re.compile(r"degrees?_?(w|west|s|south)", re.IGNORECASE)
"""Units of places that count the other way."""
_WAY_OUT = "put it on a regular latitude-longitude grid first, such as with `cdo remapcon`"
_WAY_OUT_OF_CURVILINEAR = (
    "'plumecast regrid FILE --grid GRID --method bilinear --out OUT' puts it on a regular one, as does regrid = "
    '"bilinear" in a dataset file'
)


def as_analysis(dataset: xr.Dataset, where: str, *, ensemble: bool = False) -> xr.Dataset:
    """The fields of an analysis on our axes: `time`, [`member`,] `level`, `latitude` and `longitude`.

    Args:
        dataset: As xarray opens it; stays lazy where it is lazy.
        where: File or dataset, to begin an error with.
        ensemble: Whether each analysis is an ensemble, whose members are kept.

    Returns:
        Every field, on dimensions of these names and others that are no axis, with `time` as datetime64[ns], `level` in
        hPa, and degrees. An axis of one value may be a scalar coordinate. Order and direction are those of the dataset.

    Raises:
        InvalidDataError: The dataset has several members or lead times, or an axis cannot be understood.
    """
    dims = _axis_dims(dataset, where, _WAY_OUT_OF_CURVILINEAR)
    if not ensemble:
        _check_one_member(dataset, dims, where)
    times = analysis_times(read_times(dataset, where, forecast=False), where)
    if times is None and any(role == "time" for role in dimension_roles(dataset, _field_dims(dataset)).values()):
        raise InvalidDataError(f"{where}: expected a time coordinate, found a dimension without values")
    axes = {} if times is None else {"time": times}
    if ensemble:
        return _on_axes(dataset, dims, {**axes, "member": _members(dataset, dims, where)}, where)
    return _on_axes(dataset, dims, axes, where, dropped=_dim_of("member", dims))


def as_forecast(dataset: xr.Dataset, where: str) -> xr.Dataset:
    """The fields of an ensemble forecast on our axes: `init_time`, `member`, `lead_time`, `level` and places.

    Args:
        dataset: As xarray opens it; stays lazy where it is lazy.
        where: File or dataset, to begin an error with.

    Returns:
        Every field, as `as_analysis` returns them; starts as datetime64[ns], lead times as timedelta64[ns], members as
        int64: whole labels as they are, others numbered from 0, one member where the dataset has none. An axis of one
        value may be a scalar coordinate.

    Raises:
        InvalidDataError: The dataset has no starts or lead times, members have starts of their own (a lagged ensemble),
            or an axis cannot be understood.
    """
    dims = _axis_dims(dataset, where)
    init, lead = start_and_lead_axes(read_times(dataset, where, forecast=True), where)
    for what, axis in (("start", init), ("lead time", lead)):
        taken = next((ours for ours, dim in dims.items() if dim in axis.dims), None)
        if taken == "member":
            raise InvalidDataError(
                f"{where}: expected one {what} for all members, found members of different {what}s (a lagged "
                "ensemble); give each the latest start and the lead times from it"
            )
        if taken is not None:
            raise InvalidDataError(f"{where}: expected each {what} for the whole grid, found others along {taken}")
    member = _members(dataset, dims, where)
    return _on_axes(dataset, dims, {"init_time": init, "member": member, "lead_time": lead}, where)


def field_names(dataset: xr.Dataset) -> list[str]:
    """Variables that are quantities of the variable table by their names, or else all that are no coordinate.

    Args:
        dataset: As xarray opens it.
    """
    coordinates = coordinate_roles(dataset)
    others = [str(name) for name, variable in dataset.variables.items() if variable.dims != (name,)]
    known = [name for name in others if name not in coordinates and is_field_name(name)]
    return known or [str(name) for name in dataset.data_vars if str(name) not in coordinates]


def _field_dims(dataset: xr.Dataset) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(dim) for name in field_names(dataset) for dim in dataset.variables[name].dims))


def _dim_of(role: str, dims: dict[str, str]) -> list[str]:
    return [dims[role]] if role in dims else []


def _axis_dims(dataset: xr.Dataset, where: str, way_out_of_curvilinear: str = _WAY_OUT) -> dict[str, str]:
    """The dimension that each axis of place, level and member has in the fields, of those that have one."""
    field_dims = _field_dims(dataset)
    roles = dimension_roles(dataset, field_dims)
    _check_grid(dataset, roles, where, way_out_of_curvilinear)
    dims = {}
    for role in ("member", "level", *_PLACES):
        found = [dim for dim in field_dims if roles.get(dim) == role]
        long = [dim for dim in found if dataset.sizes[dim] > 1]
        if len(long) > 1 and role != "level":
            raise InvalidDataError(f"{where}: expected one dimension of {role}, found {' and '.join(long)}")
        if found:
            dims[role] = (long or found)[0]
    return dims


def _check_grid(dataset: xr.Dataset, roles: dict[str, str], where: str, way_out_of_curvilinear: str) -> None:
    """Refuse grids whose points do not stand in rows and columns of latitude and longitude."""
    places = {role: name for name, role in reversed(coordinate_roles(dataset).items()) if role in _PLACES}
    curvilinear = len(places) == len(_PLACES) and all(dataset.variables[name].ndim > 1 for name in places.values())
    way_out = way_out_of_curvilinear if curvilinear else _WAY_OUT
    for name in field_names(dataset):
        field = dataset.variables[name]
        mapping = str(field.attrs.get("grid_mapping", field.encoding.get("grid_mapping", "")))
        kind = str(dataset.variables[mapping].attrs.get("grid_mapping_name", "")) if mapping in dataset else ""
        if kind not in _PLAIN_GRIDS:
            raise InvalidDataError(
                f"{where}: {name}: expected a regular latitude-longitude grid, found a {kind} grid; {way_out}"
            )
    for role, name in places.items():
        lies_along = dataset.variables[name].dims
        if role not in roles.values() and lies_along and set(lies_along) & set(_field_dims(dataset)):
            kind = "curvilinear or rotated" if len(lies_along) > 1 else "reduced or unstructured"
            raise InvalidDataError(
                f"{where}: expected a {role} dimension, found {name} along {', '.join(map(str, lies_along))} (a {kind} "
                f"grid); {way_out}"
            )


def _check_one_member(dataset: xr.Dataset, dims: dict[str, str], where: str) -> None:
    size = dataset.sizes[dims["member"]] if "member" in dims else 1
    if size != 1:
        raise InvalidDataError(
            f"{where}: expected one analysis, found {size} members (a dataset file with members = {size} takes them)"
        )


def _members(dataset: xr.Dataset, dims: dict[str, str], where: str) -> xr.Variable:
    """Numbers of the members."""
    labels = _coordinate(dataset, "member", dims)
    along = _dim_of("member", dims)
    if labels is None:
        size = dataset.sizes[along[0]] if along else 1
        return xr.Variable(along, np.arange(size) if along else np.int64(0))
    numbers = _whole(labels.values)
    values = labels.values if numbers is None else numbers
    different, counts = np.unique(values.astype(str) if values.dtype == object else values, return_counts=True)
    if not different.size or counts.max() > 1:
        found = f"{spelled(different[counts.argmax()])} twice" if different.size else "none"
        raise InvalidDataError(f"{where}: expected each member once, found {found}")
    if numbers is None:
        numbers = np.arange(labels.size).reshape(labels.shape)
    return xr.Variable(along if labels.ndim else (), numbers)


def _whole(labels: np.ndarray) -> np.ndarray | None:
    """Labels as integers, where they are whole numbers."""
    if labels.dtype.kind not in "iuf":
        return None
    with np.errstate(invalid="ignore"):
        whole = np.isfinite(labels) & (np.abs(labels) < 2**53) & (np.rint(labels) == labels)
    return labels.astype(np.int64) if whole.all() else None


def _coordinate(dataset: xr.Dataset, role: str, dims: dict[str, str]) -> xr.Variable | None:
    """Values of an axis: along its dimension, or else a scalar; None where there are none."""
    along = tuple(_dim_of(role, dims))
    names = [name for name, found in coordinate_roles(dataset).items() if found == role]
    fitting = [name for name in names if dataset.variables[name].dims == along]
    if role == "level" and not along and len(fitting) > 1 and fitting[0] not in SPELLINGS[role]:
        return None  # one for each field, which say so in their own names
    lone = [name for name in names if dataset.variables[name].size == 1] if not along else []
    found = next(iter([*fitting, *lone]), None)
    if found is None:
        return None
    variable = dataset.variables[found]
    return variable if variable.dims == along else variable.isel(dict.fromkeys(variable.dims, 0))


def _on_axes(
    dataset: xr.Dataset,
    dims: dict[str, str],
    axes: dict[str, xr.Variable],
    where: str,
    dropped: Sequence[str] = (),
) -> xr.Dataset:
    """The fields alone, their dimensions renamed, with the coordinates of their axes."""
    renamed = {dim: role for role, dim in dims.items() if dim not in dropped}
    renamed |= {str(dim): role for role, axis in axes.items() for dim in axis.dims}
    coordinates = {
        role: xr.Variable([renamed[str(dim)] for dim in axis.dims], axis.values) for role, axis in axes.items()
    }
    for role in ("level", *_PLACES):
        found = _coordinate(dataset, role, dims)
        if found is not None:
            along = [role] if role in dims else []
            coordinates[role] = xr.Variable(along, _numbers(found, role, f"{where}: {role}"))
    names = [name for name in field_names(dataset) if name not in SPELLINGS]
    fields = dataset.drop_vars([name for name in dataset.variables if name not in names]).reset_coords()
    fields = fields.isel({dim: 0 for dim in dropped if dim in fields.dims})
    others = {str(dim): f"their_{dim}" for dim in fields.dims if dim in SPELLINGS and dim not in renamed}
    names_of_dims = {dim: ours for dim, ours in {**renamed, **others}.items() if dim in fields.dims}
    # By way of names that no dataset has, as two dimensions may change places.
    fields = fields.rename_dims({dim: f" {ours}" for dim, ours in names_of_dims.items()})
    fields = fields.rename_dims({f" {ours}": ours for ours in names_of_dims.values()})
    return fields.assign_coords(coordinates)


def _numbers(variable: xr.Variable, role: str, what: str) -> np.ndarray:
    """Values of a coordinate of place or level, in degrees or hPa."""
    values = np.asarray(variable.values, np.float64)
    if not np.isfinite(values).all():
        raise InvalidDataError(f"{what}: expected finite values, found some missing")
    units = units_of(variable)
    if role == "level":
        in_hpa = linear(units, "hPa")
        high = values.max(initial=0.0) > _HIGHEST_PRESSURE_HPA
        factor, offset = in_hpa if in_hpa is not None else ((0.01, 0.0) if high else (1.0, 0.0))
        return np.round(values * factor + offset, 6)
    if _WEST_OR_SOUTH.fullmatch(units):
        return -values
    factor, offset = conversion(units, "degrees", what=what) if units and not _is_plain(units) else (1.0, 0.0)
    return values * factor + offset if factor != 1.0 else values


def _is_plain(units: str) -> bool:
    """Whether a unit of a place is degrees in a word that UDUNITS does not know, or none at all."""
    return units.lower().startswith("deg") or linear(units, "1") is not None
