"""Curves and numbers that follow from the sums of events: reliability, relative operating characteristic, value.

The sums are those of `probability_sums`, perhaps added over chunks, periods or regions.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import scipy
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.checks import UnscorableError, numbers
from forecast.verification.set_aside import placed_all
from forecast.verification.variables import filled, ratio, renamed, where

COST_LOSS_RATIOS = tuple(percent / 100 for percent in range(5, 100, 5))


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
    reliability = (share * (sums["probability"].variable - rate) ** 2).sum("probability")
    resolution = (share * (rate - base) ** 2).sum("probability")
    uncertainty = base * (1 - base)
    parts = {
        "reliability": where(reliability, base.notnull()),
        "resolution": where(resolution, base.notnull()),
        "uncertainty": uncertainty,
        "brier_score": reliability - resolution + uncertainty,
    }
    return placed_all(parts, sums)


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
    curve = {name: sums[name].variable for name in ("issued", "happened", "points")}
    curve["value"] = curve["issued"] * sums["probability"].variable
    own: dict[str, Any] = {}
    if bins is not None:
        curve, own = _in_bins(curve, bins)
    issued = _positive(curve["issued"])
    probability = curve["value"] / issued
    diagram = {
        "forecast_probability": probability,
        "observed_frequency": curve["happened"] / issued,
        "share": curve["issued"] / sums["issued"].variable.sum("probability"),
        **consistency_bars(curve["points"], probability, level),
        **_corp(sums),
    }
    return placed_all(diagram, sums).assign_coords(own)


def _in_bins(sums: Mapping[str, xr.Variable], bins: int) -> tuple[dict[str, xr.Variable], dict[str, Any]]:
    """Sums of classes of equal width, and the coordinates of those that there are."""
    members = sums["issued"].sizes["probability"] - 1
    # Whole numbers, as in floating point 29 of 50 members fall below 0.58.
    classes = np.minimum(np.arange(members + 1) * bins // members, bins - 1)
    label, first = np.unique(classes, return_index=True)
    binned = {
        name: xr.apply_ufunc(
            partial(np.add.reduceat, indices=first, axis=-1),
            each,
            input_core_dims=[["probability"]],
            output_core_dims=[["bin"]],
            dask="parallelized",
            dask_gufunc_kwargs={"output_sizes": {"bin": label.size}},
            output_dtypes=[np.float64],
        )
        for name, each in sums.items()
    }
    return binned, {"bin": label, "lower": ("bin", label / bins), "upper": ("bin", (label + 1) / bins)}


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
    happened = sums["happened"].variable
    quiet = sums["issued"].variable - happened
    hits, alarms = (_from_needed(part) / _positive(part.sum("probability", skipna=False)) for part in (happened, quiet))
    area = area_under(hits, alarms, "members_needed")
    curve = placed_all({"hit_rate": hits, "false_alarm_rate": alarms, "area": area}, sums)
    return curve.assign_coords(members_needed=np.arange(hits.sizes["members_needed"]))


def area_under(hits: xr.Variable, alarms: xr.Variable, along: str) -> xr.Variable:
    """Area under a curve by trapezoids.

    Args:
        hits: Hit rates, from 1 down to 0.
        alarms: False alarm rates, likewise.
        along: Dimension of the points.
    """
    later = [each.isel({along: slice(1, None)}).pad({along: (0, 1)}, constant_values=0.0) for each in (hits, alarms)]
    trapezoids: xr.Variable = (alarms - later[1]) * (hits + later[0]) / 2
    return trapezoids.sum(along, skipna=False)


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
    alarms, hits = (curve[name].variable for name in ("false_alarm_rate", "hit_rate"))
    value = _value(ratio.variable, base, alarms, hits)
    return placed_all({"value_by_threshold": value, "value": value.max("members_needed", skipna=False)}, ratio, curve)


def _value(ratio: xr.Variable, base: xr.Variable, alarms: xr.Variable, hits: xr.Variable) -> xr.Variable:
    climate: xr.Variable = xr.apply_ufunc(np.minimum, ratio, base, dask="allowed")
    spent = alarms * ratio * (1 - base) - hits * base * (1 - ratio) + base
    return (climate - spent) / (climate - base * ratio)


def _ratios(given: float | Sequence[float]) -> xr.DataArray:
    ratios = numbers("cost_loss_ratios", given)
    if not np.all((ratios > 0) & (ratios < 1)):
        raise UnscorableError(f"cost_loss_ratios: expected numbers between 0 and 1, found {ratios.tolist()}")
    return xr.DataArray(ratios, dims="cost_loss_ratio", coords={"cost_loss_ratio": ratios})


def _rates(sums: xr.Dataset) -> tuple[xr.Variable, xr.Variable, xr.Variable]:
    """Share of each probability, frequency of the event where it was issued (0 where never), and base rate."""
    issued, happened = sums["issued"].variable, sums["happened"].variable
    total = _positive(issued.sum("probability", skipna=False))
    rate = filled(ratio(happened, issued))
    return issued / total, rate, happened.sum("probability", skipna=False) / total


def _positive(values: xr.Variable) -> xr.Variable:
    return where(values, values > 0)


def _from_needed(weight: xr.Variable) -> xr.Variable:
    """Weight of the classes in which at least k members show the event, for k of 0 to M + 1."""
    total = weight.sum("probability", skipna=False)
    below = weight.cumsum("probability").pad({"probability": (1, 0)}, constant_values=0.0)
    return renamed(total - below, "probability", "members_needed")


def consistency_bars(points: xr.Variable, probability: xr.Variable, level: float) -> dict[str, xr.Variable]:
    """Range of the observed frequency of a reliable forecast whose points are independent.

    Args:
        points: Number of points of each class.
        probability: Mean probability of each class.
        level: How often the frequency falls within, 0 to 1.

    Returns:
        `consistency_low` and `consistency_high`; NaN without points.
    """
    low, high = xr.apply_ufunc(
        _binomial_shares,
        points,
        probability,
        kwargs={"tails": ((1 - level) / 2, (1 + level) / 2)},
        output_core_dims=[[], []],
        dask="parallelized",
        output_dtypes=[np.float64, np.float64],
    )
    return {"consistency_low": low, "consistency_high": high}


def _binomial_shares(
    points: NDArray[np.float64], probability: NDArray[np.float64], *, tails: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Quantiles of the share of points at which an event happens, each by itself with the same probability."""
    levels = np.reshape(tails, (2, *(1,) * points.ndim))
    low, high = scipy.stats.binom.ppf(levels, points, probability) / np.where(points > 0, points, np.nan)
    return low, high


def _corp(sums: xr.Dataset) -> dict[str, xr.Variable]:
    frequency: xr.Variable = xr.apply_ufunc(
        _isotonic,
        *(sums[name].variable for name in ("happened", "issued")),
        input_core_dims=[["probability"], ["probability"]],
        output_core_dims=[["probability"]],
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[np.float64],
    )
    share, rate, base = _rates(sums)
    spread, probability = rate * (1 - rate), sums["probability"].variable
    score, calibrated = (
        (share * ((forecast - rate) ** 2 + spread)).sum("probability") for forecast in (probability, frequency)
    )
    uncertainty = base * (1 - base)
    return {
        "corp_frequency": frequency,
        "miscalibration": where(score - calibrated, base.notnull()),
        "discrimination": uncertainty - calibrated,
        "uncertainty": uncertainty,
    }


def _isotonic(happened: NDArray[np.float64], issued: NDArray[np.float64]) -> NDArray[np.float64]:
    """Isotonic frequencies along the last axis, NaN where nothing was issued."""
    result = np.full(issued.shape, np.nan)
    for place in np.ndindex(issued.shape[:-1]):
        seen = issued[place] > 0
        if seen.any():
            rates, weights = happened[place][seen] / issued[place][seen], issued[place][seen]
            result[place][seen] = scipy.optimize.isotonic_regression(rates, weights=weights).x
    return result
