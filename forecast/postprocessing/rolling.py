"""Calibration of ensembles at stations, fitted for each place and lead time to what was known at the start.

A case may be fitted to once its valid time is not after the first start that is calibrated with it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from data_catalog.errors import InvalidDataError, MissingDataError
from forecast.postprocessing.distributions import DISTRIBUTIONS, Array
from forecast.postprocessing.emos import LEAST_CASES, Regression, Sample, fit_regression
from forecast.postprocessing.members import quantile_members, scaled_members
from forecast.postprocessing.predictors import HALF_LIFE_DAYS, predictors_of

MEMBERS = {"emos": quantile_members, "mbm": scaled_members}
"""How members are made, by method."""
_GOLDEN = (np.sqrt(5) - 1) / 2
"""Multiples of it, less their whole part, are spread evenly over 0 to 1."""
Regressions = Mapping[tuple[str, float], Regression]
"""By station and lead hours."""


@dataclass(frozen=True)
class Settings:
    """How a calibration is fitted.

    Attributes:
        distribution: Name of the family.
        method: `"emos"`: quantiles of the distribution in the order of the members; `"mbm"`: members moved and scaled.
        every_days: How often it is fitted again, days; None fits once, before the first start.
        window_days: How far back starts are fitted to, days; None takes all.
        lead_hours: Leads up to so many hours apart are fitted together.
        half_life_days: Age at which a past error weighs half in the predictor of recent errors; None leaves it out.
        latest: Whether the errors of the last hours before the start are a predictor.
        seasonal: Whether the mean has a yearly cycle.
        match_spread: Whether standard deviations are scaled to the errors of the training.
        correct_freedom: Whether that is corrected for the number of coefficients.
    """

    distribution: str
    method: str = "emos"
    every_days: float | None = 14.0
    window_days: float | None = None
    lead_hours: float = 4.0
    half_life_days: float | None = HALF_LIFE_DAYS
    latest: bool = True
    seasonal: bool = False
    match_spread: bool = True
    correct_freedom: bool = False


@dataclass
class Calibrated:
    """Calibrated forecasts.

    Attributes:
        forecast: Members, dims and coordinates of the raw ones, NaN where nothing could be calibrated.
        crps: CRPS of the distributions (station, init_time, lead_time), NaN where nothing was observed.
        pit: Their probability integral transform, likewise; censored observations of 0 are spread
            evenly from 0 to their probability.
        regressions: Those of the last fit.
        period: First start and last valid time that the last fit used.
        predictors: Names of the predictors of the mean.
    """

    forecast: xr.DataArray
    crps: Array
    pit: Array
    regressions: dict[tuple[str, float], Regression] = field(default_factory=dict)
    period: tuple[np.datetime64, np.datetime64] | None = None
    predictors: tuple[str, ...] = ()


def choose_distribution(table: xr.Dataset) -> str:
    """Return the family that suits observations: normal where some are below 0, censored gamma where 5 % are 0.

    Args:
        table: With `forecast` and `observation`.
    """
    observed = table["observation"].values[np.isfinite(table["observation"].values)]
    if (observed < 0).any() or float(table["forecast"].min()) < 0:
        return "normal"
    return "censored-gamma" if (observed == 0).mean() > 0.05 else "truncated-normal"


def calibrate(table: xr.Dataset, first: np.datetime64, settings: Settings) -> Calibrated:
    """Calibrate the forecasts from a start on, each fitted to nothing that was not yet observed at its start.

    Args:
        table: `forecast` (station, init_time, lead_time, member) and `observation`, starts in order.
        first: First start to calibrate.
        settings: How it is fitted.

    Returns:
        The calibrated forecasts, from `first` on.

    Raises:
        MissingDataError: Too little is known before `first` at every place.
    """
    predictors, names = predictors_of(
        table,
        settings.distribution,
        half_life_days=settings.half_life_days,
        latest=settings.latest,
        seasonal=settings.seasonal,
    )
    starts = table["init_time"].values
    done = _empty(table, names)
    for block in _blocks(starts, first, settings.every_days):
        fitted, period = _fit(table, predictors, starts[block[0]], settings)
        done.regressions.update(fitted)
        done.period = period or done.period
        apply(table, predictors, block, done, settings)
    if not done.regressions:
        raise MissingDataError(
            f"calibration: expected at least {LEAST_CASES} past cases of a place and lead time before "
            f"{np.datetime_as_string(first, unit='D')}, found fewer; use --train or a later --start"
        )
    kept = starts >= first
    done.forecast = done.forecast.isel(init_time=np.flatnonzero(kept))
    done.crps, done.pit = done.crps[:, kept], done.pit[:, kept]
    return done


def check_no_overlap(training: xr.Dataset, scored: xr.Dataset) -> None:
    """Refuse a training whose observations were not all known at the first start that is calibrated.

    Args:
        training: Table that is fitted to.
        scored: Table that is calibrated.

    Raises:
        InvalidDataError: A valid time of the training is after the first start.
    """
    last = (training["init_time"].max() + training["lead_time"].max()).values
    first = scored["init_time"].min().values
    if last > first:
        raise InvalidDataError(
            f"training: expected valid times up to {np.datetime_as_string(first, unit='h')}, the first start that is "
            f"calibrated, found {np.datetime_as_string(last, unit='h')}: nothing is fitted to what it is scored on"
        )


def apply(table: xr.Dataset, predictors: Array, block: np.ndarray, done: Calibrated, settings: Settings) -> None:
    """Calibrate some starts with the regressions that there are.

    Args:
        table: As `calibrate` takes it.
        predictors: (station, init_time, lead_time, predictor).
        block: Indices of the starts.
        done: Where the regressions are, and where the result is put.
        settings: How members are made.
    """
    raw = table["forecast"].values
    for station, lead, key in _groups(table):
        if key not in done.regressions:
            continue
        regression, family = done.regressions[key], DISTRIBUTIONS[done.regressions[key].distribution]
        known = np.isfinite(predictors[station, block, lead]).all(-1) & np.isfinite(raw[station, block, lead]).all(-1)
        at = block[known]
        if not at.size:
            continue
        given, members = predictors[station, at, lead], raw[station, at, lead]
        done.forecast.values[station, at, lead] = MEMBERS[settings.method](members, regression, given)
        if "observation" in table:
            observed = table["observation"].values[station, at, lead]
            parameters = regression.parameters(given, members.var(-1, ddof=1))
            done.crps[station, at, lead] = family.crps(*parameters, observed)
            chance = family.cdf(*parameters, observed)
            is_dry = (observed == 0) & (regression.distribution == "censored-gamma")
            done.pit[station, at, lead] = np.where(is_dry, chance * (at * _GOLDEN % 1), chance)


def _empty(table: xr.Dataset, names: tuple[str, ...]) -> Calibrated:
    shape = table["forecast"].shape
    forecast = table["forecast"].copy(data=np.full(shape, np.nan))
    return Calibrated(forecast, np.full(shape[:3], np.nan), np.full(shape[:3], np.nan), predictors=names)


def _groups(table: xr.Dataset) -> Iterator[tuple[int, int, tuple[str, float]]]:
    hours = (table["lead_time"].values / np.timedelta64(1, "h")).tolist()
    for station, name in enumerate(table["station"].values.astype(str).tolist()):
        for lead, hour in enumerate(hours):
            yield station, lead, (name, float(hour))


def _blocks(starts: np.ndarray, first: np.datetime64, every_days: float | None) -> Iterator[np.ndarray]:
    remaining = np.flatnonzero(starts >= first)
    while remaining.size:
        length = np.timedelta64(round((every_days or 3e4) * 86400), "s")
        within = starts[remaining] < starts[remaining[0]] + length
        yield remaining[within]
        remaining = remaining[~within]


def _fit(
    table: xr.Dataset, predictors: Array, start: np.datetime64, settings: Settings
) -> tuple[dict[tuple[str, float], Regression], tuple[np.datetime64, np.datetime64] | None]:
    """Regressions of all places and lead times that enough is known of at a start."""
    raw, observed = table["forecast"].values, table["observation"].values
    starts, leads = table["init_time"].values, table["lead_time"].values
    valid = starts[:, None] + leads[None, :]
    usable = valid <= start
    if settings.window_days is not None:
        usable &= (starts >= start - np.timedelta64(round(settings.window_days * 24), "h"))[:, None]
    complete = np.isfinite(predictors).all(-1) & np.isfinite(raw).all(-1) & np.isfinite(observed) & usable
    apart = np.abs(leads[:, None] - leads[None, :]) / np.timedelta64(1, "h")
    fitted, used = {}, np.zeros(usable.shape, bool)
    for station, lead, key in _groups(table):
        chosen = complete[station] & (apart[lead] <= settings.lead_hours)[None, :]
        number = int(chosen.any(1).sum())
        if number < LEAST_CASES:
            continue
        sample = Sample(
            predictors[station][chosen], raw[station][chosen].var(-1, ddof=1), observed[station][chosen], number
        )
        fitted[key] = fit_regression(
            sample, settings.distribution, match_spread=settings.match_spread, correct_freedom=settings.correct_freedom
        )
        used |= chosen
    if not fitted:
        return {}, None
    return fitted, (starts[used.any(1)].min(), valid[used].max())
