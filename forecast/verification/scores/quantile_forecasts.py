"""Scores of forecasts that are quantiles already."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, in_units_of, without_unit
from forecast.verification.set_aside import combined, placed
from forecast.verification.weighting import weighted_mean


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
    dims = (*analysis.dims, quantile_dim)
    levels = _levels(forecast, quantile_dim)
    values = combined(lambda *fields: _pinball(*fields).transpose(*dims), forecast, analysis, levels)
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
    if not np.all(np.diff(levels.values) > 0):
        raise UnscorableError(f"forecast: expected increasing levels along '{quantile_dim}', found others")
    middles = (levels.values[1:] + levels.values[:-1]) / 2
    found: xr.Variable = xr.apply_ufunc(
        _integral,
        forecast.variable,
        analysis.variable,
        kwargs={"levels": levels.values, "widths": np.diff([0.0, *middles, 1.0])},
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
    low, high = (_quantile(forecast, levels, (1 + side * level) / 2) for side in (-1, 1))
    parts = xr.apply_ufunc(
        _interval_parts,
        *(field.transpose(*analysis.dims).variable for field in (low, high, analysis)),
        kwargs={"scale": 2 / (1 - level)},
        output_core_dims=[[]] * 5,
        dask="parallelized",
        output_dtypes=[np.float64] * 5,
    )
    means = {
        name: weighted_mean(placed(part, analysis), reduce, weights, skip_missing=skip_missing)
        for name, part in zip(("score", "width", "above", "below", "coverage"), parts, strict=True)
    }
    coverage = without_unit(means.pop("coverage"))
    return xr.Dataset({name: in_units_of(forecast, mean) for name, mean in means.items()} | {"coverage": coverage})


@np.errstate(invalid="ignore")
def _interval_parts(
    low: NDArray[np.float64], high: NDArray[np.float64], analysis: NDArray[Any], *, scale: float
) -> tuple[NDArray[np.float64], ...]:
    """Score, its parts and whether the analysis lies inside, NaN where anything is missing."""
    observed = analysis.astype(np.float64)
    width, above, below = high - low, scale * np.maximum(observed - high, 0), scale * np.maximum(low - observed, 0)
    parts = (width + above + below, width, above, below, (observed >= low) & (observed <= high))
    unknown = np.isnan(low) | np.isnan(high) | np.isnan(observed)
    return tuple(np.where(unknown, np.nan, part) for part in parts)


def _levels(forecast: xr.DataArray, quantile_dim: Hashable) -> xr.DataArray:
    if quantile_dim not in forecast.indexes:
        raise UnscorableError(f"forecast: expected levels as the coordinate of '{quantile_dim}', found none")
    levels = forecast[quantile_dim].reset_coords(drop=True).astype(np.float64)
    if not bool(((levels > 0) & (levels < 1)).all()):
        raise UnscorableError(
            f"forecast: expected levels between 0 and 1 along '{quantile_dim}', found {levels.values.tolist()}"
        )
    return levels


@np.errstate(invalid="ignore")
def _integral(
    quantiles: NDArray[Any], analysis: NDArray[Any], *, levels: NDArray[np.float64], widths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Twice the sum over levels of width x pinball loss; one level at a time stays in the cache of the processor."""
    total, observed = np.zeros(analysis.shape), analysis.astype(np.float64)
    for index, (level, width) in enumerate(zip(levels, widths, strict=True)):
        error = quantiles[..., index] - observed
        total += 2 * width * np.maximum((1 - level) * error, -level * error)
    return total


def _pinball(forecast: xr.Variable, analysis: xr.Variable, levels: xr.Variable) -> xr.Variable:
    error = forecast.astype(np.float64) - analysis.astype(np.float64)
    return ((error > 0) - levels) * error


def _quantile(forecast: xr.DataArray, levels: xr.DataArray, level: float) -> xr.DataArray:
    near = np.flatnonzero(np.isclose(levels.values, level, rtol=0, atol=1e-6))
    if near.size != 1:
        raise UnscorableError(f"forecast: expected a quantile of level {level:g}, found {levels.values.tolist()}")
    return forecast.isel({levels.dims[0]: int(near[0])}, drop=True).astype(np.float64)
