"""Scores of yes-or-no forecasts: the contingency table, and what is computed from it.

The table holds sums, which add over periods, regions and chunks; the scores are functions of a table.
"""

import numpy as np
import xarray as xr

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, check_reduce
from forecast.verification.events import Operator, events
from forecast.verification.thresholds import Threshold, comparison_precision, limits
from forecast.verification.weighting import weighted_sums


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
    predicted, seen = events("forecast", forecast, limit, operator), events("analysis", analysis, limit, operator)
    check_reduce(reduce, predicted)
    cells = {
        "hits": predicted * seen,
        "misses": (1 - predicted) * seen,
        "false_alarms": predicted * (1 - seen),
        "correct_negatives": (1 - predicted) * (1 - seen),
    }
    table = {
        name: weighted_sums(cell, reduce, weights, skip_missing=skip_missing)[0].drop_attrs()
        for name, cell in cells.items()
    }
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
    return _ratio(table["hits"], table["hits"] + table["misses"]).rename("pod")


def far(table: xr.Dataset) -> xr.DataArray:
    """False alarm ratio: false alarms / (hits + false alarms), the share of warnings that were wrong.

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        0 to 1, smaller is better; NaN where the event was never forecast.
    """
    return _ratio(table["false_alarms"], table["hits"] + table["false_alarms"]).rename("far")


def pofd(table: xr.Dataset) -> xr.DataArray:
    """Probability of false detection, or false alarm rate: false alarms / (false alarms + correct negatives).

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        0 to 1, smaller is better; NaN where the event was always seen.
    """
    return _ratio(table["false_alarms"], table["false_alarms"] + table["correct_negatives"]).rename("pofd")


def csi(table: xr.Dataset) -> xr.DataArray:
    """Critical success index, or threat score: hits / (hits + misses + false alarms).

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        0 to 1, larger is better; NaN where the event was neither seen nor forecast.

    Source: Gilbert (1884); Schaefer (1990), doi:10.1175/1520-0434(1990)005<0570:TCSIAA>2.0.CO;2
    """
    return _ratio(table["hits"], table["hits"] + table["misses"] + table["false_alarms"]).rename("csi")


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
    seen, predicted = table["hits"] + table["misses"], table["hits"] + table["false_alarms"]
    chance = _ratio(seen * predicted, _total(table))
    return _ratio(table["hits"] - chance, seen + table["false_alarms"] - chance).rename("ets")


def hss(table: xr.Dataset) -> xr.DataArray:
    """Heidke skill score: the share of right forecasts, relative to that of chance.

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        -1 to 1, larger is better, 0 without skill.

    Source: Heidke (1926), doi:10.1080/20014422.1926.11881138
    """
    hits, misses = table["hits"], table["misses"]
    alarms, negatives = table["false_alarms"], table["correct_negatives"]
    chance = (hits + misses) * (misses + negatives) + (hits + alarms) * (alarms + negatives)
    return _ratio(2 * (hits * negatives - misses * alarms), chance).rename("hss")


def pss(table: xr.Dataset) -> xr.DataArray:
    """Peirce skill score, or true skill statistic: probability of detection less probability of false detection.

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        -1 to 1, larger is better, 0 without skill.

    Source: Peirce (1884), doi:10.1126/science.ns-4.93.453-a
    """
    return (pod(table) - pofd(table)).rename("pss")


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
    rates = [rate.where((rate > 0) & (rate < 1)) for rate in (pod(table), pofd(table))]
    (hit, quiet), (alarm, silent) = ([_log(rate), _log(1 - rate)] for rate in rates)
    return _ratio(alarm - hit - silent + quiet, alarm + hit + silent + quiet).rename("sedi")


def frequency_bias(table: xr.Dataset) -> xr.DataArray:
    """Frequency bias: how often the event was forecast over how often it was seen.

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        0 or more, best 1; NaN where the event was never seen.
    """
    seen = table["hits"] + table["misses"]
    return _ratio(table["hits"] + table["false_alarms"], seen).rename("frequency_bias")


def accuracy(table: xr.Dataset) -> xr.DataArray:
    """Share of right forecasts: (hits + correct negatives) / all.

    Args:
        table: Table from `contingency_table`, perhaps added over periods or regions.

    Returns:
        0 to 1, larger is better.
    """
    return _ratio(table["hits"] + table["correct_negatives"], _total(table)).rename("accuracy")


def _total(table: xr.Dataset) -> xr.DataArray:
    return table["hits"] + table["misses"] + table["false_alarms"] + table["correct_negatives"]


def _ratio(above: xr.DataArray, below: xr.DataArray) -> xr.DataArray:
    return above / below.where(below != 0)


def _log(values: xr.DataArray) -> xr.DataArray:
    logarithm: xr.DataArray = xr.apply_ufunc(np.log, values, dask="allowed")
    return logarithm
