"""What the arguments of a score must satisfy, and the one way to bring them onto the forecast's grid.

Whatever does not fit is refused with one line: nothing is converted, broadcast or cut to what two grids share.
"""

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError

Dims = Sequence[Hashable]
"""Names of dimensions."""
COORDINATE_TOLERANCE = 1e-4
"""Degrees, or the coordinate's own unit: float32 and float64 spellings of one grid agree to this."""


class UnscorableError(InvalidDataError, ValueError):
    """A forecast and an analysis, or an option, do not fit together; the message is one line."""


def paired(
    forecast: xr.DataArray, analysis: xr.DataArray, member_dim: Hashable, *, least_members: int = 1
) -> tuple[xr.DataArray, xr.DataArray]:
    """Check that an ensemble can be compared with an analysis point by point, and put both on one grid.

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions.
        analysis: The other dimensions of `forecast`, in any order, on the same coordinates and in the same unit.
        member_dim: Name of the dimension of the members.
        least_members: Smallest number of members that the score is defined for.

    Returns:
        The forecast, all members of a point in one Dask chunk; and the analysis with the coordinates, order of
        dimensions, name and attributes of the forecast, so that xarray drops no point whose coordinates differ in the
        last bit.

    Raises:
        UnscorableError: The two differ; the message names in what, what was expected and what was found.
    """
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
        _check_coordinate(forecast, analysis, dim, name)
    if forecast.chunks is not None:
        forecast = forecast.chunk({member_dim: -1})
    return forecast, forecast.isel({member_dim: 0}, drop=True).copy(data=analysis.transpose(*wanted).data)


def check_fits(role: str, array: xr.DataArray, points: xr.DataArray, *, own_dims: bool = False) -> None:
    """Refuse an argument that is given per point, such as weights or a threshold, on other points than the score's.

    Args:
        role: Name of the argument, with which the message begins.
        array: The argument, on any of the dimensions of `points`.
        points: A field or score on all points.
        own_dims: Allow dimensions that `points` lacks; the score is then given along them.

    Raises:
        UnscorableError: A dimension, size or coordinate of the argument is not that of the points.
    """
    for dim in array.dims:
        if dim not in points.dims:
            if own_dims:
                continue
            raise UnscorableError(f"{role}: expected dimensions among {list(points.dims)}, found '{dim}'")
        if array.sizes[dim] != points.sizes[dim]:
            raise UnscorableError(f"{role}: expected {points.sizes[dim]} along '{dim}', found {array.sizes[dim]}")
        if dim in array.indexes and dim in points.indexes and not array.indexes[dim].equals(points.indexes[dim]):
            raise UnscorableError(f"{role}: expected the coordinates of the forecast along '{dim}', found others")


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


def in_units_of(forecast: xr.DataArray, score: xr.DataArray) -> xr.DataArray:
    """A score with the forecast's unit as its only attribute.

    Args:
        forecast: May have an attribute `units`.
        score: Score in the unit of the forecast.
    """
    units = {"units": forecast.attrs["units"]} if "units" in forecast.attrs else {}
    return score.drop_attrs().assign_attrs(units)


def _check_numbers(forecast: xr.DataArray, analysis: xr.DataArray, name: str) -> None:
    for role, array in (("forecast", forecast), ("analysis", analysis)):
        if array.dtype.kind not in "fiu":
            raise UnscorableError(f"{name}: expected numbers in the {role}, found {array.dtype}")
    found = (forecast.attrs.get("units"), analysis.attrs.get("units"))
    if None not in found and found[0] != found[1]:
        raise UnscorableError(
            f"{name}: expected one unit, found '{found[0]}' in the forecast, '{found[1]}' in the analysis"
        )


def _check_coordinate(forecast: xr.DataArray, analysis: xr.DataArray, dim: Hashable, name: str) -> None:
    if forecast.sizes[dim] != analysis.sizes[dim]:
        raise UnscorableError(
            f"{name}: expected {forecast.sizes[dim]} along '{dim}' in the analysis, found {analysis.sizes[dim]}"
        )
    if dim not in forecast.indexes or dim not in analysis.indexes:
        return
    ours, theirs = forecast.indexes[dim].to_numpy(), analysis.indexes[dim].to_numpy()
    same = ours == theirs
    if ours.dtype.kind == "f" and theirs.dtype.kind == "f":
        same = np.isclose(ours, theirs, rtol=0.0, atol=COORDINATE_TOLERANCE)
    if not np.all(same):
        first = int(np.argmin(same))
        raise UnscorableError(
            f"{name}: expected the forecast's '{dim}', found {theirs[first]} for {ours[first]} at position {first}"
        )
