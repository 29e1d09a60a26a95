"""Scores of the probability of an event: a value above a threshold."""

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from forecast.verification.checks import Dims, UnscorableError, check_fits, paired
from forecast.verification.ensemble_pass.statistics import ensemble_statistics
from forecast.verification.weighting import weighted_mean


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
    """Brier score of the ensemble's probability of an event.

    With the share p of the M members in which the event happens, and o = 1 if it happened, else 0:

        (p - o)^2  -  p (1 - p) / (M - 1)

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members.
        reduce: Names of the dimensions to average over, such as `("latitude", "longitude")`; empty gives one score a
            point.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike. A point of weight 0 does not count,
            whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.
        threshold: Threshold of the event, in the unit of `forecast`: a number; several numbers, which give the score
            along `threshold`; or a DataArray on any dimensions of `analysis` (such as a quantile of the climatology at
            each point), whose further dimensions become dimensions of the score.
        fair: True scores the probability that the members are drawn with, whatever their number, and is NaN for one
            member; False leaves out the second term.
        strict: True: the event is a value above the threshold; False: at or above it.

    Returns:
        Score without unit, on the dimensions that are left. Smaller is better; a fair score can be negative.

    Raises:
        UnscorableError: `forecast`, `analysis` and `threshold` do not fit together, or `reduce` or `weights` do not fit
            them.

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
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members.
        reduce: Names of the dimensions to average over, such as `("latitude", "longitude")`; empty gives one score a
            point.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike. A point of weight 0 does not count,
            whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.
        thresholds: Values between the categories, increasing, in the unit of `forecast`; a value equal to a threshold
            belongs to the category below.
        fair: True scores the probabilities that the members are drawn with, whatever their number, and is NaN for one
            member; False scores the shares of members as they are.

    Returns:
        Score without unit, at most the number of thresholds, on the dimensions that are left. Smaller is better.

    Raises:
        UnscorableError: Thresholds do not increase, `forecast` and `analysis` do not fit together, or `reduce` or
            `weights` do not fit them.

    Source: Epstein (1969), doi:10.1175/1520-0450(1969)008<0985:ASSFPF>2.0.CO;2; Ferro (2014), doi:10.1002/qj.2270
    """
    if len(thresholds) < 1 or not np.all(np.diff(thresholds) > 0):
        raise UnscorableError(f"thresholds: expected increasing numbers, found {list(thresholds)}")
    statistics = ensemble_statistics(
        forecast, analysis, member_dim=member_dim, thresholds=thresholds, skip_missing=skip_missing, ranked=False
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
    """Count the members in which an event happens, and say whether it did.

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        threshold: Threshold of the event, in the unit of `forecast`: a number; several numbers, which give the counts
            along `threshold`; or a DataArray on any dimensions of `analysis`, and perhaps others.
        member_dim: Name of the dimension of the members.
        strict: True: the event is a value above the threshold; False: at or above it.
        skip_missing: Count among the members that are there; otherwise a missing one makes the point unknown.

    Returns:
        For each point and threshold, as floats: `hits`, and `observed` (0 or 1), both NaN where they are not known; and
        for each point the number `members` that are there.

    Raises:
        UnscorableError: `forecast`, `analysis` and `threshold` do not fit together.
    """
    forecast, analysis = paired(forecast, analysis, member_dim)
    if isinstance(threshold, Sequence):
        limit = xr.DataArray(list(threshold), dims="threshold", coords={"threshold": list(threshold)})
    elif isinstance(threshold, xr.DataArray):
        check_fits("threshold", threshold, analysis, own_dims=True)
        limit = threshold
    else:
        limit = xr.DataArray(threshold)
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
