"""Scores of yes-or-no forecasts: the contingency table, and what is computed from it.

The table holds sums, which add over periods, regions and chunks; the scores are functions of a table.
"""

import operator as operations
from collections.abc import Callable

import numpy as np
import xarray as xr

from forecast.system.operators import Operator
from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, check_reduce, without_unit
from forecast.verification.events import events
from forecast.verification.set_aside import combined
from forecast.verification.thresholds import Threshold, comparison_precision, limits
from forecast.verification.variables import where
from forecast.verification.weighting import weighted_sums, where_weighed

CELLS: dict[str, Callable[[xr.Variable, xr.Variable], xr.Variable]] = {
    "hits": lambda predicted, seen: predicted * seen,
    "misses": lambda predicted, seen: (1 - predicted) * seen,
    "false_alarms": lambda predicted, seen: predicted * (1 - seen),
    "correct_negatives": lambda predicted, seen: (1 - predicted) * (1 - seen),
}
"""What each cell of a contingency table counts, from whether the event was forecast and seen (1 or 0)."""


@aligned(members="none")
def contingency_table(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold | None = None,
    operator: Operator = ">",
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.Dataset:
    """Contingency table of an event: hits, misses, false alarms and correct negatives.

    Args:
        forecast: Forecast without members, on any dimensions; NumPy or Dask inside.
        analysis: Verifying analysis: the dimensions of `forecast`, in any order, same coordinates and unit.
        threshold: Threshold of the event, in the unit of `forecast`: a number; several numbers, which give a table
            along `threshold`; or a DataArray on any dimensions of `analysis`, such as a quantile of the climatology,
            whose further dimensions become dimensions of the table. None takes both fields as events: booleans, or 0
            and 1.
        operator: How a value compares with the threshold when the event happens: ">", ">=", "<" or "<=".
        reduce: Names of the dimensions to sum over; empty gives a table for each point.
        preserve: Names of the dimensions to keep instead, all others being summed over; None goes by `reduce`.
        weights: Weights of the points, 0 or more, on any dimensions of `analysis`, such as
            `area_weights(forecast["latitude"])`; None counts points. A point of weight 0 does not count, whatever it
            holds.
        skip_missing: True leaves out points that lack forecast or analysis; False makes every sum NaN that such a
            point goes into.

    Returns:
        On the dimensions that are left, sums of the weights: `hits` (forecast and seen), `misses` (seen, not forecast),
        `false_alarms` (forecast, not seen) and `correct_negatives` (neither).

    Raises:
        UnscorableError: `forecast`, `analysis` and `threshold` do not fit together, or `reduce` or `weights` do not fit
            them.

    Source: Jolliffe and Stephenson (2012), Forecast Verification, chapter 3, doi:10.1002/9781119960003
    """
    precision = comparison_precision(forecast, analysis)
    limit = None if threshold is None else limits("threshold", threshold, precision)
    forecast, analysis = where_weighed(weights, forecast, analysis)
    predicted, seen = events("forecast", forecast, limit, operator), events("analysis", analysis, limit, operator)
    check_reduce(reduce, predicted)
    table = {}
    for name, cell in CELLS.items():
        counted = combined(cell, predicted, seen)
        table[name] = without_unit(weighted_sums(counted, reduce, weights, skip_missing=skip_missing)[0])
    return xr.Dataset(table)


def contingency_scores(table: xr.Dataset) -> xr.Dataset:
    """All scores of a contingency table at once.

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        `pod`, `far`, `pofd`, `csi`, `ets`, `hss`, `pss`, `sedi`, `frequency_bias` and `accuracy`, each described by the
        function of its name.
    """
    scores = (pod, far, pofd, csi, ets, hss, pss, sedi, frequency_bias, accuracy)
    return xr.Dataset({score.__name__: score(table) for score in scores})


def pod(table: xr.Dataset) -> xr.DataArray:
    """Probability of detection, or hit rate: hits / (hits + misses).

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        0 to 1, larger is better; NaN where the event was never seen.
    """
    return _of(table, "pod", lambda hits, misses, alarms, negatives: _ratio(hits, hits + misses))


def far(table: xr.Dataset) -> xr.DataArray:
    """False alarm ratio: false alarms / (hits + false alarms), the share of warnings that were wrong.

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        0 to 1, smaller is better; NaN where the event was never forecast.
    """
    return _of(table, "far", lambda hits, misses, alarms, negatives: _ratio(alarms, hits + alarms))


def pofd(table: xr.Dataset) -> xr.DataArray:
    """Probability of false detection, or false alarm rate: false alarms / (false alarms + correct negatives).

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        0 to 1, smaller is better; NaN where the event was always seen.
    """
    return _of(table, "pofd", lambda hits, misses, alarms, negatives: _ratio(alarms, alarms + negatives))


def csi(table: xr.Dataset) -> xr.DataArray:
    """Critical success index, or threat score: hits / (hits + misses + false alarms).

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        0 to 1, larger is better; NaN where the event was neither seen nor forecast.

    Source: Gilbert (1884); Schaefer (1990), doi:10.1175/1520-0434(1990)005<0570:TCSIAA>2.0.CO;2
    """
    return _of(table, "csi", lambda hits, misses, alarms, negatives: _ratio(hits, hits + misses + alarms))


def ets(table: xr.Dataset) -> xr.DataArray:
    """Equitable threat score, or Gilbert skill score: the threat score less the hits that chance would give.

    With the number n of all and hits by chance c = (hits + misses) (hits + false alarms) / n:
    (hits - c) / (hits + misses + false alarms - c).

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        -1/3 to 1, larger is better, 0 without skill.

    Source: Gilbert (1884); Schaefer (1990), doi:10.1175/1520-0434(1990)005<0570:TCSIAA>2.0.CO;2
    """

    def score(hits: xr.Variable, misses: xr.Variable, alarms: xr.Variable, negatives: xr.Variable) -> xr.Variable:
        seen, predicted = hits + misses, hits + alarms
        chance = _ratio(seen * predicted, hits + misses + alarms + negatives)
        return _ratio(hits - chance, seen + alarms - chance)

    return _of(table, "ets", score)


def hss(table: xr.Dataset) -> xr.DataArray:
    """Heidke skill score: the share of right forecasts, relative to that of chance.

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        -1 to 1, larger is better, 0 without skill.

    Source: Heidke (1926), doi:10.1080/20014422.1926.11881138
    """

    def score(hits: xr.Variable, misses: xr.Variable, alarms: xr.Variable, negatives: xr.Variable) -> xr.Variable:
        chance = (hits + misses) * (misses + negatives) + (hits + alarms) * (alarms + negatives)
        return _ratio(2 * (hits * negatives - misses * alarms), chance)

    return _of(table, "hss", score)


def pss(table: xr.Dataset) -> xr.DataArray:
    """Peirce skill score, or true skill statistic: probability of detection less probability of false detection.

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        -1 to 1, larger is better, 0 without skill.

    Source: Peirce (1884), doi:10.1126/science.ns-4.93.453-a
    """
    return combined(operations.sub, pod(table), pofd(table)).rename("pss")


def sedi(table: xr.Dataset) -> xr.DataArray:
    """Symmetric extremal dependence index, which does not fade as events become rare.

    With the probabilities of detection H and of false detection F:
    (ln F - ln H - ln(1 - F) + ln(1 - H)) / (ln F + ln H + ln(1 - F) + ln(1 - H)).

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        -1 to 1, larger is better, 0 without skill; NaN where H or F is 0 or 1.

    Source: Ferro and Stephenson (2011), doi:10.1175/WAF-D-10-05030.1
    """

    def score(*rates: xr.Variable) -> xr.Variable:
        inner = [where(rate, (rate > 0) & (rate < 1)) for rate in rates]
        (hit, quiet), (alarm, silent) = ([_log(rate), _log(1 - rate)] for rate in inner)
        return _ratio(alarm - hit - silent + quiet, alarm + hit + silent + quiet)

    return combined(score, pod(table), pofd(table)).rename("sedi")


def frequency_bias(table: xr.Dataset) -> xr.DataArray:
    """Frequency bias: how often the event was forecast over how often it was seen.

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        0 or more, best 1; NaN where the event was never seen.
    """
    return _of(table, "frequency_bias", lambda hits, misses, alarms, negatives: _ratio(hits + alarms, hits + misses))


def accuracy(table: xr.Dataset) -> xr.DataArray:
    """Share of right forecasts: (hits + correct negatives) / all.

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        0 to 1, larger is better.
    """

    def score(hits: xr.Variable, misses: xr.Variable, alarms: xr.Variable, negatives: xr.Variable) -> xr.Variable:
        return _ratio(hits + negatives, hits + misses + alarms + negatives)

    return _of(table, "accuracy", score)


def _of(table: xr.Dataset, name: str, score: Callable[..., xr.Variable]) -> xr.DataArray:
    """Score of the cells of a table: hits, misses, false alarms, correct negatives."""
    return combined(score, *(table[cell] for cell in CELLS)).rename(name)


def _ratio(above: xr.Variable, below: xr.Variable) -> xr.Variable:
    return above / where(below, below != 0)


def _log(values: xr.Variable) -> xr.Variable:
    logarithm: xr.Variable = xr.apply_ufunc(np.log, values, dask="allowed")
    return logarithm
