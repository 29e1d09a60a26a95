"""Scores of forecasts that are quantiles already."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, in_units_of, without_unit
from forecast.verification.set_aside import placed, placed_all
from forecast.verification.weighting import weighted_mean

try:
    from forecast.verification.ensemble_pass.points import interval_parts, pinball, quantile_integral
except ImportError:  # no numba for this platform: the same results, slower
    from forecast.verification.ensemble_pass.points_numpy import interval_parts, pinball, quantile_integral

PARTS = ("score", "width", "above", "below")
"""Of an interval score, in the unit of the forecast."""


@aligned(along="quantile_dim")
def quantile_score_of_quantiles(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    quantile_dim: Hashable = "quantile",
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Quantile (pinball) score of forecast quantiles: (1{y < q} - tau) (q - y) of the quantile q of level tau.

    Args:
        forecast: Quantiles along `quantile_dim`, whose coordinate is the levels, strictly between 0 and 1; NumPy or
            Dask inside.
        analysis: Verifying analysis y: the other dimensions of `forecast`, in any order, same coordinates and unit.
        quantile_dim: Name of the dimension of the quantiles.
        reduce: Names of the dimensions to average over; empty gives one score a point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score; None weighs each point alike. A
            point of weight 0 does not count, whatever it holds.
        skip_missing: True leaves out points that lack the quantile or the analysis; False makes every score NaN that
            such a point goes into.

    Returns:
        Score in the unit of `forecast`, along `quantile_dim` and the dimensions that are left. Smaller is better.

    Raises:
        UnscorableError: Levels are missing or not between 0 and 1, `forecast` and `analysis` do not fit together, or
            `reduce` or `weights` do not fit them.

    Source: Koenker and Machado (1999), doi:10.1080/01621459.1999.10473882
    """
    levels = _levels(forecast, quantile_dim)
    losses: xr.Variable = xr.apply_ufunc(
        pinball,
        forecast.variable,
        analysis.variable,
        kwargs={"levels": levels},
        input_core_dims=[[quantile_dim], []],
        output_core_dims=[[quantile_dim]],
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    values = placed(
        losses.transpose(*analysis.dims, quantile_dim), analysis, forecast[quantile_dim].reset_coords(drop=True)
    )
    score = weighted_mean(values, reduce, weights, skip_missing=skip_missing)
    return in_units_of(forecast, score.rename("quantile_score_of_quantiles"))


@aligned(along="quantile_dim")
def crps_of_quantiles(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    quantile_dim: Hashable = "quantile",
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """CRPS of forecast quantiles: twice the integral of the quantile score over levels.

    A level stands for those that are nearer to it than to its neighbours, the outermost for all up to 0 and 1; so the
    score is as exact as the levels are dense.

    Args:
        forecast: Quantiles along `quantile_dim`, whose coordinate is the levels, strictly between 0 and 1 and
            increasing; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        quantile_dim: Name of the dimension of the quantiles.
        reduce: Names of the dimensions to average over; empty gives one score a point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score; None weighs each point alike. A
            point of weight 0 does not count, whatever it holds.
        skip_missing: True leaves out points that lack a quantile or the analysis; False makes every score NaN that such
            a point goes into.

    Returns:
        Score in the unit of `forecast`, on the dimensions that are left. Smaller is better.

    Raises:
        UnscorableError: Levels are missing, not increasing or not between 0 and 1, `forecast` and `analysis` do not fit
            together, or `reduce` or `weights` do not fit them.

    Source: Gneiting and Ranjan (2011), doi:10.1198/jbes.2010.08110
    """
    levels = _levels(forecast, quantile_dim)
    if not np.all(np.diff(levels) > 0):
        raise UnscorableError(f"forecast: expected increasing levels along '{quantile_dim}', found others")
    middles = (levels[1:] + levels[:-1]) / 2
    found: xr.Variable = xr.apply_ufunc(
        quantile_integral,
        forecast.variable,
        analysis.variable,
        kwargs={"levels": levels, "widths": np.diff([0.0, *middles, 1.0])},
        input_core_dims=[[quantile_dim], []],
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    values = placed(found.transpose(*analysis.dims), analysis)
    score = weighted_mean(values, reduce, weights, skip_missing=skip_missing)
    return in_units_of(forecast, score.rename("crps_of_quantiles"))


@aligned(along="quantile_dim")
def interval_score(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    level: float = 0.9,
    quantile_dim: Hashable = "quantile",
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.Dataset:
    """Interval (Winkler) score of a central prediction interval: its width, and 2 / (1 - level) times what misses it.

    Args:
        forecast: Quantiles along `quantile_dim`, among them those of the levels (1 - level) / 2 and (1 + level) / 2,
            which are its coordinate; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        level: Level of the interval, between 0 and 1: the share of analyses that should lie within.
        quantile_dim: Name of the dimension of the quantiles.
        reduce: Names of the dimensions to average over; empty gives one score a point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score; None weighs each point alike. A
            point of weight 0 does not count, whatever it holds.
        skip_missing: True leaves out points that lack an end or the analysis; False makes every score NaN that such a
            point goes into.

    Returns:
        On the dimensions that are left: `score`, its parts `width`, `above` and `below` (penalties of analyses above
        and below the interval), in the unit of `forecast`, smaller is better; and `coverage`, the share of analyses
        within, ends included, best `level`.

    Raises:
        UnscorableError: The quantile of an end is not there, `forecast` and `analysis` do not fit together, or `reduce`
            or `weights` do not fit them.

    Source: Gneiting and Raftery (2007), section 6.2, doi:10.1198/016214506000001437
    """
    if not 0 < level < 1:
        raise UnscorableError(f"level: expected a number between 0 and 1, found {level}")
    levels = _levels(forecast, quantile_dim)
    low, high = (_quantile(forecast, levels, (1 + side * level) / 2, quantile_dim) for side in (-1, 1))
    parts = xr.apply_ufunc(
        _interval_parts,
        low,
        high,
        analysis.variable,
        kwargs={"scale": 2 / (1 - level)},
        output_core_dims=[[]] * 5,
        dask="parallelized",
        output_dtypes=[np.float64] * 5,
    )
    fields = (placed(part.transpose(*analysis.dims), analysis) for part in parts)
    means = [weighted_mean(field, reduce, weights, skip_missing=skip_missing) for field in fields]
    scores = {name: in_units_of(forecast, mean).variable for name, mean in zip(PARTS, means[:4], strict=True)}
    return placed_all({**scores, "coverage": without_unit(means[4]).variable}, means[0])


def _interval_parts(
    low: NDArray[Any], high: NDArray[Any], analysis: NDArray[Any], *, scale: float
) -> tuple[NDArray[np.float64], ...]:
    return tuple(interval_parts(low, high, analysis, scale=scale))


def _levels(forecast: xr.DataArray, quantile_dim: Hashable) -> NDArray[np.float64]:
    if quantile_dim not in forecast.indexes:
        raise UnscorableError(f"forecast: expected levels as the coordinate of '{quantile_dim}', found none")
    levels: NDArray[np.float64] = forecast.indexes[quantile_dim].to_numpy().astype(np.float64)
    if not np.all((levels > 0) & (levels < 1)):
        raise UnscorableError(
            f"forecast: expected levels between 0 and 1 along '{quantile_dim}', found {levels.tolist()}"
        )
    return levels


def _quantile(forecast: xr.DataArray, levels: NDArray[np.float64], level: float, quantile_dim: Hashable) -> xr.Variable:
    near = np.flatnonzero(np.isclose(levels, level, rtol=0, atol=1e-6))
    if near.size != 1:
        raise UnscorableError(f"forecast: expected a quantile of level {level:g}, found {levels.tolist()}")
    return forecast.variable.isel({quantile_dim: int(near[0])})
