"""A bootstrap of a mean difference along a series of cycles that holds its level for short and persistent series."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.checks import UnscorableError
from forecast.verification.comparison.significance import LEAST_CYCLES, MOST_PERSISTENT, count_cycles, series_along
from forecast.verification.datasets import for_each_variable
from forecast.verification.ensemble_pass.resampling_numpy import moments_along

try:
    from forecast.verification.ensemble_pass.resampling import resampled_moments
except ImportError:  # no numba for this platform: the same results, slower
    from forecast.verification.ensemble_pass.resampling_numpy import resampled_moments

Array = NDArray[np.float64]
SERIES_AT_A_TIME = 64
"""Series that are resampled together, to bound memory."""


@for_each_variable
def block_bootstrap(
    difference: xr.DataArray,
    *,
    dim: str = "init_time",
    block: int | None = None,
    samples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    least_cycles: int = LEAST_CYCLES,
) -> xr.Dataset:
    """Studentised bootstrap of a mean difference, in blocks of what a first-order autoregression leaves over.

    A series is prewhitened by an AR(1) fit, its residuals are resampled in circular blocks, and the same AR(1) makes
    series of them again. Mean over standard error of these is the distribution that the mean over standard error of the
    given series is compared with, so errors of the estimated persistence count too. All series are resampled with the
    same draws for the same length of the blocks.

    Args:
        difference: Score of one forecast less that of the other, cycle by cycle: `dim`, along which it is evenly
            spaced, and any other dimensions.
        dim: Name of the dimension of the cycles.
        block: Number of cycles in a block, 1 to the number of cycles; None chooses it for each series from the
            autocorrelations of its residuals (`block_length`).
        samples: Number of resampled series.
        level: Level of the confidence interval, 0 to 1.
        seed: Seed of the resampling.
        least_cycles: Smallest number of cycles to make a test with, at least 4. With fewer than 10 it hardly finds
            anything, and cannot see persistence.

    Returns:
        On the other dimensions, NaN where a difference is missing: `mean`; `standard_error`; `low` and `high`, the ends
        of the confidence interval, symmetric about the mean; `p_value`, two-sided, at least 1 / (`samples` + 1); and
        `block`, the length of the blocks.

    Raises:
        UnscorableError: There are fewer than `least_cycles` cycles, or a block is longer than the series.

    Source: Davison and Hinkley (1997), Bootstrap Methods and their Application, sections 5.2 and 8.2.3,
    doi:10.1017/CBO9780511802843; Götze and Künsch (1996), doi:10.1214/aos/1069362303
    """
    count = count_cycles(difference, dim, least_cycles)
    if block is not None and not 1 <= block <= count:
        raise UnscorableError(f"block: expected 1 to {count} cycles, found {block}")
    series = series_along(difference, dim)
    names = ("mean", "standard_error", "low", "high", "p_value", "block")
    parts = xr.apply_ufunc(
        _bootstrap,
        series,
        kwargs={"block": block, "samples": samples, "level": level, "seed": seed},
        input_core_dims=[[dim]],
        output_core_dims=[[]] * len(names),
        dask="parallelized",
        output_dtypes=[np.float64] * len(names),
    )
    return xr.Dataset({name: part.rename(name) for name, part in zip(names, parts, strict=True)})


def block_length(series: Array) -> NDArray[np.int64]:
    """Length of the blocks of a circular block bootstrap of the mean, from the autocovariances of a series.

    Args:
        series: Values along the last axis, at least 4, none missing.

    Returns:
        Number of values in a block, one for each series: 1 where nothing beyond chance is autocorrelated, and at most a
        third of the series or 3 sqrt(n).

    Source: Politis and White (2004), doi:10.1081/ETC-120028836; Patton, Politis and White (2009),
    doi:10.1080/07474930802459016
    """
    count = series.shape[-1]
    run = max(5, int(np.ceil(np.sqrt(np.log10(count)))))
    most = min(int(np.ceil(np.sqrt(count))) + run, count - 2)
    covariance = _autocovariances(series, most)
    last = _last_lag(covariance, count, run)
    lags = np.arange(1, most + 1)
    taper = np.clip(2 * (1 - lags / np.clip(2 * last, 1, most)[..., None]), 0.0, 1.0)
    spectrum = covariance[..., 0] + 2 * (taper * covariance[..., 1:]).sum(axis=-1)
    slope = 2 * (taper * lags * covariance[..., 1:]).sum(axis=-1)
    length = np.cbrt(1.5 * slope**2 / np.where(spectrum != 0, spectrum, np.inf) ** 2 * count)
    bounded = np.clip(np.ceil(length), 1, np.ceil(min(3 * np.sqrt(count), count / 3)))
    return np.where(last == 0, 1, bounded).astype(np.int64)


def _autocovariances(series: Array, most: int) -> Array:
    """Autocovariances at lags 0 to `most`, along the last axis."""
    count, anomaly = series.shape[-1], series - series.mean(axis=-1, keepdims=True)
    products = [(anomaly[..., lag:] * anomaly[..., : count - lag]).sum(axis=-1) for lag in range(most + 1)]
    return np.asarray(np.stack(products, axis=-1) / count)


def _last_lag(covariance: Array, count: int, run: int) -> NDArray[np.int64]:
    """Last lag whose autocorrelation counts: a run of quiet ones follows, if only beyond the last that is known."""
    variance = np.where(covariance[..., :1] > 0, covariance[..., :1], 1.0)
    quiet = np.abs(covariance[..., 1:] / variance) < 2 * np.sqrt(np.log10(count) / count)
    lags = quiet.shape[-1]
    quiet = np.concatenate([quiet, np.ones((*quiet.shape[:-1], run), dtype=bool)], axis=-1)
    follows = np.stack([quiet[..., lag : lag + run].all(axis=-1) for lag in range(lags + 1)], axis=-1)
    return np.asarray(np.argmax(follows, axis=-1))


def _bootstrap(series: Array, *, block: int | None, samples: int, level: float, seed: int) -> tuple[Array, ...]:
    shape, count = series.shape[:-1], series.shape[-1]
    flat = series.reshape(-1, count)
    result = np.full((6, len(flat)), np.nan)
    known = np.flatnonzero(np.isfinite(flat).all(axis=1))
    mean = flat[known].mean(axis=1)
    anomaly = flat[known] - mean[:, None]
    moments = moments_along(anomaly.T)
    persistence = np.clip(_autocorrelations(moments, count)[0], 0.0, MOST_PERSISTENT)
    residual = anomaly[:, 1:] - persistence[:, None] * anomaly[:, :-1]
    residual -= residual.mean(axis=1, keepdims=True)
    lengths = block_length(residual) if block is None else np.full(len(known), block)
    error = _standard_error(moments, count)
    statistic = np.abs(mean) / np.where(error > 0, error, np.nan)
    for length in np.unique(lengths):
        chosen, alike = _chosen(count, int(length), samples, seed), np.flatnonzero(lengths == length)
        for few in np.split(alike, range(SERIES_AT_A_TIME, len(alike), SERIES_AT_A_TIME)):
            drawn = _resampled(residual[few], persistence[few], chosen)
            reach = _quantile(drawn, level) * error[few]
            p_value = (1 + np.count_nonzero(drawn >= statistic[few], axis=0)) / (1 + samples)
            ends = (mean[few] - reach, mean[few] + reach)
            tested = (mean[few], error[few], *ends, np.where(mean[few] != 0, p_value, 1.0), lengths[few])
            result[:, known[few]] = tested
    return tuple(part.reshape(shape) for part in result)


def _chosen(count: int, length: int, samples: int, seed: int) -> NDArray[np.int64]:
    """Positions (sample, cycle) of the residuals that make up the resampled series."""
    starts = np.random.default_rng([seed, length]).integers(0, count - 1, (-(-count // length), 1, samples))
    positions = (starts + np.arange(length)[:, None]).reshape(-1, samples)[:count]
    return np.ascontiguousarray(positions.T % (count - 1))


def _resampled(residual: Array, persistence: Array, chosen: NDArray[np.int64]) -> Array:
    """Absolute mean over standard error (sample, series) of resampled series; 0 where one is constant."""
    # The first value has the variance of all: the series needs no time to forget how it began.
    start = 1 / np.sqrt(1 - persistence**2)
    mean, *moments = resampled_moments(np.ascontiguousarray(residual.T), persistence, start, chosen)
    error = _standard_error(np.asarray(moments), chosen.shape[1])
    return np.asarray(np.abs(mean) / np.where(error > 0, error, np.inf))


def _quantile(drawn: Array, level: float) -> Array:
    samples = len(drawn)
    rank = min(int(np.ceil(level * (samples + 1))), samples) - 1
    return np.asarray(np.partition(drawn, rank, axis=0)[rank])


def _autocorrelations(moments: Array, count: int) -> tuple[Array, Array]:
    """Autocorrelations at lags 1 and 2, less their bias in short series (Kendall 1954, doi:10.2307/2332734)."""
    safe = np.where(moments[0] > 0, moments[0], 1.0)
    r1, r2 = moments[1] / safe, moments[2] / safe
    return r1 + (1 + 3 * r1) / count, r2 + (1 + 3 * r2) / count


def _standard_error(moments: Array, count: int) -> Array:
    """Standard error of a mean, as of AR(2) series; not below that of independent values."""
    r1, r2 = _autocorrelations(moments, count)
    r1 = np.clip(r1, -MOST_PERSISTENT, MOST_PERSISTENT)
    # A series is stationary where r2 exceeds 2 r1^2 - 1.
    r2 = np.clip(r2, 2 * r1**2 - 0.999, MOST_PERSISTENT)
    phi1, phi2 = r1 * (1 - r2) / (1 - r1**2), (r2 - r1**2) / (1 - r1**2)
    inflation = (1 - r1 * phi1 - r2 * phi2) / np.maximum(1 - phi1 - phi2, 0.03) ** 2
    inflation = np.clip(inflation, 1.0, 0.8 * count)
    # The variance about an estimated mean lacks the variance of that mean.
    variance = np.maximum(moments[0], 0.0) / count / (1 - inflation / count)
    return np.asarray(np.sqrt(variance * inflation / count))
