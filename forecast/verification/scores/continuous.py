"""How a forecast follows an analysis: correlation, efficiencies, and the agreement of their distributions."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial

import numpy as np
import xarray as xr

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, check_reduce, in_units_of, on_grid, without_unit
from forecast.verification.rows import over_rows
from forecast.verification.set_aside import combined, placed, placed_all
from forecast.verification.variables import where
from forecast.verification.weighting import for_each_weight

try:
    from forecast.verification.ensemble_pass.row_sums import MOMENTS, row_moments
except ImportError:  # no numba for this platform: the same results, slower
    from forecast.verification.ensemble_pass.row_sums_numpy import MOMENTS, row_moments

QUANTILES = tuple(percent / 100 for percent in range(1, 100))


@aligned(members="optional")
def correlation(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Pearson's correlation of the ensemble mean, or of a forecast without members, with the analysis.

    Args:
        forecast: Ensemble, or forecast without members, on any dimensions; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to correlate over, such as `("init_time",)`; at least one.
        preserve: Names of the dimensions to keep instead, all others being correlated over; None goes by `reduce`.
        weights: Weights of the points, 0 or more, on any dimensions of `analysis`, such as
            `area_weights(forecast["latitude"])`; None weighs each alike.
        skip_missing: True takes the mean of the members that are there, and leaves out points that lack forecast or
            analysis; False makes every correlation NaN that such a point goes into.

    Returns:
        Correlation, -1 to 1, on the dimensions that are left; NaN where one of the two is constant. Larger is better.

    Raises:
        UnscorableError: `reduce` is empty, `forecast` and `analysis` do not fit together, or `reduce` or `weights` do
            not fit them.

    Source: Jolliffe and Stephenson (2012), Forecast Verification, section 5.4.4, doi:10.1002/9781119960003
    """
    moments = _moments(forecast, analysis, member_dim, reduce, weights, skip_missing)
    return without_unit(_score_of(moments, _correlation), "correlation")


@aligned(members="optional")
def kge(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.Dataset:
    """Kling-Gupta efficiency: 1 - sqrt((r - 1)^2 + (a - 1)^2 + (b - 1)^2).

    r is the correlation, a the ratio of the standard deviations and b that of the means, forecast over analysis. It
    depends on where zero lies: use it for amounts such as streamflow or precipitation.

    Args:
        forecast: Ensemble, whose mean is scored, or forecast without members, on any dimensions; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions of one series or field, such as `("init_time",)`; at least one.
        preserve: Names of the dimensions to keep instead; None goes by `reduce`.
        weights: Weights of the points, 0 or more, on any dimensions of `analysis`; None weighs each alike.
        skip_missing: True takes the mean of the members that are there, and leaves out points that lack forecast or
            analysis; False makes every score NaN that such a point goes into.

    Returns:
        On the dimensions that are left: `kge`, at most 1, larger is better; and its parts `correlation`,
        `variability_ratio` and `bias_ratio`. NaN where one of the two is constant or the analysis has mean 0.

    Raises:
        UnscorableError: `reduce` is empty, `forecast` and `analysis` do not fit together, or `reduce` or `weights` do
            not fit them.

    Source: Gupta et al. (2009), doi:10.1016/j.jhydrol.2009.08.003
    """
    moments = _moments(forecast, analysis, member_dim, reduce, weights, skip_missing)
    r = _score_of(moments, _correlation)
    ratio = _score_of(moments, lambda m: (m["forecast_variance"] / _nonzero(m["analysis_variance"])) ** 0.5)
    bias = _score_of(moments, lambda m: m["forecast_mean"] / _nonzero(m["analysis_mean"]))
    score = combined(lambda *parts: 1 - sum((part - 1) ** 2 for part in parts) ** 0.5, r, ratio, bias)
    parts = {"kge": score, "correlation": r, "variability_ratio": ratio, "bias_ratio": bias}
    return xr.Dataset({name: without_unit(part) for name, part in parts.items()})


@aligned(members="optional")
def nse(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Nash-Sutcliffe efficiency: 1 - mean of (m - y)^2 / mean of (y - mean of y)^2.

    Args:
        forecast: Ensemble, whose mean m is scored, or forecast m without members, on any dimensions; NumPy or Dask
            inside.
        analysis: Verifying analysis y: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions of one series or field, such as `("init_time",)`; at least one.
        preserve: Names of the dimensions to keep instead; None goes by `reduce`.
        weights: Weights of the points, 0 or more, on any dimensions of `analysis`; None weighs each alike.
        skip_missing: True takes the mean of the members that are there, and leaves out points that lack forecast or
            analysis; False makes every score NaN that such a point goes into.

    Returns:
        At most 1, larger is better, 0 for the mean of the analysis, on the dimensions that are left; NaN where the
        analysis is constant.

    Raises:
        UnscorableError: `reduce` is empty, `forecast` and `analysis` do not fit together, or `reduce` or `weights` do
            not fit them.

    Source: Nash and Sutcliffe (1970), doi:10.1016/0022-1694(70)90255-6
    """
    moments = _moments(forecast, analysis, member_dim, reduce, weights, skip_missing)
    return without_unit(_score_of(moments, _efficiency), "nse")


@aligned(members="optional")
def quantile_quantile(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    skip_missing: bool = False,
    quantiles: Sequence[float] = QUANTILES,
) -> xr.Dataset:
    """Quantiles of all forecasts and of all analyses, for a quantile-quantile plot.

    Args:
        forecast: Ensemble, whose members are all counted, or forecast without members, on any dimensions; NumPy or Dask
            inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to collect values over; at least one.
        preserve: Names of the dimensions to keep instead, values being collected over all others; None goes by
            `reduce`.
        skip_missing: True leaves out values that are missing, and those whose counterpart is; False makes quantiles NaN
            that a missing value goes into.
        quantiles: Levels from 0 to 1. Quantiles interpolate linearly between sorted values (type 7 of Hyndman and Fan,
            doi:10.1080/00031305.1996.10473566).

    Returns:
        Along `quantile` and the dimensions that are left, in the unit of `forecast`: `forecast` and `analysis`.

    Raises:
        UnscorableError: A level is not from 0 to 1, `reduce` is empty, or `forecast` and `analysis` do not fit
            together.

    Source: Wilks (2019), Statistical Methods in the Atmospheric Sciences, section 4.5.2,
    doi:10.1016/C2017-0-03921-6
    """
    check_reduce(reduce, analysis, needed=True)
    levels = np.asarray(quantiles, dtype=np.float64)
    if levels.ndim != 1 or not np.all((levels >= 0) & (levels <= 1)):
        raise UnscorableError(f"quantiles: expected levels from 0 to 1, found {list(quantiles)}")
    if skip_missing:
        forecast, analysis = forecast.where(analysis.notnull()), analysis.where(forecast.notnull().any([member_dim]))
    parts = {}
    for name, field, dims in (("forecast", forecast, [member_dim, *reduce]), ("analysis", analysis, list(reduce))):
        whole = field.astype(np.float64)
        whole = whole.chunk(dict.fromkeys(dims, -1)) if whole.chunks is not None else whole
        parts[name] = in_units_of(forecast, whole.quantile(levels, dims, skipna=skip_missing))
    return xr.Dataset(parts)


def _moments(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    member_dim: Hashable | None,
    reduce: Dims,
    weights: xr.DataArray | None,
    skip_missing: bool,
) -> xr.Dataset:
    """Weighted means, variances and covariance over the points that have both."""
    check_reduce(reduce, analysis, needed=True)
    predicted = _mean(forecast.variable, member_dim, skip_missing)

    def moments(weights: xr.DataArray | None) -> xr.Dataset:
        weight = xr.Variable((), 1.0) if weights is None else on_grid("weights", weights, analysis).variable
        of_rows = partial(row_moments, skip_missing=skip_missing)
        found = over_rows(of_rows, (predicted, analysis.variable, weight), reduce, {"moment": len(MOMENTS)})
        return placed_all(_joined({name: found.isel(moment=at) for at, name in enumerate(MOMENTS)}, reduce), analysis)

    return for_each_weight(weights, analysis, moments)


def _mean(forecast: xr.Variable, member_dim: Hashable | None, skip_missing: bool) -> xr.Variable:
    if forecast.sizes[member_dim] == 1:
        return forecast.isel({member_dim: 0})
    return forecast.mean([member_dim], skipna=skip_missing, dtype=np.float64)


def _joined(parts: Mapping[str, xr.Variable], reduce: Dims) -> dict[str, xr.Variable]:
    """Moments of all blocks from those of each (Chan et al. 1983, doi:10.2307/2683386)."""

    def total(part: xr.Variable) -> xr.Variable:
        return part.sum(reduce, skipna=False)

    weight = total(parts["weight"])
    known = where(weight, weight != 0.0)
    means = {name: total(parts["weight"] * parts[name]) / known for name in ("forecast_mean", "analysis_mean")}
    one, other = (parts[name] - mean for name, mean in means.items())
    between = {"forecast_square": one * one, "analysis_square": other * other, "product": one * other}
    spread = {name: total(parts[name] + parts["weight"] * square) / known for name, square in between.items()}
    return {
        **means,
        "forecast_variance": _unless_rounding(spread["forecast_square"], means["forecast_mean"]),
        "analysis_variance": _unless_rounding(spread["analysis_square"], means["analysis_mean"]),
        "covariance": spread["product"],
    }


def _unless_rounding(variance: xr.Variable, mean: xr.Variable) -> xr.Variable:
    """Variance, or 0 where it is that of a constant's rounding errors."""
    return where(variance, variance.isnull() | (variance > (1e-13 * mean) ** 2), 0.0)


def _score_of(moments: xr.Dataset, score: Callable[[Mapping[str, xr.Variable]], xr.Variable]) -> xr.DataArray:
    parts = {str(name): part for name, part in moments.items()}
    return placed(score({name: part.variable for name, part in parts.items()}), *parts.values())


def _correlation(moments: Mapping[str, xr.Variable]) -> xr.Variable:
    scale = (moments["forecast_variance"] * moments["analysis_variance"]) ** 0.5
    return moments["covariance"] / _nonzero(scale)


def _efficiency(moments: Mapping[str, xr.Variable]) -> xr.Variable:
    bias = moments["forecast_mean"] - moments["analysis_mean"]
    spread = moments["forecast_variance"] + moments["analysis_variance"] - 2 * moments["covariance"]
    return 1 - (spread + bias**2) / _nonzero(moments["analysis_variance"])


def _nonzero(values: xr.Variable) -> xr.Variable:
    return where(values, values != 0)
