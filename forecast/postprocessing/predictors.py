"""Predictors of a calibration at stations: all known at the start of the forecast.

An error counts as known once its valid time is not after the start: nothing else of the observations is used.
"""

import numpy as np
import xarray as xr

from forecast.postprocessing.distributions import Array

HALF_LIFE_DAYS = 3.0
"""Age at which a past error of the same lead time weighs half."""
_RECENT_HOURS = 4
"""How long before the start the latest errors reach."""
_PRIOR_WEIGHT = 1.0
_BLOCK = 512


def recent_errors(table: xr.Dataset, *, half_life_days: float = HALF_LIFE_DAYS) -> Array:
    """Weighted mean of past errors of the same station and lead time, observation less ensemble mean.

    Args:
        table: `forecast` (station, init_time, lead_time, member) and `observation`, starts in order.
        half_life_days: Age of a start at which its error weighs half.

    Returns:
        (station, init_time, lead_time), in the unit of the forecast; brought towards 0 as if by one error of 0, which
        it is where none is known.
    """
    errors, starts, leads = _errors(table)
    found = np.zeros(errors.shape)
    for at, lead in enumerate(leads):
        known = np.isfinite(errors[:, :, at])
        filled = np.where(known, errors[:, :, at], 0.0)
        for first in range(0, starts.size, _BLOCK):
            block = slice(first, first + _BLOCK)
            age = (starts[block, None] - starts[None, :]) / np.timedelta64(1, "D")
            is_known = starts[None, :] + lead <= starts[block, None]
            weight = np.where(is_known & (age > 0), 0.5 ** (np.maximum(age, 0) / half_life_days), 0.0)
            found[:, block, at] = (filled @ weight.T) / (known.astype(float) @ weight.T + _PRIOR_WEIGHT)
    return found


def latest_errors(table: xr.Dataset) -> Array:
    """Mean of the latest errors that are known at the start: of valid times within four hours before it.

    Args:
        table: As `recent_errors` takes it.

    Returns:
        (station, init_time), in the unit of the forecast; of each valid time the shortest lead time counts; 0 where
        no error is known.
    """
    errors, starts, leads = _errors(table)
    valid = starts[:, None] + leads[None, :]
    found = np.zeros(errors.shape[:2])
    for at, start in enumerate(starts):
        first = np.searchsorted(starts, start - leads.max() - np.timedelta64(_RECENT_HOURS, "h"))
        within = valid[first:at]
        rows, columns = np.nonzero((within <= start) & (within > start - np.timedelta64(_RECENT_HOURS, "h")))
        if not rows.size:
            continue
        order = np.argsort(leads[columns], kind="stable")
        _, shortest = np.unique(within[rows, columns][order], return_index=True)
        chosen = errors[:, first + rows[order][shortest], columns[order][shortest]]
        known = np.isfinite(chosen)
        found[:, at] = np.where(known, chosen, 0.0).sum(1) / np.maximum(known.sum(1), 1)
    return found


def seasonal_harmonics(table: xr.Dataset) -> Array:
    """Sine and cosine of the day of the year.

    Args:
        table: With `init_time`.

    Returns:
        (init_time, 2).
    """
    days = (table["init_time"].values - table["init_time"].values.astype("datetime64[Y]")) / np.timedelta64(1, "D")
    angle = 2 * np.pi * days / 365.2425
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


def predictors_of(
    table: xr.Dataset,
    distribution: str,
    *,
    half_life_days: float | None = HALF_LIFE_DAYS,
    latest: bool = True,
    seasonal: bool = False,
) -> tuple[Array, tuple[str, ...]]:
    """Predictors of the predictive mean.

    Args:
        table: `forecast` (station, init_time, lead_time, member), starts in order, and perhaps `observation` and
            `single_forecast` (..., model), which counts where it is there for all forecasts.
        distribution: Name of the family; for precipitation errors and seasons are left out, and the share of members
            with precipitation is added.
        half_life_days: That of `recent_errors`; None leaves them out.
        latest: Whether `latest_errors` count.
        seasonal: Whether the season counts.

    Returns:
        (station, init_time, lead_time, predictor), NaN where a forecast is missing; and the names of the predictors.
    """
    mean = table["forecast"].mean("member", skipna=False).transpose("station", "init_time", "lead_time").values
    fields = {"constant": np.ones(mean.shape), "ensemble_mean": mean}
    is_rain = distribution == "censored-gamma"
    if "single_forecast" in table:
        for model in table["model"].values:
            single = table["single_forecast"].sel(model=model).transpose("station", "init_time", "lead_time").values
            fields[str(model)] = single if is_rain else single - mean
    if is_rain:
        share = (table["forecast"] > 0.1).mean("member").transpose("station", "init_time", "lead_time").values
        fields["share_of_members_with_rain"] = np.where(np.isfinite(mean), share, np.nan)
    elif "observation" in table:
        if half_life_days is not None:
            fields["recent_error"] = recent_errors(table, half_life_days=half_life_days)
        if latest:
            fields["latest_error"] = np.broadcast_to(latest_errors(table)[:, :, None], mean.shape)
    if seasonal and not is_rain:
        for name, values in zip(("sine", "cosine"), seasonal_harmonics(table).T, strict=True):
            fields[name] = np.broadcast_to(values[None, :, None], mean.shape)
    return np.stack(list(fields.values()), axis=-1), tuple(fields)


def _errors(table: xr.Dataset) -> tuple[Array, np.ndarray, np.ndarray]:
    forecast = table["forecast"].mean("member", skipna=False)
    errors = (table["observation"] - forecast).transpose("station", "init_time", "lead_time").values
    return errors, table["init_time"].values, table["lead_time"].values
