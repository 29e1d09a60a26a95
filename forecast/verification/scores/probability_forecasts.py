"""Scores of forecasts that are probabilities already: of an event, or of exceeding each of several thresholds."""

from collections.abc import Hashable
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.system.operators import Operator
from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, check_reduce, on_grid, without_unit
from forecast.verification.events import blockwise, events, probabilities
from forecast.verification.rows import over_rows
from forecast.verification.scores.probability_curves import area_under, consistency_bars
from forecast.verification.set_aside import combined, placed_all
from forecast.verification.thresholds import Threshold, limits
from forecast.verification.variables import expanded, ratio, renamed, where
from forecast.verification.weighting import for_each_weight, weighted_mean, where_weighed

try:
    from forecast.verification.ensemble_pass.points import squared_differences
except ImportError:  # no numba for this platform: the same results, slower
    from forecast.verification.ensemble_pass.points_numpy import squared_differences
try:
    from forecast.verification.ensemble_pass.row_sums import SUMS, class_sums
except ImportError:  # no numba for this platform: the same results, slower
    from forecast.verification.ensemble_pass.row_sums_numpy import SUMS, class_sums


@aligned(members="none")
def brier_score_of_probability(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold | None = None,
    operator: Operator = ">",
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Brier score of a forecast probability: mean of (p - o)^2, with o = 1 if the event happened, else 0.

    Args:
        forecast: Probabilities p of the event, 0 to 1, on any dimensions; NumPy or Dask inside.
        analysis: Verifying analysis: the dimensions of `forecast`, in any order, same coordinates.
        threshold: Threshold of the event, in the unit of `analysis`: a number, or a DataArray on any dimensions of
            `analysis`. None takes the analysis as events: booleans, or 0 and 1.
        operator: How an analysis compares with the threshold when the event happens: ">", ">=", "<" or "<=".
        reduce: Names of the dimensions to average over; empty gives one score a point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score; None weighs each point alike. A
            point of weight 0 does not count, whatever it holds.
        skip_missing: True leaves out points that lack forecast or analysis; False makes every score NaN that such a
            point goes into.

    Returns:
        Score from 0 to 1, on the dimensions that are left. Smaller is better.

    Raises:
        UnscorableError: A probability is not from 0 to 1, `forecast`, `analysis` and `threshold` do not fit together,
            or `reduce` or `weights` do not fit them.

    Source: Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
    """
    forecast, analysis = where_weighed(weights if reduce else None, forecast, analysis)
    probability, happened = _both(forecast, analysis, threshold, operator)
    values = blockwise(squared_differences, probability, happened)
    score = weighted_mean(values, reduce, weights, skip_missing=skip_missing)
    return without_unit(score, "brier_score_of_probability")


@aligned(members="none")
def reliability_of_probability(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold | None = None,
    operator: Operator = ">",
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    bins: int = 10,
    level: float = 0.9,
) -> xr.Dataset:
    """Reliability diagram of forecast probabilities, with consistency bars.

    Args:
        forecast: Probabilities of the event, 0 to 1, on any dimensions; NumPy or Dask inside.
        analysis: Verifying analysis: the dimensions of `forecast`, in any order, same coordinates.
        threshold: Threshold of the event, in the unit of `analysis`: a number, or a DataArray on any dimensions of
            `analysis`. None takes the analysis as events: booleans, or 0 and 1.
        operator: How an analysis compares with the threshold when the event happens: ">", ">=", "<" or "<=".
        reduce: Names of the dimensions to collect events over; at least one.
        preserve: Names of the dimensions to keep instead, events being collected over all others; None goes by
            `reduce`.
        weights: Weights of the points, 0 or more, on any dimensions of `analysis`; None weighs each alike. A point of
            weight 0 does not count, whatever it holds.
        skip_missing: True leaves out points that lack forecast or analysis; False makes every result NaN that such a
            point goes into.
        bins: Number of classes of equal width; a probability on an edge belongs to the class above, 1 to the last.
        level: Level of the consistency bars, 0 to 1: how often a reliable forecast would fall within them if points
            were independent.

    Returns:
        Along `bin`, which has the middles of the classes: mean `forecast_probability`, `observed_frequency`, `share` of
        the weight, `consistency_low` and `consistency_high`; and the edges `bin_low` and `bin_high`.

    Raises:
        UnscorableError: A probability is not from 0 to 1, `bins` or `reduce` is empty, `forecast`, `analysis` and
            `threshold` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Bröcker and Smith (2007), doi:10.1175/WAF993.1
    """
    if bins < 1:
        raise UnscorableError(f"bins: expected a whole number of 1 or more, found {bins}")
    edges = np.arange(bins + 1) / bins
    forecast, analysis = where_weighed(weights, forecast, analysis)
    sums = _class_sums(*_both(forecast, analysis, threshold, operator), edges[1:-1], reduce, weights, skip_missing)
    issued = where(sums["issued"].variable, sums["issued"].variable > 0)
    probability = sums["probability"].variable / issued
    diagram = {
        "forecast_probability": probability,
        "observed_frequency": sums["happened"].variable / issued,
        "share": sums["issued"].variable / sums["issued"].variable.sum("class", skipna=False),
        **consistency_bars(sums["points"].variable, probability, level),
    }
    binned = placed_all(diagram, sums).rename({"class": "bin"})
    middles = (edges[:-1] + edges[1:]) / 2
    return binned.assign_coords(bin=middles, bin_low=("bin", edges[:-1]), bin_high=("bin", edges[1:]))


@aligned(members="none")
def roc_of_probability(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold | None = None,
    operator: Operator = ">",
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    levels: int = 100,
) -> xr.Dataset:
    """Relative operating characteristic of forecast probabilities: acting from each of several probabilities on.

    Args:
        forecast: Probabilities of the event, 0 to 1, on any dimensions; NumPy or Dask inside.
        analysis: Verifying analysis: the dimensions of `forecast`, in any order, same coordinates.
        threshold: Threshold of the event, in the unit of `analysis`: a number, or a DataArray on any dimensions of
            `analysis`. None takes the analysis as events: booleans, or 0 and 1.
        operator: How an analysis compares with the threshold when the event happens: ">", ">=", "<" or "<=".
        reduce: Names of the dimensions to collect events over; at least one.
        preserve: Names of the dimensions to keep instead, events being collected over all others; None goes by
            `reduce`.
        weights: Weights of the points, 0 or more, on any dimensions of `analysis`; None weighs each alike. A point of
            weight 0 does not count, whatever it holds.
        skip_missing: True leaves out points that lack forecast or analysis; False makes every result NaN that such a
            point goes into.
        levels: Number of steps from 0 to 1 to act from; 100 acts from 0, 0.01, ... 1 on. Take the number of members
            where probabilities are shares of them.

    Returns:
        Along `probability_needed`, from 0 to 1 and one beyond, which is never reached: `hit_rate` and
        `false_alarm_rate`; and the `area` under the curve by trapezoids, 0.5 without skill and 1 for perfect forecasts.
        NaN where the event always or never happened.

    Raises:
        UnscorableError: A probability is not from 0 to 1, `levels` or `reduce` is empty, `forecast`, `analysis` and
            `threshold` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Mason (1982), Australian Meteorological Magazine 30, 291-303
    """
    if levels < 1:
        raise UnscorableError(f"levels: expected a whole number of 1 or more, found {levels}")
    needed = np.arange(levels + 1) / levels
    forecast, analysis = where_weighed(weights, forecast, analysis)
    sums = _class_sums(*_both(forecast, analysis, threshold, operator), needed[1:], reduce, weights, skip_missing)
    happened = sums["happened"].variable
    hits, alarms = (_reached(part) for part in (happened, sums["issued"].variable - happened))
    area = area_under(hits, alarms, "probability_needed")
    curve = placed_all({"hit_rate": hits, "false_alarm_rate": alarms, "area": area}, sums)
    return curve.assign_coords(probability_needed=[*needed, np.inf])


def _reached(weight: xr.Variable) -> xr.Variable:
    """Share of the weight in the classes from each on, and 0 beyond the last."""
    backwards = {"class": slice(None, None, -1)}
    reached = weight.isel(backwards).cumsum("class").isel(backwards).pad({"class": (0, 1)}, constant_values=0.0)
    total = weight.sum("class", skipna=False)
    return renamed(ratio(reached, total), "class", "probability_needed")


@aligned(along="threshold_dim")
def rps_of_probability(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold_dim: Hashable = "threshold",
    operator: Operator = ">",
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Ranked probability score of probabilities of exceeding each of several thresholds: sum of their Brier scores.

    Args:
        forecast: Probabilities, 0 to 1, along `threshold_dim`, whose coordinate is the thresholds in the unit of
            `analysis`; NumPy or Dask inside. Of categories: the probability of lying above each edge between two.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates.
        threshold_dim: Name of the dimension of the thresholds.
        operator: How a value compares with a threshold where the probability is that of it: ">", ">=", "<" or "<=".
        reduce: Names of the dimensions to average over; empty gives one score a point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score; None weighs each point alike. A
            point of weight 0 does not count, whatever it holds.
        skip_missing: True leaves out points that lack a probability or the analysis; False makes every score NaN that
            such a point goes into.

    Returns:
        Score from 0 to the number of thresholds, on the dimensions that are left. Smaller is better.

    Raises:
        UnscorableError: A probability is not from 0 to 1, thresholds are missing, `forecast` and `analysis` do not fit
            together, or `reduce` or `weights` do not fit them.

    Source: Epstein (1969), doi:10.1175/1520-0450(1969)008<0985:ASSFPF>2.0.CO;2
    """
    if threshold_dim not in forecast.indexes:
        raise UnscorableError(f"forecast: expected thresholds as the coordinate of '{threshold_dim}', found none")
    forecast, analysis = where_weighed(weights if reduce else None, forecast, analysis)
    precision = analysis.dtype if analysis.dtype.kind == "f" else np.dtype(np.float64)
    limit = limits("threshold", forecast[threshold_dim].reset_coords(drop=True), precision)
    happened = events("analysis", analysis, limit, operator)

    def squares(probability: xr.Variable, happened: xr.Variable) -> xr.Variable:
        return ((probability - happened) ** 2).sum([threshold_dim], skipna=False).transpose(*analysis.dims)

    values = combined(squares, probabilities("forecast", forecast), happened)
    score = weighted_mean(values, reduce, weights, skip_missing=skip_missing)
    return without_unit(score, "rps_of_probability")


def _both(
    forecast: xr.DataArray, analysis: xr.DataArray, threshold: Threshold | None, operator: Operator
) -> tuple[xr.DataArray, xr.DataArray]:
    """Probabilities, and whether the event happened, each missing where it is."""
    precision = analysis.dtype if analysis.dtype.kind == "f" else np.dtype(np.float64)
    limit = None if threshold is None else limits("threshold", threshold, precision)
    happened = events("analysis", analysis, limit, operator)
    return probabilities("forecast", forecast), happened


def _class_sums(
    probability: xr.DataArray,
    happened: xr.DataArray,
    edges: NDArray[np.float64],
    reduce: Dims,
    weights: xr.DataArray | None,
    skip_missing: bool,
) -> xr.Dataset:
    """Sums of weight, of weight with the event, of weight x probability, and of points, by class of probability."""
    points = combined(lambda chance, seen: expanded(chance, {**chance.sizes, **seen.sizes}), probability, happened)
    check_reduce(reduce, points, needed=True)
    count = partial(class_sums, edges=np.asarray(edges, dtype=np.float64), skip_missing=skip_missing)

    def sums(weights: xr.DataArray | None) -> xr.Dataset:
        weight = xr.Variable((), 1.0) if weights is None else on_grid("weights", weights, points).variable
        fields = (points.variable, happened.variable, weight)
        found = over_rows(count, fields, reduce, {"class": len(edges) + 1, "sum": len(SUMS)}).sum(reduce, skipna=False)
        return placed_all({name: found.isel(sum=index) for index, name in enumerate(SUMS)}, points)

    return for_each_weight(weights, points, sums)
