"""A forecast scored in one line, by the analyses of its valid times."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.suggestions import did_you_mean
from forecast import verification

Fields = TypeVar("Fields", xr.DataArray, xr.Dataset)
SCORES = (
    "brier_score", "crps", "crps_decomposition", "dawid_sebastiani", "energy_score", "ensemble_mean_rmse",
    "log_score", "mae", "owcrps", "pit", "quantile_score", "rank_histogram", "reliability", "rmse", "roc", "rps",
    "spread_skill_ratio", "twcrps", "variogram_score", "vrcrps",
)  # fmt: skip
"""Scores of members against an analysis: functions of `plumecast.verification`."""


def at_valid_times(analysis: Fields, forecast: xr.DataArray | xr.Dataset) -> Fields:
    """Take the analyses of the valid times of a forecast, by its lead times.

    Args:
        analysis: Dims (time, ...); an analysis without `time` is returned as it is.
        forecast: Forecast with the coordinates `lead_time` and `init_time`, a dimension for several starts.

    Returns:
        Dims (init_time, lead_time, ...), as far as the forecast has them.

    Raises:
        MissingDataError: The analysis lacks a valid time.
        InvalidDataError: The forecast has no lead times or no init time.
    """
    if "time" not in analysis.dims:
        return analysis
    for name in ("lead_time", "init_time"):
        if name not in forecast.coords:
            raise InvalidDataError(f"forecast: expected a coordinate '{name}', found {list(map(str, forecast.coords))}")
    valid = (forecast["init_time"] + forecast["lead_time"]).reset_coords(drop=True)
    there = np.isin(valid.values, analysis["time"].values)
    if not there.all():
        first = pd.Timestamp(np.atleast_1d(valid.values[~there]).ravel()[0])
        raise MissingDataError(
            f"analysis: expected the {valid.size} valid times of the forecast, found none at {first:%Y-%m-%dT%H:%M}Z"
        )
    return analysis.sel(time=valid).drop_vars("time")


def score(name: str, forecast: Fields, analysis: Fields, **options: Any) -> Any:
    """Score the members of a forecast, field by field, against the analyses of its valid times.

    Args:
        name: Name of the score, one of `plumecast.scoring.SCORES`, such as `crps`.
        forecast: One field of an ensemble, or several.
        analysis: The same field, or fields; those of both are scored. By `time`, of which the valid times are taken, or
            already by lead time.
        **options: As the score takes them, such as `reduce=["latitude", "longitude"]` and `weights`.

    Returns:
        What the score returns: for several fields a Dataset of them.

    Raises:
        ConfigurationError: There is no such score.
        MissingDataError: The analysis lacks a valid time.
        InvalidDataError: The fields do not fit together, or none is in both.
    """
    function = _function(name)
    if isinstance(forecast, xr.DataArray):
        return function(forecast, at_valid_times(analysis, forecast), **options)
    shared = [each for each in forecast.data_vars if each in analysis.data_vars]
    if not shared:
        ours, theirs = (", ".join(map(str, each.data_vars)) for each in (forecast, analysis))
        raise InvalidDataError(f"analysis: expected one of the fields {ours} of the forecast, found {theirs}")
    known = at_valid_times(analysis[shared], forecast)
    return xr.Dataset({each: function(forecast[each], known[each], **options) for each in shared})


def _function(name: str) -> Callable[..., Any]:
    if name not in SCORES:
        raise ConfigurationError(
            f"score: expected one of {', '.join(SCORES)}, found '{name}'{did_you_mean(name, SCORES)}"
        )
    function: Callable[..., Any] = getattr(verification, name)
    return function
