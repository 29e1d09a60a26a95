"""Scores of the ensemble's probabilities of an event: reliability, discrimination and value.

Each is a function of sums over events. For sums that exist already, or are added over periods, use the functions of
`forecast.verification.scores.probability_sums` themselves.
"""

from collections.abc import Hashable, Sequence

import xarray as xr

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims
from forecast.verification.scores.probability_curves import (
    economic_value,
    murphy_parts,
    operating_characteristic,
    reliability_diagram,
)
from forecast.verification.scores.probability_sums import event_sums
from forecast.verification.thresholds import Threshold


@aligned()
def brier_decomposition(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold,
    reduce: Dims = (),
    preserve: Dims | None = None,
    member_dim: Hashable | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    strict: bool = True,
) -> xr.Dataset:
    """Murphy's decomposition of the plain Brier score: reliability - resolution + uncertainty.

    With the weight w_k of the points at which k of M members show the event, the frequency o_k with which it then
    happens, its overall frequency o, and sum w_k = 1: reliability = sum w_k (k/M - o_k)^2,
    resolution = sum w_k (o_k - o)^2, uncertainty = o (1 - o).

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        threshold: Threshold of the event, in the unit of `forecast`: a number, or a DataArray on any dimensions of
            `analysis`, such as a quantile of the climatology at each point; further dimensions become dimensions of
            the result.
        reduce: Names of the dimensions to collect events over, such as `("latitude", "longitude")`; at least one.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        weights: Weights of the points, 0 or more, on any dimensions of `analysis`, such as
            `area_weights(forecast["latitude"])`; None weighs each alike. A point of weight 0 does not count, whatever
            it holds.
        skip_missing: True leaves out points that lack a member or the analysis; False makes every result NaN that such
            a point goes into.
        strict: True: the event is a value above the threshold; False: at or above it.

    Returns:
        On the dimensions that are left: `reliability` (smaller is better), `resolution` (larger is better),
        `uncertainty` and `brier_score`. Each issued probability is a class of its own, so the decomposition is exact.

    Raises:
        UnscorableError: `reduce` is empty, `forecast`, `analysis` and `threshold` do not fit together, or `reduce` or
            `weights` do not fit them.

    Source: Murphy (1973), doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2
    """
    sums = event_sums(
        forecast,
        analysis,
        threshold,
        member_dim=member_dim,
        reduce=reduce,
        weights=weights,
        skip_missing=skip_missing,
        strict=strict,
    )
    return murphy_parts(sums)


@aligned()
def reliability(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold,
    reduce: Dims = (),
    preserve: Dims | None = None,
    member_dim: Hashable | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    strict: bool = True,
    bins: int | None = None,
    level: float = 0.9,
) -> xr.Dataset:
    """Reliability diagram, with consistency bars and the isotonic (CORP) curve.

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        threshold: Threshold of the event, in the unit of `forecast`: a number, or a DataArray on any dimensions of
            `analysis`, such as a quantile of the climatology at each point; further dimensions become dimensions of
            the result.
        reduce: Names of the dimensions to collect events over, such as `("latitude", "longitude")`; at least one.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        weights: Weights of the points, 0 or more, on any dimensions of `analysis`, such as
            `area_weights(forecast["latitude"])`; None weighs each alike. A point of weight 0 does not count, whatever
            it holds.
        skip_missing: True leaves out points that lack a member or the analysis; False makes every result NaN that such
            a point goes into.
        strict: True: the event is a value above the threshold; False: at or above it.
        bins: Number of classes of equal width to collect probabilities in; None keeps each issued probability apart.
        level: Level of the consistency bars, 0 to 1: how often a reliable forecast would fall within them if points
            were independent.

    Returns:
        Along `probability`, or along `bin` with its edges `lower` (which it holds) and `upper`: mean
        `forecast_probability`, `observed_frequency`, `share` of the weight, `consistency_low` and `consistency_high`.
        Along `probability`: the isotonic `corp_frequency`. And its parts of the plain Brier score: `miscalibration`,
        `discrimination` and `uncertainty`.

    Raises:
        UnscorableError: `bins` or `level` is out of range, `reduce` is empty, `forecast`, `analysis` and `threshold` do
            not fit together, or `reduce` or `weights` do not fit them.

    Source: Bröcker and Smith (2007), doi:10.1175/WAF993.1; Dimitriadis et al. (2021), doi:10.1073/pnas.2016191118
    """
    sums = event_sums(
        forecast,
        analysis,
        threshold,
        member_dim=member_dim,
        reduce=reduce,
        weights=weights,
        skip_missing=skip_missing,
        strict=strict,
    )
    return reliability_diagram(sums, bins=bins, level=level)


@aligned()
def roc(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold,
    reduce: Dims = (),
    preserve: Dims | None = None,
    member_dim: Hashable | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    strict: bool = True,
) -> xr.Dataset:
    """Relative operating characteristic: hit rate against false alarm rate when acting from k of M members on.

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        threshold: Threshold of the event, in the unit of `forecast`: a number, or a DataArray on any dimensions of
            `analysis`, such as a quantile of the climatology at each point; further dimensions become dimensions of
            the result.
        reduce: Names of the dimensions to collect events over, such as `("latitude", "longitude")`; at least one.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        weights: Weights of the points, 0 or more, on any dimensions of `analysis`, such as
            `area_weights(forecast["latitude"])`; None weighs each alike. A point of weight 0 does not count, whatever
            it holds.
        skip_missing: True leaves out points that lack a member or the analysis; False makes every result NaN that such
            a point goes into.
        strict: True: the event is a value above the threshold; False: at or above it.

    Returns:
        Along `members_needed` (k = 0 to M + 1): `hit_rate` and `false_alarm_rate`; and the `area` under the curve by
        trapezoids, 0.5 without skill and 1 for perfect forecasts. NaN where the event always or never happened.

    Raises:
        UnscorableError: `reduce` is empty, `forecast`, `analysis` and `threshold` do not fit together, or `reduce` or
            `weights` do not fit them.

    Source: Mason (1982), Australian Meteorological Magazine 30, 291-303; Kharin and Zwiers (2003),
    doi:10.1175/1520-0442(2003)016<4145:OTRSOP>2.0.CO;2
    """
    sums = event_sums(
        forecast,
        analysis,
        threshold,
        member_dim=member_dim,
        reduce=reduce,
        weights=weights,
        skip_missing=skip_missing,
        strict=strict,
    )
    return operating_characteristic(sums)


@aligned()
def relative_economic_value(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold,
    reduce: Dims = (),
    preserve: Dims | None = None,
    member_dim: Hashable | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    strict: bool = True,
    cost_loss_ratios: float | Sequence[float] | None = None,
) -> xr.Dataset:
    """Relative economic value of acting on the forecast: 0 is that of acting on the base rate, 1 of perfect knowledge.

    With the mean expenses E of a user who acts on each: (E_base - E_forecast) / (E_base - E_perfect).

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        threshold: Threshold of the event, in the unit of `forecast`: a number, or a DataArray on any dimensions of
            `analysis`, such as a quantile of the climatology at each point; further dimensions become dimensions of
            the result.
        reduce: Names of the dimensions to collect events over, such as `("latitude", "longitude")`; at least one.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        weights: Weights of the points, 0 or more, on any dimensions of `analysis`, such as
            `area_weights(forecast["latitude"])`; None weighs each alike. A point of weight 0 does not count, whatever
            it holds.
        skip_missing: True leaves out points that lack a member or the analysis; False makes every result NaN that such
            a point goes into.
        strict: True: the event is a value above the threshold; False: at or above it.
        cost_loss_ratios: Cost of protection over the loss that it avoids, strictly between 0 and 1, one for each user;
            0.05, 0.10 ... 0.95 when None.

    Returns:
        Along `cost_loss_ratio` and `members_needed`: `value_by_threshold`, that of acting from so many members on; and
        along `cost_loss_ratio`: `value`, the largest of these.

    Raises:
        UnscorableError: A cost-loss ratio is not between 0 and 1, `reduce` is empty, `forecast`, `analysis` and
            `threshold` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Richardson (2000), doi:10.1002/qj.49712656313
    """
    sums = event_sums(
        forecast,
        analysis,
        threshold,
        member_dim=member_dim,
        reduce=reduce,
        weights=weights,
        skip_missing=skip_missing,
        strict=strict,
    )
    return economic_value(sums, cost_loss_ratios=cost_loss_ratios)
