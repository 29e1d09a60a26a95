"""What a forecast and its analysis must satisfy before they are compared; checked once, where they enter."""

from collections.abc import Hashable

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError

COORDINATE_TOLERANCE = 1e-4
"""Degrees (or the coordinate's own unit): float32 and float64 spellings of one grid agree to this."""


class UnscorableError(InvalidDataError, ValueError):
    """A forecast and an analysis (or an option) do not fit together; the message is one line."""


def paired(
    forecast: xr.DataArray, analysis: xr.DataArray, member_dim: Hashable, *, least_members: int = 1
) -> tuple[xr.DataArray, xr.DataArray]:
    """Check that an ensemble can be compared with an analysis, point by point.

    Args:
        forecast: Has `member_dim`.
        analysis: Dims of `forecast` less `member_dim`, in any order; same coordinates and units.
        member_dim: Dimension of the members.
        least_members: Members that the score needs to be asked for at all.

    Returns:
        The forecast with its members in one Dask chunk, and the analysis on exactly the forecast's coordinates.

    Raises:
        UnscorableError: Something differs; names it, what was expected and what was found.
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
    return forecast, analysis.transpose(*wanted)


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


def on_grid_of(analysis: xr.DataArray, forecast: xr.DataArray) -> xr.DataArray:
    """The analysis with the forecast's coordinates, for two that `paired` found alike.

    Args:
        analysis: Checked by `paired`.
        forecast: Its partner.

    Returns:
        The same values; xarray will not drop points whose coordinates differ in the last bit.
    """
    others = {dim: 0 for dim in forecast.dims if dim not in analysis.dims}
    template = forecast.isel(others, drop=True)
    return template.copy(data=analysis.transpose(*template.dims).data)
