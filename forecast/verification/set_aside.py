"""Coordinates set aside while a score is computed, and put back onto it.

Arguments that `aligned` has put on one grid need no coordinates to be computed with: dimensions tell what belongs
together. xarray would compare, merge and copy all coordinates at every step, which costs a small score most of its
time.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

import xarray as xr

Score = TypeVar("Score", xr.DataArray, xr.Dataset)


def without_places(given: Mapping[str, Any], member_dim: Hashable) -> dict[str, Any]:
    """Arguments of a score without the coordinates of the forecast, but for those along the members.

    Args:
        given: Arguments by name, all on the grid of the `forecast`.
        member_dim: Name of the dimension of the members, or of what takes their place, such as quantiles.

    Returns:
        The arguments. Coordinates that the forecast lacks stay, such as the numbers of thresholds.
    """
    forecast: xr.DataArray = given["forecast"]
    places = set(forecast.dims) - {member_dim}
    ours = set(forecast.coords)

    def bare(array: xr.DataArray) -> xr.DataArray:
        coords = array.coords.variables.items()
        dropped = [name for name, coord in coords if places & {*coord.dims} or (name in ours and not coord.dims)]
        return array.drop_vars(dropped) if dropped else array

    return {role: bare(value) if isinstance(value, xr.DataArray) else value for role, value in given.items()}


def with_places(score: Score, forecast: xr.DataArray, member_dim: Hashable) -> Score:
    """Score with the coordinates of the forecast along the dimensions that are left.

    Args:
        score: Result of arguments from `without_places`.
        forecast: The forecast that was scored, with its coordinates.
        member_dim: Name of the dimension of the members, whose coordinates the score does not get.
    """
    return _with_coords(score, forecast, [dim for dim in forecast.dims if dim == member_dim or dim not in score.dims])


def combined(function: Callable[..., xr.Variable], *arrays: Any) -> xr.DataArray:
    """Result of a function of the variables of arrays whose dimensions of one name are alike.

    This is arithmetic of DataArrays that were put on one grid, without looking for what the grids share.

    Args:
        function: Function of variables; anything else is handed to it as it is.
        arrays: DataArrays, and whatever else the function takes.

    Returns:
        The result with the coordinates that the arrays have along its dimensions, those of the first that has them.
    """
    return placed(function(*(each.variable if isinstance(each, xr.DataArray) else each for each in arrays)), *arrays)


def placed(result: xr.Variable, *arrays: Any) -> xr.DataArray:
    """Variable with the coordinates that arrays have along its dimensions, those of the first that has them.

    Args:
        result: Computed from the arrays.
        arrays: DataArrays; whatever else there is has no coordinates.
    """
    score = xr.DataArray(result)
    for each in arrays:
        if isinstance(each, xr.DataArray) and len(each.coords):
            score = _with_coords(score, each, [dim for dim in each.dims if dim not in score.dims])
    return score


def placed_all(results: Mapping[str, xr.Variable], *arrays: xr.DataArray | xr.Dataset) -> xr.Dataset:
    """Variables as a Dataset, with the coordinates that arrays have along their dimensions.

    Args:
        results: Computed from the arrays, by name.
        arrays: DataArrays and Datasets.
    """
    score = xr.Dataset(results)
    for each in arrays:
        if len(each.coords):
            score = _with_coords(score, each, [dim for dim in each.dims if dim not in score.dims])
    return score


def _with_coords(score: Score, source: xr.DataArray | xr.Dataset, away: list[Hashable]) -> Score:
    bare = not away and not score.coords
    if bare and isinstance(score, xr.DataArray) and isinstance(source, xr.DataArray) and score.dims == source.dims:
        return _in_place_of(source, score)
    variables, gone = source.coords.variables, set(away)
    left = {dim for coord in variables.values() for dim in coord.dims} - gone
    dropped = [
        name
        for name, coord in variables.items()
        if gone.intersection(coord.dims) or name in score.coords or (name in score.dims and name not in left)
    ]
    if len(dropped) == len(variables):
        return score
    coords = source.coords.drop_vars(dropped) if dropped else source.coords
    if score.coords:
        return score.assign_coords(coords)
    if isinstance(score, xr.DataArray):
        return xr.DataArray(score.variable, coords=coords, name=score.name)
    return xr.Dataset(score.variables, coords=coords, attrs=score.attrs)


def _in_place_of(source: xr.DataArray, score: xr.DataArray) -> xr.DataArray:
    """A copy of the source with the values of a score: to make one with all coordinates takes three times as long."""
    placed = source.copy(deep=False, data=score.data)
    placed.name, placed.attrs, placed.encoding = score.name, score.attrs, {}
    return placed
