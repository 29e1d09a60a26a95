"""How probabilities of an event relate to how often it happens, from sums that add.

An ensemble of M members issues M + 1 probabilities. All that the functions of `reliability` give follows from two sums
for each of them: the weight with which it was issued, and that with which the event then happened. These sums add over
chunks, periods and regions.
"""

from collections.abc import Hashable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, check_reduce
from forecast.verification.scores.event import event_counts
from forecast.verification.scores.ranks import histogram
from forecast.verification.set_aside import combined, placed_all
from forecast.verification.thresholds import Threshold
from forecast.verification.variables import where
from forecast.verification.weighting import for_each_weight, point_weights


@aligned()
def probability_sums(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    strict: bool = True,
) -> xr.Dataset:
    """Sums over events for each probability that the ensemble can issue.

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        threshold: Threshold of the event, in the unit of `forecast`: a number, or a DataArray on any dimensions of
            `analysis`, such as a quantile of the climatology at each point; further dimensions become dimensions of
            the result.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to sum over, such as `("latitude", "longitude")`; at least one.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the points, 0 or more, on any dimensions of `analysis`, such as
            `area_weights(forecast["latitude"])`; None weighs each alike. A point of weight 0 does not count, whatever
            it holds.
        skip_missing: True leaves out points that lack a member or the analysis; False makes every result NaN that such
            a point goes into.
        strict: True: the event is a value above the threshold; False: at or above it.

    Returns:
        Along `probability` (0, 1/M, ... 1) and the dimensions that are left: the weight `issued`, the weight with which
        the event then `happened`, and the number of `points`, unweighted.

    Raises:
        UnscorableError: `reduce` is empty, `forecast`, `analysis` and `threshold` do not fit together, or `reduce` or
            `weights` do not fit them.
    """
    return event_sums(
        forecast,
        analysis,
        threshold,
        member_dim=member_dim,
        reduce=reduce,
        weights=weights,
        skip_missing=skip_missing,
        strict=strict,
    )


def event_sums(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    threshold: Threshold,
    *,
    member_dim: Hashable,
    reduce: Dims,
    weights: xr.DataArray | None,
    skip_missing: bool,
    strict: bool,
) -> xr.Dataset:
    """The `probability_sums` of arguments that `aligned` has handed to a score.

    Args:
        forecast: Ensemble on the grid of `analysis`.
        analysis: Verifying analysis.
        threshold: Threshold of the event, as of `probability_sums`.
        member_dim: Name of the dimension of the members.
        reduce: Names of the dimensions to sum over.
        weights: Weights of the points; None weighs each alike.
        skip_missing: Leave out points that lack a member or the analysis.
        strict: True: the event is a value above the threshold; False: at or above it.

    Returns:
        As of `probability_sums`.

    Raises:
        UnscorableError: `reduce` is empty or unknown.
    """
    counted = event_counts(forecast, analysis, threshold, member_dim=member_dim, strict=strict, skip_missing=False)
    members, hits = forecast.sizes[member_dim], counted["hits"]
    check_reduce(reduce, hits, needed=True)
    known = combined(lambda field: field.notnull(), hits)
    # Classes of both kinds in one histogram: those of points without the event first.
    both_classes = combined(partial(_event_classes, members=members), hits, counted["observed"])

    def sums(weights: xr.DataArray | None) -> xr.Dataset:
        weight = point_weights(weights, hits, known, skip_missing=skip_missing)
        both = histogram(both_classes, None, weight, reduce, 2 * members + 1, along="probability")
        points = None
        if weights is not None:
            some = combined(lambda known, weight: (known & (weight != 0)).astype(np.float64), known, weight)
            single = combined(lambda classes: classes % (members + 1), both_classes)
            points = histogram(single, None, some, reduce, members, along="probability").variable
        return placed_all(_sums_of_both(both.variable, points, members), both)

    return for_each_weight(weights, hits, sums).assign_coords(probability=np.arange(members + 1) / members)


def _sums_of_both(both: xr.Variable, points: xr.Variable | None, members: int) -> dict[str, xr.Variable]:
    """Sums of both kinds of classes; without weights, points are what is issued."""
    quiet, happened = both.isel(probability=slice(members + 1)), both.isel(probability=slice(members + 1, None))
    issued = quiet + happened
    found = {"issued": issued, "happened": happened, "points": issued if points is None else points}
    whole = issued.notnull().all("probability")
    return {name: where(each, whole) for name, each in found.items()}


def _event_classes(hits: xr.Variable, observed: xr.Variable, *, members: int) -> xr.Variable:
    options: dict[str, Any] = {"dask": "parallelized", "output_dtypes": [np.int64]}
    classes: xr.Variable = xr.apply_ufunc(_event_class, hits, observed, kwargs={"members": members}, **options)
    return classes


def _event_class(hits: NDArray[np.float64], observed: NDArray[np.float64], *, members: int) -> NDArray[np.int64]:
    """Number of members with the event, and M + 1 more where it happened; 0 for unknown points.

    An unknown point may be of any class: its weight is 0 or NaN, which decides.
    """
    classes = hits + (members + 1) * observed
    return np.nan_to_num(classes, copy=False).astype(np.int64)
