"""Is one forecast better than another, or lucky? Tests of paired differences along a series of cycles."""

from typing import Literal

import numpy as np
import scipy
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.checks import UnscorableError
from forecast.verification.datasets import for_each_variable

LEAST_CYCLES = 10
"""Smallest number of cycles that a test is made with, unless fewer are allowed expressly."""
FEWEST_CYCLES = 4
"""Number of cycles below which no test is made."""
MOST_PERSISTENT = 0.95
"""Largest autocorrelation that is believed of a series; beyond it the variance of a mean has no estimate."""


@for_each_variable
def paired_t_test(
    difference: xr.DataArray, *, dim: str = "init_time", level: float = 0.95, least_cycles: int = LEAST_CYCLES
) -> xr.Dataset:
    """Student's t-test of a mean difference, with a standard error that is inflated as for an AR(2) series.

    Args:
        difference: Score of one forecast less that of the other, cycle by cycle: `dim`, along which it is evenly
            spaced, and any other dimensions.
        dim: Name of the dimension of the cycles.
        level: Level of the confidence interval, 0 to 1.
        least_cycles: Smallest number of cycles to make a test with, at least 4. With fewer than 10 it hardly finds
            anything, and cannot see persistence.

    Returns:
        On the other dimensions, NaN where a difference is missing: `mean`; `standard_error`, k s / sqrt(n) of n cycles;
        `low` and `high`, the ends of the confidence interval; `inflation` k, at least 1; and `p_value`, two-sided, of a
        t distribution with n / k^2 - 1 degrees of freedom.

    Raises:
        UnscorableError: There are fewer than `least_cycles` cycles.

    Source: Geer (2016), doi:10.3402/tellusa.v68.30229
    """
    count = count_cycles(difference, dim, least_cycles)
    series = series_along(difference, dim)
    mean = series.mean([dim], skipna=False)
    inflation = xr.apply_ufunc(
        _inflation, series, input_core_dims=[[dim]], dask="parallelized", output_dtypes=[np.float64]
    )
    error = inflation * series.std([dim], ddof=1, skipna=False) / np.sqrt(count)
    parts = {"mean": mean, "standard_error": error, "inflation": inflation}
    parts |= _judged(mean, error, (count / inflation**2 - 1).clip(min=1.0), level)
    return xr.Dataset({name: part.rename(name) for name, part in parts.items()})


@for_each_variable
def diebold_mariano(
    difference: xr.DataArray,
    *,
    dim: str = "init_time",
    lags: int | None = None,
    kernel: Literal["bartlett", "rectangular"] = "bartlett",
    level: float = 0.95,
    least_cycles: int = LEAST_CYCLES,
) -> xr.Dataset:
    """Diebold-Mariano test of a mean difference, with a HAC variance and a correction for short series.

    With the autocovariances c_k of n cycles, the variance of the mean is (c_0 + 2 sum of w_k c_k) / n, with the weights
    w_k = 1 - k / (L + 1) (Newey and West) or 1 (rectangular) of lags 1 to L. The statistic is multiplied by
    sqrt((n + 1 - 2 h + h (h - 1) / n) / n) with h = L + 1, and compared with a t distribution of n - 1 degrees of
    freedom (Harvey, Leybourne and Newbold).

    Args:
        difference: Score of one forecast less that of the other, cycle by cycle: `dim`, along which it is evenly
            spaced, and any other dimensions.
        dim: Name of the dimension of the cycles.
        lags: Number of lags L, from 0 to the number of cycles less 1, such as those by which the lead time exceeds the
            interval of the cycles. None chooses it from the lag-1 autocorrelation of each series (Andrews); only with
            the Bartlett kernel.
        kernel: `"bartlett"` weighs lags down as Newey and West do, and its variance is never negative;
            `"rectangular"` is that of Diebold and Mariano, and its test is NaN where the variance is not positive.
        level: Level of the confidence interval, 0 to 1.
        least_cycles: Smallest number of cycles to make a test with, at least 4.

    Returns:
        On the other dimensions, NaN where a difference is missing: `mean`; `standard_error`, the correction included;
        `statistic`, mean over standard error; `low` and `high`, the ends of the confidence interval; `p_value`,
        two-sided; and `lags`.

    Raises:
        UnscorableError: There are fewer than `least_cycles` cycles, or `lags` is out of range or needed.

    Source: Diebold and Mariano (1995), doi:10.1080/07350015.1995.10524599; Harvey, Leybourne and Newbold (1997),
    doi:10.1016/S0169-2070(96)00719-4; Newey and West (1987), doi:10.2307/1913610; Andrews (1991), doi:10.2307/2938229
    """
    count = count_cycles(difference, dim, least_cycles)
    if lags is None and kernel == "rectangular":
        raise UnscorableError("lags: expected a number of lags for the rectangular kernel, found none")
    if lags is not None and not 0 <= lags < count:
        raise UnscorableError(f"lags: expected 0 to {count - 1}, found {lags}")
    mean, error, used = xr.apply_ufunc(
        _hac_error,
        series_along(difference, dim),
        kwargs={"lags": lags, "kernel": kernel},
        input_core_dims=[[dim]],
        output_core_dims=[[]] * 3,
        dask="parallelized",
        output_dtypes=[np.float64] * 3,
    )
    parts = {"mean": mean, "standard_error": error, "statistic": mean / error.where(error > 0)}
    parts |= _judged(mean, error, xr.full_like(mean, count - 1.0), level) | {"lags": used}
    return xr.Dataset({name: part.rename(name) for name, part in parts.items()})


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


def count_cycles(difference: xr.DataArray, dim: str, least_cycles: int = LEAST_CYCLES) -> int:
    """Number of cycles along a dimension.

    Args:
        difference: Differences of scores, with the dimension `dim`.
        dim: Name of the dimension of the cycles.
        least_cycles: Smallest number that a test is made with, at least 4.

    Raises:
        UnscorableError: There are fewer, or `least_cycles` is below 4.
    """
    count = int(difference.sizes.get(dim, 0))
    if least_cycles < FEWEST_CYCLES:
        raise UnscorableError(f"least_cycles: expected at least {FEWEST_CYCLES}, found {least_cycles}")
    if count < least_cycles:
        raise UnscorableError(f"significance: expected at least {least_cycles} cycles along '{dim}', found {count}")
    return count


def series_along(difference: xr.DataArray, dim: str) -> xr.DataArray:
    """Differences in float64 with the cycles last, in one Dask chunk, and without their coordinate.

    Args:
        difference: Differences of scores, with the dimension `dim`.
        dim: Name of the dimension of the cycles.
    """
    series = difference.astype(np.float64).transpose(..., dim).drop_vars(dim, errors="ignore").drop_attrs()
    return series.chunk({dim: -1}) if series.chunks is not None else series


def _hac_error(
    series: NDArray[np.float64], *, lags: int | None, kernel: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean, standard error of the mean and number of lags, along the last axis."""
    count = series.shape[-1]
    mean = series.mean(axis=-1)
    anomaly = series - mean[..., None]
    square = (anomaly**2).sum(axis=-1)
    if lags is None:
        r1 = (anomaly[..., 1:] * anomaly[..., :-1]).sum(axis=-1) / np.where(square > 0, square, 1.0)
        # A series that lacks a value has no mean and no error, whatever its lags: none are chosen for it.
        r1 = np.clip(np.nan_to_num(r1), -MOST_PERSISTENT, MOST_PERSISTENT)
        width = 1.1447 * np.cbrt(4 * r1**2 / (1 - r1**2) ** 2 * count)
        used = np.minimum(np.floor(width), count - 1)
    else:
        used = np.full(mean.shape, float(lags))
    total = square.copy()
    for lag in range(1, int(used.max(initial=0)) + 1):
        weight = np.clip(1 - lag / (used + 1), 0.0, 1.0) if kernel == "bartlett" else np.ones_like(used)
        total += 2 * weight * (anomaly[..., lag:] * anomaly[..., :-lag]).sum(axis=-1)
    ahead = used + 1
    correction = (count + 1 - 2 * ahead + ahead * (ahead - 1) / count) / count
    variance = np.where((total > 0) | (square == 0), total, np.nan) / count**2
    return mean, np.sqrt(variance / np.where(correction > 0, correction, np.nan)), used


def _inflation(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Geer's inflation k of the standard error, along the last axis; 1 where the series does not persist."""
    anomaly = series - series.mean(axis=-1, keepdims=True)
    variance = (anomaly**2).sum(axis=-1)
    safe = np.where(variance > 0, variance, 1.0)
    r1, r2 = ((anomaly[..., lag:] * anomaly[..., :-lag]).sum(axis=-1) / safe for lag in (1, 2))
    phi1, phi2 = r1 * (1 - r2) / (1 - r1**2), (r2 - r1**2) / (1 - r1**2)
    squared = (1 - r1 * phi1 - r2 * phi2) / (1 - phi1 - phi2) ** 2
    return np.asarray(np.sqrt(np.maximum(squared, 1.0)))


def _judged(mean: xr.DataArray, error: xr.DataArray, freedom: xr.DataArray, level: float) -> dict[str, xr.DataArray]:
    """Confidence interval and two-sided p-value by Student's t distribution."""
    statistic = (abs(mean) / error.where(error > 0)).where(error != 0, np.inf).where(mean != 0, 0.0)
    p_value: xr.DataArray = xr.apply_ufunc(
        _two_sided, statistic, freedom, dask="parallelized", output_dtypes=[np.float64]
    )
    reach: xr.DataArray = error * xr.apply_ufunc(
        scipy.stats.t.ppf, (1 + level) / 2, freedom, dask="parallelized", output_dtypes=[np.float64]
    )
    return {"low": mean - reach, "high": mean + reach, "p_value": p_value.where(mean.notnull())}


def _two_sided(statistic: NDArray[np.float64], freedom: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2 * scipy.stats.t.sf(statistic, freedom))
