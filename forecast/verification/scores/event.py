"""Scores of the probability of an event: a value strictly above a threshold; arguments as in `ensemble_scores`.

A threshold is a number, or a DataArray on dimensions of the analysis, such as the climatology's quantile at each
point.
"""

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from forecast.verification.checks import UnscorableError, on_grid_of, paired
from forecast.verification.ensemble_pass.statistics import ensemble_statistics
from forecast.verification.weighting import weighted_mean

Dims = Sequence[Hashable]


def brier_score(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    threshold: float | Sequence[float] | xr.DataArray,
    fair: bool = True,
    strict: bool = True,
) -> xr.DataArray:
    """Brier score: (p - o)2, fair: minus p (1 - p) / (M - 1), with p the share of members in which the event happens.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        member_dim: See `ensemble_scores`.
        reduce: See `ensemble_scores`.
        weights: See `ensemble_scores`.
        skip_missing: See `ensemble_scores`.
        threshold: Of the event; several numbers give the score along `threshold`.
        fair: Score the probability that the members are drawn with (NaN for one member).
        strict: The event is a value above the threshold; otherwise one at or above it.

    Returns:
        Smaller is better.

    Source: Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2; Ferro (2014), doi:10.1002/qj.2270
    """
    counted = event_counts(
        forecast, analysis, threshold, member_dim=member_dim, strict=strict, skip_missing=skip_missing
    )
    members = counted["members"].astype(np.float64)
    probability = counted["hits"] / members
    values = (probability - counted["observed"]) ** 2
    if fair:
        values = values - probability * (1 - probability) / (members.where(members > 1) - 1)
    return weighted_mean(values, reduce, weights, skip_missing=skip_missing).rename("brier_score").drop_attrs()


def rps(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    thresholds: Sequence[float],
    fair: bool = True,
) -> xr.DataArray:
    """Ranked probability score: the sum of the Brier scores of all thresholds between categories.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        member_dim: See `ensemble_scores`.
        reduce: See `ensemble_scores`.
        weights: See `ensemble_scores`.
        skip_missing: See `ensemble_scores`.
        thresholds: Between the categories, increasing; a value equal to one belongs to the category below.
        fair: See `brier_score`.

    Returns:
        Smaller is better; at most the number of thresholds.

    Source: Epstein (1969), doi:10.1175/1520-0450(1969)008<0985:ASSFPF>2.0.CO;2; Ferro (2014), doi:10.1002/qj.2270
    """
    if len(thresholds) < 1 or not np.all(np.diff(thresholds) > 0):
        raise UnscorableError(f"thresholds: expected increasing numbers, found {list(thresholds)}")
    statistics = ensemble_statistics(
        forecast,
        analysis,
        member_dim=member_dim,
        thresholds=thresholds,
        skip_missing=skip_missing,
        ranked=False,
    )
    briers = statistics["fair_brier" if fair else "brier"].astype(np.float64)
    values = briers.sum("threshold", skipna=False)
    return weighted_mean(values, reduce, weights, skip_missing=skip_missing).rename("rps").drop_attrs()


def event_counts(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    threshold: float | Sequence[float] | xr.DataArray,
    *,
    member_dim: Hashable,
    strict: bool,
    skip_missing: bool,
) -> xr.Dataset:
    """In how many members an event happens, and whether it did.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        threshold: See `brier_score`.
        member_dim: See `ensemble_scores`.
        strict: See `brier_score`.
        skip_missing: Count in the members that are there; otherwise a missing one makes the point missing.

    Returns:
        Per point `hits` and `observed` (0 or 1) as floats, NaN where they are not known; and `members`.
    """
    forecast, analysis = paired(forecast, analysis, member_dim)
    analysis = on_grid_of(analysis, forecast)
    if isinstance(threshold, Sequence):
        threshold = xr.DataArray(list(threshold), dims="threshold", coords={"threshold": list(threshold)})
    elif isinstance(threshold, xr.DataArray):
        _check_threshold(threshold, analysis)
    limit = threshold if isinstance(threshold, xr.DataArray) else xr.DataArray(threshold)
    members = forecast.notnull().sum([member_dim])
    known = (
        analysis.notnull() & limit.notnull() & (members > 0 if skip_missing else members == forecast.sizes[member_dim])
    )
    hits = (forecast > limit if strict else forecast >= limit).sum([member_dim])
    observed = analysis > limit if strict else analysis >= limit
    return xr.Dataset(
        {
            "hits": hits.astype(np.float64).where(known),
            "observed": observed.astype(np.float64).where(known),
            "members": members,
        }
    )


def _check_threshold(threshold: xr.DataArray, analysis: xr.DataArray) -> None:
    for dim in threshold.dims:
        if dim in analysis.dims and threshold.sizes[dim] != analysis.sizes[dim]:
            expected = f"expected {analysis.sizes[dim]} along '{dim}'"
            raise UnscorableError(f"threshold: {expected}, found {threshold.sizes[dim]}")
        both = dim in threshold.indexes and dim in analysis.indexes
        if both and not threshold.indexes[dim].equals(analysis.indexes[dim]):
            raise UnscorableError(f"threshold: expected the coordinates of the analysis along '{dim}', found others")
