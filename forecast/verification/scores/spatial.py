"""Scores of patterns: anomaly correlation and fractions skill."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import scipy
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, check_reduce
from forecast.verification.ensemble_pass.statistics import point_statistics
from forecast.verification.scores.event import event_counts
from forecast.verification.thresholds import Threshold
from forecast.verification.weighting import weighted_mean, weighted_sums


@aligned(members="optional")
def acc(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    climatology: xr.DataArray,
    member_dim: Hashable | None = None,
    dims: Dims | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Anomaly correlation coefficient of the ensemble mean, uncentred, of each field, then averaged over fields.

    With the anomalies f of the ensemble mean and a of the analysis, and sums over the points of a field:

        sum of w f a  /  sqrt(sum of w f^2  sum of w a^2)

    Args:
        forecast: Ensemble (`member_dim` and any other dimensions), or a forecast without members; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        climatology: Mean state that anomalies are departures from, in the unit of `forecast`, on any dimensions of
            `analysis`.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        dims: Names of the dimensions of one field; latitude and longitude when None.
        reduce: Names of the other dimensions to average over, such as `("lead_time",)`; empty gives one score a field.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights w of the points of a field, 0 or more, on any of `dims`, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike.
        skip_missing: True takes the mean of the members that are there, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.

    Returns:
        Correlation, -1 to 1, on the dimensions that are left; NaN where one of the fields has no anomaly. Larger is
        better.

    Raises:
        UnscorableError: `forecast`, `analysis` and `climatology` do not fit together, or `reduce` or `weights` do not
            fit them.

    Source: Jolliffe and Stephenson (2012), Forecast Verification, section 6.3.1, doi:10.1002/9781119960003; WMO-No. 485
    """
    assert dims is not None  # found by `aligned`
    statistics = point_statistics(forecast, analysis, member_dim, "error", skip_missing=skip_missing)
    # The error is exact where forecast and analysis share a large offset; the mean in float32 would not be.
    observed = analysis.astype(np.float64) - climatology
    predicted = statistics["error"].astype(np.float64) + observed
    observed = observed.where(predicted.notnull())
    sums = [
        weighted_mean(product, dims, weights, skip_missing=skip_missing)
        for product in (predicted * observed, predicted**2, observed**2)
    ]
    scale = (sums[1] * sums[2]) ** 0.5
    values = sums[0] / scale.where(scale > 0)
    return weighted_mean(values, reduce, None, skip_missing=skip_missing).rename("acc").drop_attrs()


@aligned(members="optional")
def fss(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold,
    window: int,
    member_dim: Hashable | None = None,
    dims: Dims | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    strict: bool = True,
    periodic: Dims = (),
) -> xr.DataArray:
    """Fractions skill score: how alike forecast and analysis are in the share of a window in which an event happens.

    With the ensemble's probability of the event averaged over a window, p, the observed share of the window, o, and
    sums over all windows that lie inside the field: 1 - sum of (p - o)^2 / (sum of p^2 + sum of o^2).

    Args:
        forecast: Ensemble (`member_dim` and any other dimensions), or a forecast without members; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        threshold: Threshold of the event, in the unit of `forecast`: a number, several, or a DataArray on any
            dimensions of `analysis`; further dimensions become dimensions of the result.
        window: Side of the window in points, odd.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        dims: Names of the two dimensions of one field; latitude and longitude when None.
        reduce: Names of the other dimensions to sum over before the ratio is taken, such as `("lead_time",)`.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the windows by their centre, 0 or more, on any dimensions of `analysis`, such as
            `area_weights(forecast["latitude"])`; None weighs each alike.
        skip_missing: True takes the members that are there, and leaves out windows with a point that lacks all of them
            or the analysis; False makes every score NaN that a missing member or analysis goes into.
        strict: True: the event is a value above the threshold; False: at or above it.
        periodic: Names of those of `dims` that close upon themselves, such as the longitude of a global grid.

    Returns:
        Score from 0 to 1, larger is better, on the dimensions left; NaN where the event is neither seen nor forecast.

    Raises:
        UnscorableError: `window` is even or larger than the field, `forecast`, `analysis` and `threshold` do not fit
            together, or `reduce` or `weights` do not fit them.

    Source: Roberts and Lean (2008), doi:10.1175/2007MWR2123.1; Duc et al. (2013), doi:10.3402/tellusa.v65i0.18171
    """
    assert dims is not None  # found by `aligned`
    _check_window(window, dims, forecast, periodic)
    counted = event_counts(
        forecast, analysis, threshold, member_dim=member_dim, strict=strict, skip_missing=skip_missing
    )
    probability, observed = (
        _window_mean(field, dims, window, periodic)
        for field in (counted["hits"] / counted["members"], counted["observed"])
    )
    every, inside = [*dims, *reduce], _inside(probability, dims, window, periodic)
    fields = [field.where(inside, 0.0) for field in ((probability - observed) ** 2, probability**2 + observed**2)]
    check_reduce(every, probability)
    above, below = (weighted_sums(field, every, weights, skip_missing=skip_missing)[0] for field in fields)
    return (1 - above / below.where(below > 0)).rename("fss").drop_attrs()


def _check_window(window: int, dims: Dims, field: xr.DataArray, periodic: Dims) -> None:
    if len(dims) != 2 or any(dim not in field.dims for dim in dims):
        raise UnscorableError(f"dims: expected two dimensions among {list(field.dims)}, found {list(dims)}")
    if any(dim not in dims for dim in periodic):
        raise UnscorableError(f"periodic: expected dimensions among {list(dims)}, found {list(periodic)}")
    whole = isinstance(window, int | np.integer)
    if not whole or window < 1 or window % 2 == 0 or any(window > field.sizes[dim] for dim in dims):
        raise UnscorableError(f"window: expected an odd number within the field {list(dims)}, found {window}")


def _window_mean(field: xr.DataArray, dims: Dims, window: int, periodic: Dims) -> xr.DataArray:
    if field.chunks is not None:
        field = field.chunk(dict.fromkeys(dims, -1))
    mean: xr.DataArray = xr.apply_ufunc(
        _filtered,
        field,
        kwargs={"window": window, "wraps": tuple(dim in periodic for dim in dims)},
        input_core_dims=[list(dims)],
        output_core_dims=[list(dims)],
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return mean.transpose(*field.dims)


def _filtered(field: NDArray[Any], *, window: int, wraps: tuple[bool, bool]) -> NDArray[np.float64]:
    # A running sum would carry NaN along a whole row, so missing points are counted beside.
    missing = np.isnan(field)
    if not missing.any():
        return _running_mean(field, window, wraps)
    mean, absent = (
        _running_mean(array, window, wraps) for array in (np.where(missing, 0.0, field), missing.astype(np.float64))
    )
    return np.where(absent > 0.5 / window**2, np.nan, mean)


def _running_mean(field: NDArray[Any], window: int, wraps: tuple[bool, bool]) -> NDArray[np.float64]:
    for axis, wrap in zip((-2, -1), wraps, strict=True):
        field = scipy.ndimage.uniform_filter1d(field, window, axis=axis, mode="wrap" if wrap else "constant")
    return field


def _inside(field: xr.DataArray, dims: Dims, window: int, periodic: Dims) -> xr.DataArray:
    half, inside = window // 2, xr.DataArray(True)
    for dim in dims:
        position = xr.DataArray(np.arange(field.sizes[dim]), dims=[dim])
        whole = (position >= half) & (position < field.sizes[dim] - half)
        inside = inside & (whole | (dim in periodic))
    return inside
