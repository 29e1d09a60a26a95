"""Scores by threshold: Murphy diagrams, and what a warning that is issued from a threshold on costs.

Both weigh a forecast on one side of a threshold and an analysis on the other by how the user suffers from it.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, in_units_of, numbers, without_unit
from forecast.verification.scores.distribution import sorted_quantiles
from forecast.verification.set_aside import combined, placed
from forecast.verification.thresholds import Threshold, categories, comparison_precision, exceeds, limits
from forecast.verification.weighting import weighted_mean

Functional = Literal["mean", "quantile", "expectile"]
"""What of a distribution a forecast states."""
FUNCTIONALS = ("mean", "quantile", "expectile")
MOST_VALUES = 2**22
"""Number of points times thresholds that are worked on at once."""


@aligned(members="optional")
def murphy_diagram(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold,
    functional: Functional = "mean",
    level: float = 0.5,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.Dataset:
    """Murphy diagram: the elementary scores of a mean, quantile or expectile by threshold.

    Every score that suits the functional is an average of these over thresholds; so a forecast that is better at each
    threshold is better for every user. With the forecast x, the analysis y and the threshold t, the elementary score is
    0 unless t lies between them. Then it is 1 - level where x is above t (over), and level where it is not (under); for
    expectiles times |y - t|. The mean is the expectile of level 0.5.

    Args:
        forecast: Forecast of the functional, without members; or an ensemble, of whose members it is taken (quantiles
            interpolate linearly); NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        threshold: Thresholds in the unit of `forecast`: a number, several, or a DataArray on any dimensions of
            `analysis`, whose further dimensions become dimensions of the result.
        functional: What `forecast` states of the distribution: `"mean"`, `"quantile"` or `"expectile"`.
        level: Level of the quantile or expectile, between 0 and 1; 0.5 is the median.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over; empty gives one score a point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score; None weighs each point alike. A
            point of weight 0 does not count, whatever it holds.
        skip_missing: True takes the members that are there, and leaves out points that lack forecast or analysis; False
            makes every score NaN that such a point goes into.

    Returns:
        Along `threshold` and the dimensions that are left: `score`, and its parts `over` and `under`; without unit for
        quantiles, in the unit of `forecast` for the mean and expectiles. Smaller is better.

    Raises:
        UnscorableError: `functional` is unknown, `level` is out of range or not 0.5 for the mean, `forecast` and
            `analysis` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Ehm et al. (2016), doi:10.1111/rssb.12154
    """
    _check_functional(functional, level)
    limit = limits("threshold", threshold, comparison_precision(forecast, analysis))
    stated = _functional_of(forecast, member_dim, functional, level, skip_missing)
    reach = 0.0 if functional == "quantile" else np.inf
    own = [dim for dim in limit.dims if dim not in analysis.dims]
    parts = []
    for some in _blocks(limit, own, analysis):
        penalties = _penalties(stated, analysis, some, strict=True, level=level, reach=reach)
        parts.append(_averaged(penalties, reduce, weights, skip_missing))
    joined = parts[0] if len(parts) == 1 else xr.concat(parts, own[0])
    return _in_units(forecast, joined, reach).transpose(..., *own)


@aligned(members="optional")
def firm(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold,
    risk: float,
    threshold_weights: Sequence[float] | None = None,
    discount_distance: float = 0.0,
    strict: bool = True,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.Dataset:
    """FIRM: the fixed-risk multicategorical score of warnings in several categories.

    Each threshold between forecast and analysis costs its weight times 1 - risk for a false alarm (over), and times
    risk for a miss (under). A forecaster does best to warn of the highest category whose probability is at least
    1 - risk.

    Args:
        forecast: Forecast without members, whose category is the warning; or an ensemble, of whose members the quantile
            of level `risk` is taken (the expectile where `discount_distance` is infinite); NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        threshold: Values between the categories, increasing, in the unit of `forecast`: numbers, or a DataArray along
            `threshold` (or one other dimension of its own), if there are several, and any dimensions of `analysis`.
        risk: Cost of a miss over that of a miss and a false alarm together, between 0 and 1.
        threshold_weights: Weight of each threshold, positive, in the order of `threshold`; None is 1 for each.
        discount_distance: Distance from the threshold, in the unit of `forecast`, from which on a miss or false alarm
            counts in full: nearer ones count by their distance, and the score has the unit of `forecast`. 0 counts all
            alike; infinity counts each by the distance of the analysis.
        strict: True: a value equal to a threshold belongs to the category below; False: to that above.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over; empty gives one score a point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score; None weighs each point alike. A
            point of weight 0 does not count, whatever it holds.
        skip_missing: True takes the members that are there, and leaves out points that lack forecast or analysis; False
            makes every score NaN that such a point goes into.

    Returns:
        On the dimensions that are left: `score`, and its parts `over` and `under`. Smaller is better.

    Raises:
        UnscorableError: An option is out of range, thresholds decrease, `forecast` and `analysis` do not fit together,
            or `reduce` or `weights` do not fit them.

    Source: Taggart, Loveday and Griffiths (2022), doi:10.1002/qj.4266
    """
    limit, along = categories(limits("threshold", threshold, comparison_precision(forecast, analysis)), analysis)
    costs = _threshold_weights(threshold_weights, limit.sizes[along])
    functional = _firm_functional(forecast.sizes[member_dim], risk, discount_distance)
    stated = _functional_of(forecast, member_dim, functional, risk, skip_missing)
    each = [limit.isel({along: index}, drop=True) for index in range(len(costs))]
    parts = _costs(stated, analysis, zip(each, costs, strict=True), strict=strict, level=risk, reach=discount_distance)
    return _in_units(forecast, _averaged(parts, reduce, weights, skip_missing), discount_distance)


def _costs(
    stated: xr.DataArray,
    analysis: xr.DataArray,
    thresholds: Iterable[tuple[xr.DataArray, float]],
    *,
    strict: bool,
    level: float,
    reach: float,
) -> tuple[xr.DataArray, xr.DataArray]:
    """Sums of cost x penalty, for over- and for underforecasting."""
    over = under = xr.zeros_like(analysis, dtype=np.float64)
    for limit, cost in thresholds:
        parts = _penalties(stated, analysis, limit, strict=strict, level=level, reach=reach)
        add = partial(_plus, cost=cost)
        over, under = combined(add, over, parts[0]), combined(add, under, parts[1])
    return over, under


def _plus(total: xr.Variable, part: xr.Variable, *, cost: float) -> xr.Variable:
    return total + cost * part


def _blocks(limit: xr.DataArray, own: Dims, points: xr.DataArray) -> Iterator[xr.DataArray]:
    """Some thresholds at a time, so that few values at all points are held at once."""
    if not own:
        yield limit
        return
    others = int(np.prod([limit.sizes[dim] for dim in own[1:]]))
    block = max(1, MOST_VALUES // max(1, points.size * others))
    for start in range(0, limit.sizes[own[0]], block):
        yield limit.isel({own[0]: slice(start, start + block)})


def _penalties(
    stated: xr.DataArray, analysis: xr.DataArray, limit: xr.DataArray, *, strict: bool, level: float, reach: float
) -> tuple[xr.DataArray, xr.DataArray]:
    """Penalties of a forecast above a threshold that the analysis is not above, and the other way round."""
    options: dict[str, Any] = {"strict": strict, "level": level, "reach": reach}
    over, under = xr.apply_ufunc(
        _penalty_block,
        stated.variable,
        analysis.variable,
        limit.variable,
        kwargs=options,
        output_core_dims=[[], []],
        dask="parallelized",
        output_dtypes=[np.float64, np.float64],
    )
    return placed(over, analysis, limit), placed(under, analysis, limit)


@np.errstate(invalid="ignore")
def _penalty_block(
    stated: NDArray[Any], analysis: NDArray[Any], limit: NDArray[Any], *, strict: bool, level: float, reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    above, seen = (exceeds(field, limit, strict=strict) for field in (stated, analysis))
    unknown = np.isnan(stated) | np.isnan(analysis) | np.isnan(limit)
    size: NDArray[np.float64] | float = 1.0
    if reach > 0:
        size = np.minimum(np.abs(analysis.astype(np.float64) - limit.astype(np.float64)), reach)
    over, under = np.where(above & ~seen, (1 - level) * size, 0.0), np.where(seen & ~above, level * size, 0.0)
    if unknown.any():
        over, under = np.where(unknown, np.nan, over), np.where(unknown, np.nan, under)
    return over, under


def _averaged(
    parts: tuple[xr.DataArray, xr.DataArray], reduce: Dims, weights: xr.DataArray | None, skip_missing: bool
) -> xr.Dataset:
    over, under = (weighted_mean(part, reduce, weights, skip_missing=skip_missing) for part in parts)
    return xr.Dataset({"score": combined(lambda one, other: one + other, over, under), "over": over, "under": under})


def _in_units(forecast: xr.DataArray, scores: xr.Dataset, reach: float) -> xr.Dataset:
    return xr.Dataset(
        {
            name: in_units_of(forecast, score) if reach > 0 else without_unit(score)
            for name, score in scores.data_vars.items()
        }
    )


def _check_functional(functional: str, level: float) -> None:
    if functional not in FUNCTIONALS:
        raise UnscorableError(f"functional: expected one of {list(FUNCTIONALS)}, found {functional!r}")
    if not 0 < level < 1:
        raise UnscorableError(f"level: expected a number between 0 and 1, found {level}")
    if functional == "mean" and level != 0.5:
        raise UnscorableError(f"level: expected 0.5 for the mean, found {level}; choose functional='expectile'")


def _firm_functional(members: int, risk: float, discount_distance: float) -> Functional:
    """What the score of an ensemble is consistent for."""
    if not 0 < risk < 1:
        raise UnscorableError(f"risk: expected a number between 0 and 1, found {risk}")
    if not discount_distance >= 0:
        raise UnscorableError(f"discount_distance: expected a number of 0 or more, found {discount_distance}")
    if members > 1 and 0 < discount_distance < np.inf:
        raise UnscorableError(
            f"discount_distance: expected 0 or infinity for an ensemble, found {discount_distance:g}; "
            "give a forecast without members"
        )
    return "quantile" if discount_distance == 0 else "expectile"


def _threshold_weights(given: Sequence[float] | None, count: int) -> NDArray[np.float64]:
    costs = np.ones(count) if given is None else numbers("threshold_weights", given)
    if costs.size != count or not (costs > 0).all():
        raise UnscorableError(f"threshold_weights: expected {count} positive numbers, found {costs.tolist()}")
    return costs


def _functional_of(
    forecast: xr.DataArray, member_dim: Hashable | None, functional: Functional, level: float, skip_missing: bool
) -> xr.DataArray:
    """Functional of the members at each point; of one member the member."""
    stated: xr.Variable = xr.apply_ufunc(
        _quantile if functional == "quantile" else _expectile,
        forecast.variable,
        kwargs={"level": level, "skip_missing": skip_missing},
        input_core_dims=[[member_dim]],
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return placed(stated, forecast)


def _quantile(ensemble: NDArray[Any], *, level: float, skip_missing: bool) -> NDArray[np.float64]:
    members = np.sort(ensemble.astype(np.float64), axis=-1)
    return sorted_quantiles(members, np.array([level]), skip_missing)[..., 0]


@np.errstate(invalid="ignore")
def _expectile(ensemble: NDArray[Any], *, level: float, skip_missing: bool) -> NDArray[np.float64]:
    """Where level times what members lie above is (1 - level) times what others lie below, along the last axis.

    With k members below it, it is the mean with weights 1 - level of these and level of the others: the k is right for
    which this lies beyond the first k and not beyond the next, and gives the largest mean (the smallest below 0.5).
    """
    members = np.sort(ensemble.astype(np.float64), axis=-1)
    missing = np.isnan(members)
    first = np.where(missing[..., 0], 0.0, members[..., 0])
    centred = np.where(missing, 0.0, members - first[..., None])
    count = np.count_nonzero(~missing, axis=-1)[..., None]
    below = np.arange(1, members.shape[-1] + 1)
    total, mass = centred.sum(axis=-1, keepdims=True), np.cumsum(centred, axis=-1)
    means = (level * (total - mass) + (1 - level) * mass) / (level * (count - below).clip(0) + (1 - level) * below)
    right = np.where(missing, -np.inf, means).max(axis=-1) if level >= 0.5 else np.where(missing, np.inf, means).min(-1)
    enough = count[..., 0] > 0 if skip_missing else count[..., 0] == members.shape[-1]
    return np.where(enough, right + first, np.nan)
