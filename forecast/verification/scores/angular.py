"""Errors of directions, which close upon themselves: 359 and 1 degree are 2 degrees apart."""

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, in_units_of
from forecast.verification.set_aside import combined, placed
from forecast.verification.variables import where
from forecast.verification.weighting import weighted_mean

try:
    from forecast.verification.ensemble_pass.points import turns
except ImportError:  # no numba for this platform: the same results, slower
    from forecast.verification.ensemble_pass.points_numpy import turns

DEGREES = ("degree", "degrees", "deg", "°", "arcdegree", "degree_true", "degrees_true")
"""Units of a direction, as files spell them."""


@aligned(members="optional")
def angular_errors(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.Dataset:
    """Bias, mean absolute and root mean square error of a direction, such as that of the wind.

    An error is the shorter way from the analysis to the forecast, -180 to 180 degrees, positive clockwise as the
    numbers grow.

    Args:
        forecast: Directions, degrees on any turn of the circle: an ensemble, whose members' mean direction (that of
            the mean of unit vectors) is scored, or a forecast without members; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over, such as `("latitude", "longitude")`; empty gives the error of
            each point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])` or wind speed; None weighs each point alike. A point of weight 0 does
            not count, whatever it holds.
        skip_missing: True takes the mean of the members that are there, and leaves out points that lack forecast or
            analysis; False makes every error NaN that such a point goes into.

    Returns:
        Degrees, on the dimensions that are left: `bias`, `mae` and `rmse`. NaN where the members have no mean
        direction, as two that are opposite.

    Raises:
        UnscorableError: The unit is not degrees, `forecast` and `analysis` do not fit together, or `reduce` or
            `weights` do not fit them.

    Source: Fisher (1993), Statistical Analysis of Circular Data, section 2.3, doi:10.1017/CBO9780511564345
    """
    for role, field in (("forecast", forecast), ("analysis", analysis)):
        if field.attrs.get("units", "degree") not in DEGREES:
            raise UnscorableError(f"{role}: expected a direction in degrees, found unit '{field.attrs['units']}'")
    direction = _mean_direction(forecast.variable, member_dim, skip_missing)
    parts = xr.apply_ufunc(
        _turns,
        direction,
        analysis.variable,
        output_core_dims=[[]] * 3,
        dask="parallelized",
        output_dtypes=[np.float64] * 3,
    )
    bias, absolute, squared = (
        weighted_mean(placed(part, analysis), reduce, weights, skip_missing=skip_missing) for part in parts
    )
    scores = {"bias": bias, "mae": absolute, "rmse": combined(np.sqrt, squared)}
    return xr.Dataset({name: in_units_of(forecast, score) for name, score in scores.items()})


def _turns(direction: NDArray[Any], analysis: NDArray[Any]) -> tuple[NDArray[np.float64], ...]:
    return tuple(turns(direction, analysis))


def _mean_direction(forecast: xr.Variable, member_dim: Hashable | None, skip_missing: bool) -> xr.Variable:
    if forecast.sizes[member_dim] == 1:
        return forecast.isel({member_dim: 0})
    radians = forecast.astype(np.float64) * (np.pi / 180)
    east, north = (_each(function, radians).mean([member_dim], skipna=skip_missing) for function in (np.sin, np.cos))
    direction = _each(np.arctan2, east, north) * (180 / np.pi)
    return where(direction, east**2 + north**2 > 1e-20)


def _each(function: Callable[..., Any], *fields: xr.Variable) -> xr.Variable:
    result: xr.Variable = xr.apply_ufunc(function, *fields, dask="allowed")
    return result
