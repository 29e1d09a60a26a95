"""How probabilities of an event relate to how often it happens, from sums that add.

An ensemble of M members issues M + 1 probabilities. All that the functions of `reliability` give follows from two sums
for each of them: the weight with which it was issued, and that with which the event then happened. These sums add over
chunks, periods and regions.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import scipy
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, check_reduce, numbers
from forecast.verification.scores.event import event_counts
from forecast.verification.scores.ranks import histogram
from forecast.verification.thresholds import Threshold
from forecast.verification.weighting import for_each_weight, point_weights

COST_LOSS_RATIOS = tuple(percent / 100 for percent in range(5, 100, 5))


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
    known = hits.notnull()
    # Classes of both kinds in one histogram: those of points without the event first.
    options: dict[str, Any] = {"dask": "parallelized", "output_dtypes": [np.int64]}
    both_classes = xr.apply_ufunc(_event_class, hits, counted["observed"], kwargs={"members": members}, **options)
    single = xr.zeros_like(both_classes, dtype=np.int8)

    def sums(weights: xr.DataArray | None) -> xr.Dataset:
        weight = point_weights(weights, hits, known, skip_missing=skip_missing)
        both = histogram(both_classes, single, weight, reduce, 2 * members + 1)
        quiet = both.isel(rank=slice(members + 1))
        happened = both.isel(rank=slice(members + 1, None)).assign_coords(rank=quiet["rank"])
        issued = points = quiet + happened
        if weights is not None:
            counted_points = (known & (weight != 0)).astype(np.float64)
            points = histogram(both_classes % (members + 1), single, counted_points, reduce, members)
        whole = issued.notnull().all("rank")
        return xr.Dataset({"issued": issued, "happened": happened, "points": points}).where(whole)

    return (
        for_each_weight(weights, hits, sums)
        .rename(rank="probability")
        .assign_coords(probability=np.arange(members + 1) / members)
    )


def _event_class(hits: NDArray[np.float64], observed: NDArray[np.float64], *, members: int) -> NDArray[np.int64]:
    """Number of members with the event, and M + 1 more where it happened; 0 for unknown points.

    An unknown point may be of any class: its weight is 0 or NaN, which decides.
    """
    classes = hits + (members + 1) * observed
    return np.nan_to_num(classes, copy=False).astype(np.int64)


def murphy_parts(sums: xr.Dataset) -> xr.Dataset:
    """Murphy's decomposition of the plain Brier score: reliability - resolution + uncertainty.

    Args:
        sums: Sums of events from `probability_sums`, perhaps added over chunks, periods or regions. Each issued
            probability is a class of its own, so the decomposition is exact.

    Returns:
        `reliability` (smaller is better), `resolution` (larger is better), `uncertainty` and `brier_score`, on the
        dimensions of `sums` less `probability`.

    Source: Murphy (1973), doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2
    """
    share, rate, base = _rates(sums)
    reliability = (share * (sums["probability"] - rate) ** 2).sum("probability")
    resolution = (share * (rate - base) ** 2).sum("probability")
    uncertainty = base * (1 - base)
    return xr.Dataset(
        {
            "reliability": reliability.where(base.notnull()),
            "resolution": resolution.where(base.notnull()),
            "uncertainty": uncertainty,
            "brier_score": reliability - resolution + uncertainty,
        }
    )


def reliability_diagram(sums: xr.Dataset, *, bins: int | None = None, level: float = 0.9) -> xr.Dataset:
    """Reliability diagram, with consistency bars and the isotonic (CORP) curve.

    Args:
        sums: Sums of events from `probability_sums`, perhaps added over chunks, periods or regions.
        bins: Number of classes of equal width to collect probabilities in; None keeps each issued probability apart.
        level: Level of the consistency bars, 0 to 1: how often a reliable forecast would fall within them if points
            were independent.

    Returns:
        Along `probability`, or along `bin` with its edges `lower` (which it holds) and `upper`: mean
        `forecast_probability`, `observed_frequency`, `share` of the weight, `consistency_low` and `consistency_high`.
        Along `probability`: the isotonic `corp_frequency`. And its parts of the plain Brier score: `miscalibration`,
        `discrimination` and `uncertainty`.

    Raises:
        UnscorableError: `bins` or `level` is out of range.

    Source: Bröcker and Smith (2007), doi:10.1175/WAF993.1; Dimitriadis et al. (2021), doi:10.1073/pnas.2016191118
    """
    if bins is not None and (not isinstance(bins, int | np.integer) or bins < 1):
        raise UnscorableError(f"bins: expected a whole number of 1 or more, found {bins}")
    if not 0 < level < 1:
        raise UnscorableError(f"level: expected a number between 0 and 1, found {level}")
    curve = sums.assign(value=sums["issued"] * sums["probability"])
    if bins is not None:
        curve = _in_bins(curve, bins)
    issued, points = curve["issued"].where(curve["issued"] > 0), curve["points"]
    probability = curve["value"] / issued
    low, high = (
        xr.apply_ufunc(binomial_share, points, probability, kwargs={"tail": tail}, dask="parallelized")
        for tail in ((1 - level) / 2, (1 + level) / 2)
    )
    diagram = xr.Dataset(
        {
            "forecast_probability": probability,
            "observed_frequency": curve["happened"] / issued,
            "share": curve["issued"] / sums["issued"].sum("probability"),
            "consistency_low": low,
            "consistency_high": high,
        }
    )
    return diagram.merge(_corp(sums))


def _in_bins(sums: xr.Dataset, bins: int) -> xr.Dataset:
    members = sums.sizes["probability"] - 1
    # Whole numbers, as in floating point 29 of 50 members fall below 0.58.
    classes = np.minimum(np.arange(members + 1) * bins // members, bins - 1)
    curve = sums.drop_vars("probability").assign_coords(bin=("probability", classes)).groupby("bin").sum(skipna=False)
    return curve.assign_coords(lower=curve["bin"] / bins, upper=(curve["bin"] + 1) / bins)


def operating_characteristic(sums: xr.Dataset) -> xr.Dataset:
    """Relative operating characteristic: hit rate against false alarm rate when acting from k of M members on.

    Args:
        sums: Sums of events from `probability_sums`, perhaps added over chunks, periods or regions.

    Returns:
        Along `members_needed` (k = 0 to M + 1): `hit_rate` and `false_alarm_rate`; and the `area` under the curve by
        trapezoids, 0.5 without skill and 1 for perfect forecasts. NaN where the event always or never happened.

    Source: Mason (1982), Australian Meteorological Magazine 30, 291-303; Kharin and Zwiers (2003),
    doi:10.1175/1520-0442(2003)016<4145:OTRSOP>2.0.CO;2
    """
    happened = sums["happened"]
    hits = _from_needed(happened) / _positive(happened.sum("probability", skipna=False))
    quiet = sums["issued"] - happened
    alarms = _from_needed(quiet) / _positive(quiet.sum("probability", skipna=False))
    following = hits.shift(members_needed=-1, fill_value=0.0), alarms.shift(members_needed=-1, fill_value=0.0)
    area = ((alarms - following[1]) * (hits + following[0]) / 2).sum("members_needed", skipna=False)
    return xr.Dataset({"hit_rate": hits, "false_alarm_rate": alarms, "area": area})


def economic_value(sums: xr.Dataset, *, cost_loss_ratios: float | Sequence[float] | None = None) -> xr.Dataset:
    """Relative economic value of acting on the forecast: 0 is that of acting on the base rate, 1 of perfect knowledge.

    With the mean expenses E of a user who acts on each: (E_base - E_forecast) / (E_base - E_perfect).

    Args:
        sums: Sums of events from `probability_sums`, perhaps added over chunks, periods or regions.
        cost_loss_ratios: Cost of protection over the loss that it avoids, strictly between 0 and 1, one for each user;
            0.05, 0.10 ... 0.95 when None.

    Returns:
        Along `cost_loss_ratio` and `members_needed`: `value_by_threshold`, that of acting from so many members on; and
        along `cost_loss_ratio`: `value`, the largest of these.

    Raises:
        UnscorableError: A cost-loss ratio is not between 0 and 1.

    Source: Richardson (2000), doi:10.1002/qj.49712656313
    """
    ratio = _ratios(COST_LOSS_RATIOS if cost_loss_ratios is None else cost_loss_ratios)
    curve, base = operating_characteristic(sums), _rates(sums)[2]
    climate = xr.where(ratio < base, ratio + 0 * base, base + 0 * ratio)  # type: ignore[no-untyped-call]
    spent = curve["false_alarm_rate"] * ratio * (1 - base) - curve["hit_rate"] * base * (1 - ratio) + base
    value = (climate - spent) / (climate - base * ratio)
    return xr.Dataset({"value_by_threshold": value, "value": value.max("members_needed", skipna=False)})


def _ratios(given: float | Sequence[float]) -> xr.DataArray:
    ratios = numbers("cost_loss_ratios", given)
    if not np.all((ratios > 0) & (ratios < 1)):
        raise UnscorableError(f"cost_loss_ratios: expected numbers between 0 and 1, found {ratios.tolist()}")
    return xr.DataArray(ratios, dims="cost_loss_ratio", coords={"cost_loss_ratio": ratios})


def _rates(sums: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Share of each probability, frequency of the event where it was issued (0 where never), and base rate."""
    total = _positive(sums["issued"].sum("probability", skipna=False))
    rate = (sums["happened"] / _positive(sums["issued"])).fillna(0.0)
    return sums["issued"] / total, rate, sums["happened"].sum("probability", skipna=False) / total


def _positive(values: xr.DataArray) -> xr.DataArray:
    return values.where(values > 0)


def _from_needed(weight: xr.DataArray) -> xr.DataArray:
    """Weight of the classes in which at least k members show the event, for k of 0 to M + 1."""
    total = weight.sum("probability", skipna=False)
    below = weight.cumsum("probability").drop_vars("probability").rename(probability="members_needed")
    below = below.pad(members_needed=(1, 0), constant_values=0.0)
    return (total - below).assign_coords(members_needed=np.arange(below.sizes["members_needed"]))


def binomial_share(
    points: NDArray[np.float64], probability: NDArray[np.float64], *, tail: float
) -> NDArray[np.float64]:
    """Quantile of the share of points at which an event happens, each by itself with the same probability.

    Args:
        points: Number of points.
        probability: Probability of the event, the shape of `points`.
        tail: Level of the quantile, 0 to 1.

    Returns:
        Share, 0 to 1; NaN without points.
    """
    number: NDArray[np.float64] = scipy.stats.binom.ppf(tail, points, probability)
    return number / np.where(points > 0, points, np.nan)


def _corp(sums: xr.Dataset) -> xr.Dataset:
    frequency = xr.apply_ufunc(
        _isotonic,
        sums["happened"],
        sums["issued"],
        input_core_dims=[["probability"], ["probability"]],
        output_core_dims=[["probability"]],
        vectorize=True,
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[np.float64],
    )
    share, rate, base = _rates(sums)
    spread = rate * (1 - rate)
    score = (share * ((sums["probability"] - rate) ** 2 + spread)).sum("probability")
    calibrated = (share * ((frequency - rate) ** 2 + spread)).sum("probability")
    uncertainty = base * (1 - base)
    return xr.Dataset(
        {
            "corp_frequency": frequency,
            "miscalibration": (score - calibrated).where(base.notnull()),
            "discrimination": uncertainty - calibrated,
            "uncertainty": uncertainty,
        }
    )


def _isotonic(happened: NDArray[np.float64], issued: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.full(issued.shape, np.nan)
    seen = issued > 0
    if seen.any():
        result[seen] = scipy.optimize.isotonic_regression(happened[seen] / issued[seen], weights=issued[seen]).x
    return result
