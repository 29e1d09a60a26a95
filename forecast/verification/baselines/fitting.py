"""Fitting of the baselines on the training period, and on nothing else."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.statistics.analogues import AnalogueIndex
from data_catalog.statistics.climatology import evaluate_climatology, fit_climatology
from forecast.verification.baselines.fitted import Baselines, flattened
from forecast.verification.baselines.linear_model import fit_linear_model
from forecast.verification.baselines.past_dates import keep_dates, thinned
from forecast.verification.weighting import area_weights

MOST_DATE_VALUES = 6_000_000
"""Climatology keeps one day in ten of the training period, instead of all, where all were more values than this."""


def fit_baselines(
    analysis: xr.Dataset,
    period: tuple[np.datetime64, np.datetime64],
    *,
    step_hours: int,
    every_hours: int | None = None,
    channels: tuple[str, ...] | None = None,
    eofs: int = 100,
    lead_steps: int = 10,
) -> Baselines:
    """Fit every baseline on the training period, and on nothing else.

    Only hours of the day that are reached from the first time of the period are fitted: in whole steps for the linear
    model, in steps of `every_hours` for climatology.

    Args:
        analysis: Analysis in the canonical layout; it may reach outside the period.
        period: First and last day of the training period, both included.
        step_hours: Step of the linear model.
        every_hours: Hours between the states of climatology, a whole part of the step; the step itself when None.
        channels: Names of the channels to forecast; all that vary in time when None.
        eofs: Number of empirical orthogonal functions of the linear model; fewer are kept where the period is short.
        lead_steps: Number of steps ahead that the linear model is fitted to; beyond, it is climatology with Gaussian
            noise.

    Raises:
        MissingDataError: The analysis holds no time of the period.
        InvalidDataError: A value is missing, or a channel does not vary.
        UnscorableError: The period is too short for the linear model.
    """
    names = channels or tuple(str(name) for name, field in analysis.items() if "time" in field.dims)
    training = _training_states(analysis[list(names)], period, every_hours or step_hours)
    times = training["time"].values
    climatology = fit_climatology(training)
    states = flattened(training, names)
    if not np.isfinite(states).all():
        raise InvalidDataError(f"analysis: expected numbers throughout {period[0]} to {period[1]}, found NaN")
    weights = area_weights(training["latitude"]).broadcast_like(climatology[names[0]][0, 0]).values.ravel()
    anomalies = states - flattened(evaluate_climatology(climatology, times), names)
    deviations = _deviations(anomalies, weights, names)
    scale = np.repeat(deviations, weights.size)
    anomalies /= scale.astype(np.float32)
    steps, between = np.divmod(times - times[0], np.timedelta64(step_hours, "h"))
    whole = between == np.timedelta64(0)
    linear = fit_linear_model(anomalies[whole], steps[whole], np.tile(weights, len(names)), eofs, lead_steps=lead_steps)
    kept = thinned(times, 1 if states.size <= MOST_DATE_VALUES else 10)
    dates = keep_dates(times[kept], states[kept], scale)
    analogues = AnalogueIndex.rounded(times[whole], linear.amplitudes(anomalies[whole]))
    by_name = dict(zip(names, deviations.tolist(), strict=True))
    return Baselines(climatology, by_name, linear, dates, step_hours, analogues)


def _deviations(
    anomalies: NDArray[np.float32], weights: NDArray[np.float64], names: tuple[str, ...]
) -> NDArray[np.float64]:
    """Standard deviation of each channel over times and, by area, over points."""
    times, points = len(anomalies), weights.size
    variances = np.einsum("ts,ts->s", anomalies, anomalies, dtype=np.float64).reshape(len(names), points) / times
    deviations: NDArray[np.float64] = np.sqrt(variances @ weights / points)
    if not np.all(deviations > 0):
        raise InvalidDataError(f"analysis: expected variability, found none in {names[int(np.argmin(deviations))]}")
    return deviations


def _training_states(analysis: xr.Dataset, period: tuple[np.datetime64, np.datetime64], step_hours: int) -> xr.Dataset:
    times = analysis["time"].values
    first, last = (day.astype("datetime64[D]") for day in period)
    inside = np.flatnonzero((times >= first) & (times < last + np.timedelta64(1, "D")))
    if not inside.size:
        raise MissingDataError(f"training period {first} to {last}: expected an analysis within it, found none")
    reached = (times[inside] - times[inside[0]]) % np.timedelta64(step_hours, "h") == np.timedelta64(0)
    return analysis.isel(time=inside[reached]).load()
