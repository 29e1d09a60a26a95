"""What products of an ensemble take: their members' dimension, and fields and climates on the same points."""

from collections.abc import Hashable

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.axis_names import SPELLINGS
from data_catalog.layout.cells import same_place_tolerance

CLIMATE_STATE = "climate_state"
"""Name that the dimension of a climate's states is given, so that it differs from the members' dimension."""


def member_dimension(members: xr.DataArray, member_dim: Hashable | None = None) -> Hashable:
    """Return the name of the dimension of the members.

    Args:
        members: Ensemble on any dimensions.
        member_dim: Name of the dimension; None finds `member`, `realization`, `number` and the like.

    Raises:
        InvalidDataError: There is no such dimension, several have a usual name, or it has no members.
    """
    along = dimension("members", members, "member", member_dim)
    if not members.sizes[along]:
        raise InvalidDataError(f"members: expected at least one along '{along}', found none")
    return along


def dimension(role: str, field: xr.DataArray, axis: str, name: Hashable | None = None) -> Hashable:
    """Return the name of the dimension of an axis.

    Args:
        role: Name of the argument, with which a message begins.
        field: Field on any dimensions.
        axis: Our name of the axis: `member`, `lead_time`, `latitude` or `longitude`.
        name: Name of the dimension; None finds our own or another usual one.

    Raises:
        InvalidDataError: There is no such dimension, or several have a usual name.
    """
    usual = [each for each in SPELLINGS[axis] if each in field.dims]
    found: list[Hashable] = [axis] if axis in usual else list(usual)
    wanted = found if name is None else [name]
    if len(wanted) != 1 or wanted[0] not in field.dims:
        expected = f"one dimension '{axis}'" if name is None else f"dimension '{name}'"
        raise InvalidDataError(f"{role}: expected {expected}, found {list(field.dims)}")
    return wanted[0]


def on_points(role: str, field: xr.DataArray, points: xr.DataArray, own: Hashable | None = None) -> xr.DataArray:
    """Put an argument on the coordinates of the points.

    Args:
        role: Name of the argument, with which a message begins.
        field: Any of the dimensions of `points`, and `own`.
        points: A field on all points.
        own: Name of the one further dimension that `field` may have.

    Returns:
        `field` with the coordinates of `points`, where both agree within a hundredth of a grid step.

    Raises:
        InvalidDataError: A dimension, a coordinate or the unit is another.
    """
    for dim in field.dims:
        if dim != own and dim not in points.dims:
            raise InvalidDataError(f"{role}: expected dimensions among {list(points.dims)}, found '{dim}'")
        if dim != own and not _same_places(field, points, dim):
            raise InvalidDataError(f"{role}: expected the {points.sizes[dim]} places of the members along '{dim}', "
                                   f"found {field.sizes[dim]}, not all the same")  # fmt: skip
    units = field.attrs.get("units"), points.attrs.get("units")
    if None not in units and units[0] != units[1]:
        raise InvalidDataError(f"{role}: expected unit '{units[1]}', found '{units[0]}'")
    shared = [dim for dim in field.dims if dim != own]
    kept = field.drop_vars([name for name in field.coords if name != own])
    return kept.assign_coords({dim: points[dim] for dim in shared if dim in points.coords})


def on_climate(
    members: xr.DataArray, climate: xr.DataArray, member_dim: Hashable | None
) -> tuple[xr.DataArray, xr.DataArray, Hashable, Hashable]:
    """Check that members can be compared with a climate, and put both on one grid and in one precision.

    Args:
        members: Ensemble: `member_dim` and the points.
        climate: Any of the dimensions of the points, and one more: `quantile` with levels as its coordinate, or that
            of its states.
        member_dim: Name of the dimension of the members, or None.

    Returns:
        Members, climate, and the names of the dimension of either; both in the coarser of their two precisions.

    Raises:
        InvalidDataError: They do not fit together, or levels are not ascending from 0 to 1.
    """
    along = member_dimension(members, member_dim)
    points = members.isel({along: 0}, drop=True)
    own = [dim for dim in climate.dims if dim not in points.dims]
    if len(own) != 1:
        raise InvalidDataError(f"climate: expected one dimension beside {list(points.dims)}, 'quantile' or that of its "
                               f"states, found {own}; join several with .stack(state={own})")  # fmt: skip
    if not climate.sizes[own[0]]:
        raise InvalidDataError(f"climate: expected at least one state along '{own[0]}', found none")
    climate = on_points("climate", climate, points, own[0])
    if own[0] == "quantile":
        _check_levels(climate)
    else:
        climate = climate.drop_vars([own[0]], errors="ignore").rename({own[0]: CLIMATE_STATE})
    coarse = np.float32 if np.float32 in (members.dtype, climate.dtype) else np.float64
    state = "quantile" if own[0] == "quantile" else CLIMATE_STATE
    return members.astype(coarse), climate.astype(coarse), along, state


def _same_places(field: xr.DataArray, points: xr.DataArray, dim: Hashable) -> bool:
    if field.sizes[dim] != points.sizes[dim]:
        return False
    if dim not in field.coords or dim not in points.coords:
        return True
    here, there = field[dim].values, points[dim].values
    if here.dtype.kind not in "fiu" or here.size < 2:
        return bool(np.all(here == there))
    return bool(np.abs(here - there).max() <= same_place_tolerance(there))


def _check_levels(climate: xr.DataArray) -> None:
    levels = climate["quantile"].values if "quantile" in climate.coords else np.array([np.nan])
    if not (levels[0] >= 0 and levels[-1] <= 1 and np.all(np.diff(levels) > 0)):
        found = levels.tolist() if "quantile" in climate.coords else "no coordinate"
        raise InvalidDataError(f"climate: expected ascending levels from 0 to 1 along 'quantile', found {found}")
