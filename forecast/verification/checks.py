"""What the arguments of a score must satisfy, and the one way to bring them onto the forecast's grid: `on_grid`.

Whatever does not fit is refused with one line: nothing is converted, broadcast or cut to what two grids share. Every
score passes its arguments through `forecast.verification.arguments.aligned`, which calls `on_grid` for each of them.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from data_catalog.layout.axis_names import SPELLINGS
from data_catalog.layout.cells import same_place_tolerance
from data_catalog.layout.units import same_unit

Dims = Sequence[Hashable]
"""Names of dimensions."""
ROUNDING = 2.0**-22
"""Relative rounding of a coordinate in float32, which matters where it is in metres."""


class UnscorableError(InvalidDataError, ValueError):
    """A forecast and an analysis, or an option, do not fit together; the message is one line."""


def paired(
    forecast: xr.DataArray, analysis: xr.DataArray, member_dim: Hashable | None = None, *, least_members: int = 1
) -> tuple[xr.DataArray, xr.DataArray]:
    """Check that an ensemble can be compared with an analysis point by point, and put both on one grid.

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions.
        analysis: The other dimensions of `forecast`, in any order, on the same coordinates and in the same unit.
        member_dim: Name of the dimension of the members; found by `member_dimension` when None.
        least_members: Smallest number of members that the score is defined for.

    Returns:
        The forecast, all members of a point in one Dask chunk; and the analysis with the coordinates, order of
        dimensions, name and attributes of the forecast, so that xarray drops no point whose coordinates differ in the
        last bit. Both are lazy, in the same chunks, where one of them is; booleans become integers.

    Raises:
        UnscorableError: The two differ; the message names in what, what was expected and what was found.
    """
    member_dim = member_dimension(forecast, analysis) if member_dim is None else member_dim
    name = str(forecast.name or "forecast")
    if member_dim not in forecast.dims:
        raise UnscorableError(f"{name}: expected dimension '{member_dim}', found {list(forecast.dims)}")
    if forecast.sizes[member_dim] < least_members:
        raise UnscorableError(
            f"{name}: expected at least {least_members} along '{member_dim}', found {forecast.sizes[member_dim]}"
        )
    wanted = [dim for dim in forecast.dims if dim != member_dim]
    if set(analysis.dims) != set(wanted):
        raise UnscorableError(f"{name}: expected an analysis on {wanted}, found {list(analysis.dims)}")
    _check_numbers(forecast, analysis, name)
    for dim in wanted:
        _check_coordinate(name, analysis, forecast, dim, where=" in the analysis")
    ordered = analysis if list(analysis.dims) == wanted else analysis.transpose(*wanted)
    forecast, analysis = _with_the_same_chunks(forecast, ordered, member_dim)
    points = forecast.isel({member_dim: 0}, drop=True)
    return _as_numbers(forecast), points.copy(deep=False, data=_as_numbers(analysis).data)


def member_dimension(forecast: xr.DataArray, analysis: xr.DataArray | None = None) -> Hashable:
    """Return the name of the dimension of the members: the one of the usual names that the analysis lacks.

    Args:
        forecast: Ensemble on any dimensions.
        analysis: Verifying analysis, which tells members from places where both have a usual name; None tells nothing.

    Raises:
        UnscorableError: No dimension, or more than one, has a usual name.
    """
    usual = [name for name in SPELLINGS["member"] if name in forecast.dims]
    apart = [name for name in usual if analysis is None or name not in analysis.dims]
    if "member" in usual or len(apart or usual) == 1:
        return "member" if "member" in usual else (apart or usual)[0]
    name, found = str(forecast.name or "forecast"), list(forecast.dims)
    if usual:
        raise UnscorableError(f"{name}: expected one dimension of members, found {usual}; name it with member_dim=")
    raise UnscorableError(
        f"{name}: expected dimension 'member' (or {', '.join(SPELLINGS['member'][1:])}), found {found}; "
        "name it with member_dim="
    )


def grid_dimensions(field: xr.DataArray) -> tuple[Hashable, Hashable]:
    """Return the names of latitude and longitude as a field spells them; ours where it has no such dimension.

    Args:
        field: Field on any dimensions.
    """
    names = [[name for name in SPELLINGS[axis] if name in field.dims] for axis in ("latitude", "longitude")]
    return (names[0] or ["latitude"])[0], (names[1] or ["longitude"])[0]


def on_grid(
    role: str,
    array: xr.DataArray,
    points: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    own_dims: bool = False,
) -> xr.DataArray:
    """Put an argument that is given by point, such as weights or a threshold, on the grid of the points.

    Args:
        role: Name of the argument, with which a message begins.
        array: The argument, on any of the dimensions of `points`; coordinates may differ from theirs by rounding.
        points: A field, forecast or score on all points.
        member_dim: Name of the dimension of members in `points`, which the argument must not have; None if none.
        own_dims: Allow dimensions that `points` lacks; the score is then given along them.

    Returns:
        The argument with the coordinates of `points`, so that xarray neither drops a point nor finds two coordinates
        of one name.

    Raises:
        UnscorableError: A dimension, size or coordinate of the argument is not that of the points.
    """
    shared, own = check_on_grid(role, array, points, member_dim=member_dim, own_dims=own_dims)
    foreign = [name for name, coord in array.coords.variables.items() if not set(coord.dims) & set(shared)]
    taken = {*points.coords, *points.dims}
    kept = {name: array.coords[name].variable for name in foreign if name not in taken or name in own}
    others = {dim for dim in points.dims if dim not in shared}
    dropped = [
        name for name, coord in points.coords.variables.items() if name in own or others.intersection(coord.dims)
    ]
    grid = points.coords.drop_vars(dropped) if dropped else points.coords
    placed = xr.DataArray(array.variable, coords=grid, name=array.name)
    return placed.assign_coords(kept) if kept else placed


def check_on_grid(
    role: str,
    array: xr.DataArray,
    points: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    own_dims: bool = False,
) -> tuple[list[Hashable], list[Hashable]]:
    """Refuse an argument that `on_grid` could not put on the grid of the points.

    Args:
        role: Name of the argument, with which a message begins.
        array: The argument.
        points: A field, forecast or score on all points.
        member_dim: Name of the dimension of members in `points`; None if none.
        own_dims: Allow dimensions that `points` lacks.

    Returns:
        Names of its dimensions that `points` has, and of those that it lacks.

    Raises:
        UnscorableError: A dimension, size or coordinate of the argument is not that of the points.
    """
    shared = [dim for dim in array.dims if dim in points.dims and dim != member_dim]
    own = [dim for dim in array.dims if dim not in shared]
    if own and (not own_dims or member_dim in own):
        expected = [dim for dim in points.dims if dim != member_dim]
        raise UnscorableError(f"{role}: expected dimensions among {expected}, found '{own[0]}'")
    if own:
        _check_own_dims(role, own, shared, points)
    for dim in shared:
        _check_coordinate(role, array, points, dim)
    return shared, own


def check_positive(role: str, weights: xr.DataArray) -> xr.DataArray:
    """Refuse weights that are negative, missing or infinite: at once, or when they are computed if they are lazy.

    Args:
        role: Name of the argument, with which a message begins.
        weights: Numbers or booleans; NumPy or Dask inside.

    Returns:
        The weights.

    Raises:
        UnscorableError: A weight is not a finite number of 0 or more.
    """
    if weights.dtype.kind not in "fiub":
        raise UnscorableError(f"{role}: expected numbers, found {weights.dtype}")
    if weights.chunks is None:
        _checked_block(np.asarray(weights.values), role)
        return weights
    return weights.copy(
        data=weights.data.map_blocks(_checked_block, role, dtype=weights.dtype, meta=weights.data._meta)
    )


def check_reduce(reduce: Dims, points: xr.DataArray, *, needed: bool = False) -> None:
    """Refuse dimensions to average over that the score does not have.

    Args:
        reduce: Names of the dimensions.
        points: A field or score on all points.
        needed: Refuse an empty `reduce`, too.

    Raises:
        UnscorableError: A dimension is unknown, or one is needed and there is none.
    """
    unknown = [dim for dim in reduce if dim not in points.dims]
    if unknown or (needed and not reduce):
        raise UnscorableError(f"reduce: expected dimensions among {list(points.dims)}, found {unknown or 'none'}")


def numbers(role: str, given: float | Sequence[float] | NDArray[Any]) -> NDArray[np.float64]:
    """Return one number or several as a one-dimensional array.

    Args:
        role: Name of the argument, with which a message begins.
        given: A number; or several in a sequence, an array or a DataArray.

    Raises:
        UnscorableError: It is none of these.
    """
    try:
        values = np.atleast_1d(np.asarray(given, dtype=np.float64))
    except (TypeError, ValueError):
        values = np.empty((0, 0))
    if values.ndim != 1:
        raise UnscorableError(f"{role}: expected numbers, found {str(given).splitlines()[0]}")
    return values


def in_units_of(forecast: xr.DataArray, score: xr.DataArray) -> xr.DataArray:
    """A score with the forecast's unit as its only attribute.

    Args:
        forecast: May have an attribute `units`.
        score: Score in the unit of the forecast.
    """
    alone = without_unit(score)
    if "units" in forecast.attrs:
        alone.attrs["units"] = forecast.attrs["units"]
    return alone


def without_unit(score: xr.DataArray, name: Hashable | None = None) -> xr.DataArray:
    """A score without attributes; its coordinates keep theirs.

    Args:
        score: Score without unit.
        name: Its new name; None leaves it as it is.
    """
    alone = score.copy(deep=False)
    alone.name, alone.attrs = score.name if name is None else name, {}
    return alone


def _check_numbers(forecast: xr.DataArray, analysis: xr.DataArray, name: str) -> None:
    for role, array in (("forecast", forecast), ("analysis", analysis)):
        if array.dtype.kind not in "fiub":
            raise UnscorableError(f"{name}: expected numbers in the {role}, found {array.dtype}")
    found = (forecast.attrs.get("units"), analysis.attrs.get("units"))
    if None not in found and not same_unit(str(found[0]), str(found[1])):
        raise UnscorableError(
            f"{name}: expected one unit, found '{found[0]}' in the forecast, '{found[1]}' in the analysis"
        )


def _with_the_same_chunks(
    forecast: xr.DataArray, analysis: xr.DataArray, member_dim: Hashable
) -> tuple[xr.DataArray, xr.DataArray]:
    """Both lazy where one is, in the forecast's chunks if it has any."""
    if forecast.chunks is not None:
        forecast = forecast.chunk({member_dim: -1})
        return forecast, analysis.chunk({dim: forecast.chunksizes[dim] for dim in analysis.dims})
    if analysis.chunks is not None:
        return forecast.chunk({member_dim: -1, **analysis.chunksizes}), analysis
    return forecast, analysis


def _as_numbers(field: xr.DataArray) -> xr.DataArray:
    return field.copy(deep=False, data=field.data.astype(np.int8)) if field.dtype.kind == "b" else field


def _check_own_dims(role: str, own: Dims, shared: Dims, points: xr.DataArray) -> None:
    """Refuse a dimension that is another spelling of one of the points, and weights that share none with them."""
    for names in SPELLINGS.values():
        wrong = [dim for dim in own if dim in names]
        known = [dim for dim in points.dims if dim in names]
        if wrong and (known or "weights" in role):
            raise UnscorableError(f"{role}: expected dimensions among {list(points.dims)}, found '{wrong[0]}'")
    if "weights" in role and not shared:
        raise UnscorableError(f"{role}: expected dimensions among {list(points.dims)}, found '{own[0]}'")


def _check_coordinate(role: str, array: xr.DataArray, points: xr.DataArray, dim: Hashable, *, where: str = "") -> None:
    if array.sizes[dim] != points.sizes[dim]:
        raise UnscorableError(f"{role}: expected {points.sizes[dim]} along '{dim}'{where}, found {array.sizes[dim]}")
    indexes = array.xindexes.get(dim), points.xindexes.get(dim)
    if None in indexes or indexes[0] is indexes[1]:
        return
    theirs, ours = array.indexes[dim], points.indexes[dim]
    if theirs is ours or theirs.equals(ours):
        return
    same = _same_places(theirs, ours)
    if not same.all():
        first = int(np.argmin(same))
        raise UnscorableError(
            f"{role}: expected the coordinates of the forecast along '{dim}'{where}, "
            f"found {theirs[first]} for {ours[first]} at position {first}"
        )


def _same_places(one: pd.Index, other: pd.Index) -> NDArray[np.bool_]:
    """Whether each coordinate is the other but for rounding."""
    if one.nlevels > 1 or other.nlevels > 1:
        if one.nlevels != other.nlevels:
            return np.zeros(len(one), dtype=bool)
        levels = [
            _same_places(one.get_level_values(level), other.get_level_values(level)) for level in range(one.nlevels)
        ]
        return np.asarray(np.all(levels, axis=0))
    kinds = one.dtype.kind, other.dtype.kind
    if "f" in kinds and set(kinds) <= set("fiu"):
        ours, theirs = one.to_numpy(np.float64), other.to_numpy(np.float64)
        return np.isclose(ours, theirs, rtol=ROUNDING, atol=same_place_tolerance(theirs), equal_nan=True)
    return np.fromiter((a == b for a, b in zip(one, other, strict=True)), dtype=bool, count=len(one))


def _checked_block(values: NDArray[Any], role: str) -> NDArray[Any]:
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        raise UnscorableError(f"{role}: expected finite numbers of 0 or more, found {values[wrong].flat[0]:g}")
    return values
