"""Scores of patterns: anomaly correlation and fractions skill."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, check_reduce, without_unit
from forecast.verification.ensemble_pass.statistics import point_statistics
from forecast.verification.scores.event import event_counts
from forecast.verification.set_aside import combined, placed
from forecast.verification.thresholds import Threshold
from forecast.verification.variables import ratio
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
    predicted, observed = xr.apply_ufunc(
        _anomalies,
        statistics["error"].variable,
        analysis.variable,
        climatology.variable,
        output_core_dims=[[], []],
        dask="parallelized",
        output_dtypes=[np.float64, np.float64],
    )
    sums = [
        weighted_mean(placed(product, analysis, climatology), dims, weights, skip_missing=skip_missing)
        for product in (predicted * observed, predicted**2, observed**2)
    ]
    values = combined(_cosine, *sums)
    return without_unit(weighted_mean(values, reduce, None, skip_missing=skip_missing), "acc")


@np.errstate(invalid="ignore")
def _anomalies(
    error: NDArray[Any], analysis: NDArray[Any], climatology: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of forecast and analysis; the error is exact where both share a large offset, the mean in float32 is not."""
    observed = analysis.astype(np.float64) - climatology
    predicted = error.astype(np.float64) + observed
    return predicted, np.where(np.isnan(predicted), np.nan, observed)


def _cosine(product: xr.Variable, one: xr.Variable, other: xr.Variable) -> xr.Variable:
    scale = (one * other) ** 0.5
    return ratio(product, scale)


@dataclass(frozen=True)
class _Frame:
    """How windows lie in a field: its two dimensions, which of them close upon themselves, and what lies beyond."""

    dims: Dims
    periodic: Dims
    zero_padding: bool


@aligned(members="optional")
def fss(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold,
    window: int | Sequence[int],
    member_dim: Hashable | None = None,
    dims: Dims | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    strict: bool = True,
    periodic: Dims = (),
    zero_padding: bool = False,
) -> xr.DataArray:
    """Fractions skill score: how alike forecast and analysis are in the share of a window in which an event happens.

    With the ensemble's probability of the event averaged over a window, p, the observed share of the window, o, and
    sums over all windows that lie inside the field: 1 - sum of (p - o)^2 / (sum of p^2 + sum of o^2).

    Args:
        forecast: Ensemble (`member_dim` and any other dimensions), or a forecast without members; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        threshold: Threshold of the event, in the unit of `forecast`: a number, several, or a DataArray on any
            dimensions of `analysis`; further dimensions become dimensions of the result.
        window: Side of the window in points, odd or even; or several, which give the score along `window`.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        dims: Names of the two dimensions of one field; latitude and longitude when None.
        reduce: Names of the other dimensions to sum over before the ratio is taken, such as `("lead_time",)`.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the windows by their centre, 0 or more, on any dimensions of `analysis`, such as
            `area_weights(forecast["latitude"])`; None weighs each alike. Of an even window it is the mean of the points
            around its centre.
        skip_missing: True takes the members that are there, and leaves out windows with a point that lacks all of them
            or the analysis; False makes every score NaN that a missing member or analysis goes into.
        strict: True: the event is a value above the threshold; False: at or above it.
        periodic: Names of those of `dims` that close upon themselves, such as the longitude of a global grid.
        zero_padding: True also counts windows that reach beyond the field, where the event never happens: all that are
            centred on a point or, of even windows, on a corner of cells.

    Returns:
        Score from 0 to 1, larger is better, on the dimensions left; NaN where the event is neither seen nor forecast.

    Raises:
        UnscorableError: `window` is larger than the field, or options or arguments do not fit together.

    Source: Roberts and Lean (2008), doi:10.1175/2007MWR2123.1; Duc et al. (2013), doi:10.3402/tellusa.v65i0.18171
    """
    frame = _Frame(() if dims is None else dims, periodic, zero_padding)
    sizes = _window_sizes(window, frame, forecast)
    counted = event_counts(
        forecast, analysis, threshold, member_dim=member_dim, strict=strict, skip_missing=skip_missing
    )
    fields = combined(lambda hits, members: hits / members, counted["hits"], counted["members"]), counted["observed"]
    check_reduce(reduce, fields[0])
    scores = [_skill_of_fractions(fields, size, frame, reduce, weights, skip_missing) for size in sizes]
    joined = scores[0] if np.ndim(window) == 0 else xr.concat(scores, xr.DataArray(sizes, dims="window", name="window"))
    return without_unit(joined, "fss")


def _skill_of_fractions(
    fields: tuple[xr.DataArray, xr.DataArray],
    size: int,
    frame: _Frame,
    reduce: Dims,
    weights: xr.DataArray | None,
    skip_missing: bool,
) -> xr.DataArray:
    """Score of one size of window from the probability of the event and whether it was seen at each point."""
    weights = _at_centres(weights, size, frame)
    padded = [_padded(field, size, frame) for field in fields]
    whole = [field.chunk(dict.fromkeys(frame.dims, -1)) if field.chunks is not None else field for field in padded]
    found: xr.Variable = xr.apply_ufunc(
        _fraction_errors,
        *(field.variable for field in whole),
        kwargs={"window": size, "wraps": tuple(dim in frame.periodic for dim in frame.dims)},
        input_core_dims=[list(frame.dims)] * 2,
        output_core_dims=[["part", *frame.dims]],
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {"part": 2}},
        output_dtypes=[np.float64],
    )
    parts = placed(found, *whole)
    sums = weighted_sums(parts, [*frame.dims, *reduce], weights, skip_missing=skip_missing)[0]
    return combined(_one_less_ratio, sums)


def _one_less_ratio(sums: xr.Variable) -> xr.Variable:
    above, below = sums.isel(part=0), sums.isel(part=1)
    return 1 - ratio(above, below)


def _fraction_errors(
    probability: NDArray[Any], observed: NDArray[Any], *, window: int, wraps: tuple[bool, bool]
) -> NDArray[np.float64]:
    """(p - o)^2 and p^2 + o^2 of each window, by its centre: (..., 2, row, column); 0 where it is not whole."""
    p, o = (_filtered(field, window=window, wraps=wraps) for field in (probability, observed))
    parts = np.stack(np.broadcast_arrays((p - o) ** 2, p**2 + o**2), axis=-3)
    half = window // 2  # a window reaches from `half` points before its centre on
    for axis, wrap in zip((-2, -1), wraps, strict=True):
        if not wrap:
            along = np.moveaxis(parts, axis, 0)
            along[:half] = 0.0
            along[len(along) - window + half + 1 :] = 0.0
    return parts


def _padded(
    field: xr.DataArray, size: int, frame: _Frame, mode: Literal["constant", "edge"] = "constant"
) -> xr.DataArray:
    """A field with what lies beyond it, as far as windows reach that have their centre on it."""
    if not frame.zero_padding:
        return field
    dims = [dim for dim in frame.dims if dim in field.dims and dim not in frame.periodic]
    bare = field.drop_vars([name for name, coord in field.coords.items() if {*frame.dims} & {*coord.dims}])
    options: dict[str, Any] = {"constant_values": 0.0} if mode == "constant" else {}
    return bare.pad(dict.fromkeys(dims, (size // 2, size // 2)), mode=mode, **options)


def _at_centres(weights: xr.DataArray | None, size: int, frame: _Frame) -> xr.DataArray | None:
    """Weights of windows at the point, of an even window the one just after, that they are centred on."""
    if weights is None:
        return None
    weights = _padded(weights, size, frame, mode="edge")
    for dim in frame.dims:
        if size % 2 == 0 and dim in weights.dims:
            weights = (weights + weights.roll({dim: 1})) / 2
    return weights


def _window_sizes(window: int | Sequence[int], frame: _Frame, field: xr.DataArray) -> list[int]:
    if len(frame.dims) != 2 or any(dim not in field.dims for dim in frame.dims):
        raise UnscorableError(f"dims: expected two dimensions among {list(field.dims)}, found {list(frame.dims)}")
    if any(dim not in frame.dims for dim in frame.periodic):
        raise UnscorableError(f"periodic: expected dimensions among {list(frame.dims)}, found {list(frame.periodic)}")
    given = np.atleast_1d(np.asarray(window))
    bounded = frame.periodic if frame.zero_padding else frame.dims
    most = min((field.sizes[dim] for dim in bounded), default=np.inf)
    if given.ndim != 1 or given.dtype.kind not in "iu" or not given.size or given.min() < 1 or given.max() > most:
        raise UnscorableError(f"window: expected whole numbers from 1 to {most:g}, found {window}")
    return [int(size) for size in given]


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
