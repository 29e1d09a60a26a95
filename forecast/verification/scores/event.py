"""Scores of the probability of an event: a value above a threshold."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.system.operators import Operator
from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, without_unit
from forecast.verification.ensemble_pass.statistics import pass_precision, point_statistics
from forecast.verification.events import events
from forecast.verification.set_aside import combined, placed
from forecast.verification.thresholds import (
    Threshold,
    categories,
    comparison_precision,
    exceeds,
    highest_not_above,
    limits,
)
from forecast.verification.variables import where
from forecast.verification.weighting import weighted_mean


@aligned(members="optional")
def brier_score(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    threshold: Threshold,
    fair: bool = True,
    strict: bool = True,
    member_weights: xr.DataArray | None = None,
) -> xr.DataArray:
    """Brier score of the ensemble's probability of an event.

    With the share p of the M members in which the event happens, and o = 1 if it happened, else 0:

        (p - o)^2  -  p (1 - p) / (M - 1)

    Args:
        forecast: Ensemble (`member_dim` and any other dimensions), or a forecast without members; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over, such as `("latitude", "longitude")`; empty gives one score a
            point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike. A point of weight 0 does not count,
            whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.
        threshold: Threshold of the event, in the unit of `forecast`: a number; several, which give the score along
            `threshold`; or a DataArray on any dimensions of `analysis` (such as a quantile of the climatology at each
            point), whose further dimensions become dimensions of the score. It is rounded to the fields' precision.
        fair: True scores the probability that the members are drawn with, whatever their number, and is NaN for one
            member; False leaves out the second term.
        strict: True: the event is a value above the threshold; False: at or above it.
        member_weights: Weights of the members, 0 or more, on `member_dim` and any dimensions of `analysis`, such as by
            lead time in a lagged ensemble; only their ratios matter. None weighs each alike.

    Returns:
        Score without unit, on the dimensions that are left. Smaller is better; a fair score can be negative.

    Raises:
        UnscorableError: `forecast`, `analysis` and `threshold` do not fit together, or `reduce` or `weights` do not fit
            them.

    Source: Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2; Ferro (2014), doi:10.1002/qj.2270
    """
    limit = limits("threshold", threshold, comparison_precision(forecast, analysis))
    options: dict[str, Any] = {"member_dim": member_dim, "skip_missing": skip_missing, "fair": fair}
    values = _brier_of_members(forecast, analysis, limit, member_weights, strict=strict, **options)
    return without_unit(weighted_mean(values, reduce, weights, skip_missing=skip_missing), "brier_score")


@aligned(members="optional")
def rps(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    threshold: Threshold,
    fair: bool = True,
    member_weights: xr.DataArray | None = None,
) -> xr.DataArray:
    """Ranked probability score: the sum of the Brier scores of all thresholds between categories.

    Args:
        forecast: Ensemble (`member_dim` and any other dimensions), or a forecast without members; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over, such as `("latitude", "longitude")`; empty gives one score a
            point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike. A point of weight 0 does not count,
            whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.
        threshold: Values between the categories, increasing, in the unit of `forecast`: numbers, or a DataArray along
            `threshold` (or one other dimension of its own) and any dimensions of `analysis`, such as terciles of the
            climatology at each point. A value equal to a threshold belongs to the category below.
        fair: True scores the probabilities that the members are drawn with, whatever their number, and is NaN for one
            member; False scores the shares of members as they are.
        member_weights: Weights of the members, 0 or more, on `member_dim` and any dimensions of `analysis`, such as by
            lead time in a lagged ensemble; only their ratios matter. None weighs each alike.

    Returns:
        Score without unit, at most the number of thresholds, on the dimensions that are left. Smaller is better.

    Raises:
        UnscorableError: Thresholds do not increase, `forecast` and `analysis` do not fit together, or `reduce` or
            `weights` do not fit them.

    Source: Epstein (1969), doi:10.1175/1520-0450(1969)008<0985:ASSFPF>2.0.CO;2; Ferro (2014), doi:10.1002/qj.2270
    """
    limit, along = categories(limits("threshold", threshold, comparison_precision(forecast, analysis)), analysis)
    options: dict[str, Any] = {"member_dim": member_dim, "skip_missing": skip_missing, "fair": fair}
    briers = _brier_of_members(forecast, analysis, limit, member_weights, strict=True, **options)
    values = combined(lambda each: each.sum([along], skipna=False), briers)
    return without_unit(weighted_mean(values, reduce, weights, skip_missing=skip_missing), "rps")


def event_counts(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    threshold: Threshold,
    *,
    member_dim: Hashable,
    strict: bool,
    skip_missing: bool,
) -> dict[str, xr.DataArray]:
    """Count the members in which an event happens, and say whether it did.

    Args:
        forecast: Ensemble on the grid of `analysis`, as `aligned` hands it to a score.
        analysis: Verifying analysis, likewise.
        threshold: Threshold of the event, in the unit of `forecast`: a number; several, which give the counts along
            `threshold`; or a DataArray on any dimensions of `analysis`, and perhaps others.
        member_dim: Name of the dimension of the members.
        strict: True: the event is a value above the threshold; False: at or above it.
        skip_missing: Count among the members that are there; otherwise a missing one makes the point unknown.

    Returns:
        For each point and threshold, as floats: `hits`, and `observed` (0 or 1), both NaN where they are not known; and
        for each point the number `members` that are there.

    Raises:
        UnscorableError: `forecast`, `analysis` and `threshold` do not fit together.
    """
    limit = limits("threshold", threshold, comparison_precision(forecast, analysis))
    hits, members = _hits(forecast, analysis, limit, member_dim, strict)
    known: list[xr.Variable] = xr.apply_ufunc(
        _known_events,
        *(each.variable for each in (hits, members, analysis, limit)),
        kwargs={"strict": strict, "least": 1 if skip_missing else forecast.sizes[member_dim]},
        output_core_dims=[[], []],
        dask="parallelized",
        output_dtypes=[np.float64, np.float64],
    )
    hits, observed = (placed(each, analysis, hits) for each in known)
    return {"hits": hits, "observed": observed, "members": members}


def _known_events(
    hits: NDArray[Any], members: NDArray[Any], analysis: NDArray[Any], limit: NDArray[Any], *, strict: bool, least: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hits and whether the event happened, both NaN where members, analysis or threshold are missing."""
    known = (members >= least) & (analysis == analysis) & (limit == limit)
    happened = exceeds(analysis, limit, strict=strict)
    found = np.asarray(hits, np.float64), np.broadcast_to(happened, hits.shape).astype(np.float64)
    if known.all():
        return found
    missing = np.broadcast_to(~known, hits.shape)
    return np.where(missing, np.nan, found[0]), np.where(missing, np.nan, found[1])


def _hits(
    forecast: xr.DataArray, analysis: xr.DataArray, limit: xr.DataArray, member_dim: Hashable, strict: bool
) -> tuple[xr.DataArray, xr.DataArray]:
    """Number of members in which the event happens, and of those that are there, from one pass for each field."""
    own = [dim for dim in limit.dims if dim not in analysis.dims]
    if own:
        parts = [
            _hits(forecast, analysis, limit.isel({own[0]: index}, drop=True), member_dim, strict)
            for index in range(limit.sizes[own[0]])
        ]
        along = limit[own[0]] if own[0] in limit.coords else own[0]
        hits = xr.concat([hits for hits, _ in parts], along, coords="minimal", compat="override", join="override")
        return hits.transpose(*analysis.dims, *own), parts[0][1]
    above = limit if strict else _just_below(limit)
    if limit.ndim == 0:
        statistics = point_statistics(forecast, analysis, member_dim, "counts", threshold=above)
        hits, members = statistics["exceedances"].squeeze("threshold", drop=True), statistics["members"]
    else:
        hits, members = _hits_of_field(forecast, analysis, above, member_dim)
    return (hits if strict else combined(_unless_lowest, hits, limit, members)), members


def _unless_lowest(hits: xr.Variable, limit: xr.Variable, members: xr.Variable) -> xr.Variable:
    """Every value is at or above minus infinity."""
    return where(hits, limit != -np.inf, members)


def _hits_of_field(
    forecast: xr.DataArray, analysis: xr.DataArray, above: xr.DataArray, member_dim: Hashable
) -> tuple[xr.DataArray, xr.DataArray]:
    """Number of members above a threshold of each point, and of those that are there."""
    field: xr.DataArray = xr.apply_ufunc(
        highest_not_above, above, kwargs={"dtype": pass_precision(forecast)}, dask="parallelized", output_dtypes=[float]
    )
    field = field.broadcast_like(analysis).transpose(*analysis.dims)
    counts = point_statistics(forecast, field, member_dim, "counts")
    return counts["members"] - counts["below"] - counts["equal"], counts["members"]


def _just_below(limit: xr.DataArray) -> xr.DataArray:
    """Thresholds such that at or above `limit` is above them; nothing is below minus infinity."""
    below: xr.DataArray = xr.apply_ufunc(np.nextafter, limit, limit.dtype.type(-np.inf), dask="allowed")
    return below


def _brier_of_members(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    limit: xr.DataArray,
    member_weights: xr.DataArray | None,
    *,
    member_dim: Hashable,
    strict: bool,
    skip_missing: bool,
    fair: bool,
) -> xr.DataArray:
    """Brier score of each point and threshold, of members that count alike or by their weights."""
    options: dict[str, Any] = {"member_dim": member_dim, "skip_missing": skip_missing, "fair": fair}
    if member_weights is None:
        return _brier(forecast, analysis, limit, strict=strict, **options)
    operator: Operator = ">" if strict else ">="
    happens, observed = (events("threshold", field, limit, operator) for field in (forecast, analysis))
    return _weighted_brier(happens, observed, member_weights, **options)


def _brier(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    limit: xr.DataArray,
    *,
    member_dim: Hashable,
    strict: bool,
    skip_missing: bool,
    fair: bool,
) -> xr.DataArray:
    """Brier score of each point and threshold, in one pass where several thresholds are the same at all points."""
    if limit.ndim == 0:
        options: dict[str, Any] = {"strict": strict, "skip_missing": skip_missing, "fair": fair}
        several = _brier(forecast, analysis, limit.expand_dims("threshold"), member_dim=member_dim, **options)
        return several.isel({"threshold": 0}, drop="threshold" not in limit.coords)
    if limit.ndim == 1 and limit.dims[0] not in analysis.dims:
        above = limit if strict else _just_below(limit)
        statistics = point_statistics(
            forecast, analysis, member_dim, "counts", threshold=above, skip_missing=skip_missing
        )

        def known(values: xr.Variable, limit: xr.Variable) -> xr.Variable:
            values = where(values.astype(np.float64), limit.notnull())
            # Every value is at or above minus infinity, so the forecast is right wherever there is a score.
            return values if strict else where(values, limit != -np.inf, 0 * values)

        return combined(known, statistics["fair_brier" if fair else "brier"], limit)
    counted = event_counts(forecast, analysis, limit, member_dim=member_dim, strict=strict, skip_missing=skip_missing)
    members = counted["members"].astype(np.float64)
    probability = counted["hits"] / members
    values = (probability - counted["observed"]) ** 2
    if fair:
        values = values - probability * (1 - probability) / (members.where(members > 1) - 1)
    return values


def _weighted_brier(
    happens: xr.DataArray,
    observed: xr.DataArray,
    member_weights: xr.DataArray,
    *,
    member_dim: Hashable | None,
    fair: bool,
    skip_missing: bool,
) -> xr.DataArray:
    """(p - o)^2 - p (1 - p) s / (1 - s), with the share p of the weight, and s the sum of the squares of the shares."""
    weight = member_weights.astype(np.float64)
    weight = weight.where(happens.notnull() | (weight == 0), 0.0 if skip_missing else np.nan)
    total = weight.sum([member_dim], skipna=False)
    share = weight / total.where(total > 0)
    # A member that is not there has a share of 0 or NaN, which decides; NaN times the share 0 would not be 0.
    probability = (share * happens.fillna(0.0)).sum([member_dim], skipna=False)
    values = (probability - observed) ** 2
    if fair:
        square = (share**2).sum([member_dim], skipna=False)
        values = values - probability * (1 - probability) * square / (1 - square).where(square < 1 - 1e-12)
    return values.transpose(*observed.dims)
