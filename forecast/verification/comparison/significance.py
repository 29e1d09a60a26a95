"""Is one forecast better than another, or lucky? Tests of paired differences along a series of cycles."""

import numpy as np
import scipy
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.checks import UnscorableError

LEAST_CYCLES = 10
"""Smallest number of cycles that a test is made with."""


def paired_t_test(difference: xr.DataArray, *, dim: str = "init_time") -> xr.Dataset:
    """Student's t-test of a mean difference, with a standard error that is inflated as for an AR(2) series.

    Args:
        difference: Score of one forecast less that of the other, cycle by cycle: `dim`, along which it is evenly
            spaced, and any other dimensions.
        dim: Name of the dimension of the cycles, of which there are at least 10.

    Returns:
        On the other dimensions, NaN where a difference is missing: `mean`; `standard_error`, k s / sqrt(n) of n cycles;
        `inflation` k, at least 1; and `p_value`, two-sided, of a t distribution with n / k^2 - 1 degrees of freedom.

    Raises:
        UnscorableError: There are fewer than 10 cycles.

    Source: Geer (2016), doi:10.3402/tellusa.v68.30229
    """
    count = _count(difference, dim)
    series = difference.astype(np.float64).transpose(..., dim).chunk({dim: -1}) if difference.chunks else difference
    mean = series.mean([dim], skipna=False)
    inflation = xr.apply_ufunc(
        _inflation, series, input_core_dims=[[dim]], dask="parallelized", output_dtypes=[np.float64]
    )
    error = inflation * series.std([dim], ddof=1, skipna=False) / np.sqrt(count)
    p_value = _p_value(mean, error, (count / inflation**2 - 1).clip(min=1.0))
    parts = {"mean": mean, "standard_error": error, "inflation": inflation, "p_value": p_value}
    return xr.Dataset({name: part.rename(name) for name, part in parts.items()})


def block_bootstrap(
    difference: xr.DataArray,
    *,
    dim: str = "init_time",
    block: int | None = None,
    samples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    """Moving-block bootstrap of a mean difference; blocks keep neighbouring cycles together.

    All series are resampled with the same blocks, which keeps the dependence between channels and lead times.

    Args:
        difference: Score of one forecast less that of the other, cycle by cycle: `dim`, along which it is evenly
            spaced, and any other dimensions.
        dim: Name of the dimension of the cycles, of which there are at least 10.
        block: Number of cycles in a block; the cube root of their number, rounded up, when None.
        samples: Number of resampled series.
        level: Level of the confidence interval, 0 to 1.
        seed: Seed of the resampling.

    Returns:
        On the other dimensions: `mean`; `low` and `high`, the ends of the percentile interval; and `p_value`,
        two-sided: twice the share of resampled means on the other side of zero (ties counting half), at least
        1 / `samples`.

    Raises:
        UnscorableError: There are fewer than 10 cycles, or a block is longer than the series.

    Source: Künsch (1989), doi:10.1214/aos/1176347265
    """
    count = _count(difference, dim)
    length = int(np.ceil(count ** (1 / 3))) if block is None else block
    if not 1 <= length <= count:
        raise UnscorableError(f"block: expected 1 to {count} cycles, found {length}")
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, count - length + 1, (samples, -(-count // length)))
    chosen = (starts[:, :, None] + np.arange(length)).reshape(samples, -1)[:, :count]
    weights = np.stack([np.bincount(row, minlength=count) for row in chosen]) / count
    sampler = xr.DataArray(weights, dims=("sample", dim))
    series = difference.astype(np.float64).drop_vars(dim, errors="ignore")
    means = xr.dot(series, sampler, dim=[dim])
    means = means.chunk({"sample": -1}) if means.chunks else means
    tail = (1 - level) / 2
    ends = means.quantile([tail, 1 - tail], "sample", skipna=False)
    beyond = [((means < 0) + (means == 0) / 2).mean("sample"), ((means > 0) + (means == 0) / 2).mean("sample")]
    p_value = (2 * xr.concat(beyond, "side").min("side")).clip(1 / samples, 1.0)
    mean = series.mean([dim], skipna=False)
    return xr.Dataset(
        {
            "mean": mean,
            "low": ends.isel(quantile=0, drop=True),
            "high": ends.isel(quantile=1, drop=True),
            "p_value": p_value.where(mean.notnull()),
        }
    )


def false_discovery_rate(p_value: xr.DataArray) -> xr.DataArray:
    """P-values adjusted for the number of tests: of those below q, a share of about q is expected to be false alarms.

    Args:
        p_value: P-values of all tests, on any dimensions; NaN where no test was made.

    Returns:
        P-values adjusted by Benjamini and Hochberg's step-up rule, for tests that are independent or positively
        dependent.

    Source: Benjamini and Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x; Wilks (2016),
    doi:10.1175/BAMS-D-15-00267.1
    """
    values = p_value.values.ravel()
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    scaled = values[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted = np.full(values.shape, np.nan)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return p_value.copy(data=adjusted.reshape(p_value.shape))


def _count(difference: xr.DataArray, dim: str) -> int:
    count = int(difference.sizes.get(dim, 0))
    if count < LEAST_CYCLES:
        raise UnscorableError(f"significance: expected at least {LEAST_CYCLES} cycles along '{dim}', found {count}")
    return count


def _inflation(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Geer's inflation k of the standard error, along the last axis; 1 where the series does not persist."""
    anomaly = series - series.mean(axis=-1, keepdims=True)
    variance = (anomaly**2).sum(axis=-1)
    safe = np.where(variance > 0, variance, 1.0)
    r1, r2 = ((anomaly[..., lag:] * anomaly[..., :-lag]).sum(axis=-1) / safe for lag in (1, 2))
    phi1, phi2 = r1 * (1 - r2) / (1 - r1**2), (r2 - r1**2) / (1 - r1**2)
    squared = (1 - r1 * phi1 - r2 * phi2) / (1 - phi1 - phi2) ** 2
    return np.asarray(np.sqrt(np.maximum(squared, 1.0)))


def _p_value(mean: xr.DataArray, error: xr.DataArray, freedom: xr.DataArray) -> xr.DataArray:
    statistic = (abs(mean) / error.where(error > 0)).where(error > 0, np.inf).where(mean != 0, 0.0)
    p_value: xr.DataArray = xr.apply_ufunc(
        _two_sided, statistic, freedom, dask="parallelized", output_dtypes=[np.float64]
    )
    return p_value.where(mean.notnull())


def _two_sided(statistic: NDArray[np.float64], freedom: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2 * scipy.stats.t.sf(statistic, freedom))
