"""Further scores of the whole distribution; arguments as in `ensemble_scores`."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.checks import UnscorableError, on_grid_of, paired
from forecast.verification.ensemble_pass.statistics import ensemble_statistics
from forecast.verification.scores.ensemble import crps
from forecast.verification.weighting import weighted_mean

Dims = Sequence[Hashable]


def twcrps(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    lower: float | None = None,
    upper: float | None = None,
    fair: bool = True,
) -> xr.DataArray:
    """Threshold-weighted CRPS: only what happens between `lower` and `upper` counts.

    It is the CRPS after members and analysis are moved to the nearer end of the interval, which weighs each
    threshold z in it by 1 and others by 0. `lower` alone scores the upper tail, `upper` alone the lower tail.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        member_dim: See `ensemble_scores`.
        reduce: See `ensemble_scores`.
        weights: See `ensemble_scores`.
        skip_missing: See `ensemble_scores`.
        lower: Start of the interval; None has none.
        upper: End of the interval; None has none.
        fair: See `crps`.

    Returns:
        Units of `forecast`; smaller is better.

    Raises:
        UnscorableError: `lower` is not below `upper`.

    Source: Gneiting and Ranjan (2011), doi:10.1198/jbes.2010.08110; Allen et al. (2023), doi:10.1137/22M1532184
    """
    if lower is not None and upper is not None and not lower < upper:
        raise UnscorableError(f"twcrps: expected lower below upper, found {lower} and {upper}")
    if lower is not None or upper is not None:
        forecast = forecast.clip(lower, upper, keep_attrs=True)
        analysis = analysis.clip(lower, upper, keep_attrs=True)
    score = crps(
        forecast,
        analysis,
        member_dim=member_dim,
        reduce=reduce,
        weights=weights,
        skip_missing=skip_missing,
        fair=fair,
    )
    return score.rename("twcrps")


def quantile_score(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    quantiles: Sequence[float] = (0.1, 0.25, 0.5, 0.75, 0.9),
) -> xr.DataArray:
    """Quantile (pinball) score: (1{y < q} - tau) (q - y), with q the ensemble's quantile of level tau.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        member_dim: See `ensemble_scores`.
        reduce: See `ensemble_scores`.
        weights: See `ensemble_scores`.
        skip_missing: See `ensemble_scores`.
        quantiles: Levels tau, between 0 and 1; the ensemble's quantile interpolates linearly between sorted members
            (type 7 of Hyndman and Fan).

    Returns:
        Units of `forecast`, along `quantile`; smaller is better. Twice its mean over evenly spaced levels is the CRPS.

    Source: Koenker and Machado (1999), doi:10.1080/01621459.1999.10473882
    """
    levels = np.asarray(quantiles, dtype=np.float64)
    if levels.ndim != 1 or not np.all((levels > 0) & (levels < 1)):
        raise UnscorableError(f"quantiles: expected levels between 0 and 1, found {list(quantiles)}")
    forecast, analysis = paired(forecast, analysis, member_dim)
    values = xr.apply_ufunc(
        _pinball,
        forecast,
        on_grid_of(analysis, forecast),
        kwargs={"levels": levels, "skip_missing": skip_missing},
        input_core_dims=[[member_dim], []],
        output_core_dims=[["quantile"]],
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {"quantile": len(levels)}},
        output_dtypes=[np.float64],
    ).assign_coords(quantile=levels)
    score = weighted_mean(values, reduce, weights, skip_missing=skip_missing).rename("quantile_score").drop_attrs()
    return score.assign_attrs({"units": forecast.attrs["units"]} if "units" in forecast.attrs else {})


def dawid_sebastiani(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Dawid-Sebastiani score: ln s2 + (mean - y)2 / s2, with s2 the ensemble variance (ddof 1).

    Args:
        forecast: At least 2 members; see `ensemble_scores`.
        analysis: See `ensemble_scores`.
        member_dim: See `ensemble_scores`.
        reduce: See `ensemble_scores`.
        weights: See `ensemble_scores`.
        skip_missing: See `ensemble_scores`.

    Returns:
        Smaller is better; depends on the unit by a constant. NaN where all members are equal, or one.

    Source: Dawid and Sebastiani (1999), doi:10.1214/aos/1018031101
    """
    values = _normal_misfit(forecast, analysis, member_dim, skip_missing)
    return weighted_mean(values, reduce, weights, skip_missing=skip_missing).rename("dawid_sebastiani").drop_attrs()


def log_score(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Logarithmic score, -ln p(y), of the normal distribution with the ensemble's mean and variance (ddof 1).

    Args:
        forecast: At least 2 members; see `ensemble_scores`.
        analysis: See `ensemble_scores`.
        member_dim: See `ensemble_scores`.
        reduce: See `ensemble_scores`.
        weights: See `ensemble_scores`.
        skip_missing: See `ensemble_scores`.

    Returns:
        Smaller is better; depends on the unit by a constant. NaN where all members are equal, or one.

    Source: Good (1952), doi:10.1111/j.2517-6161.1952.tb00104.x
    """
    values = (_normal_misfit(forecast, analysis, member_dim, skip_missing) + np.log(2 * np.pi)) / 2
    return weighted_mean(values, reduce, weights, skip_missing=skip_missing).rename("log_score").drop_attrs()


def pit(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Probability integral transform: share of members below the analysis, those equal to it counting half.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        member_dim: See `ensemble_scores`.
        reduce: See `ensemble_scores`.
        weights: See `ensemble_scores`.
        skip_missing: See `ensemble_scores`.

    Returns:
        Between 0 and 1; its mean is 1/2 for a forecast without bias. `rank_histogram` shows its distribution.

    Source: Gneiting et al. (2007), doi:10.1111/j.1467-9868.2007.00587.x
    """
    statistics = ensemble_statistics(forecast, analysis, member_dim=member_dim, skip_missing=skip_missing, ranked=False)
    share = (statistics["below"] + statistics["equal"] / 2) / statistics["members"]
    values = share.where(statistics["error"].notnull())
    return weighted_mean(values, reduce, weights, skip_missing=skip_missing).rename("pit").drop_attrs()


def _normal_misfit(
    forecast: xr.DataArray, analysis: xr.DataArray, member_dim: Hashable, skip_missing: bool
) -> xr.DataArray:
    moments = ensemble_statistics(forecast, analysis, member_dim=member_dim, skip_missing=skip_missing, ranked=False)
    variance = moments["variance"].astype(np.float64)
    variance = variance.where(variance > 0)
    logarithm: xr.DataArray = xr.apply_ufunc(np.log, variance, dask="allowed")
    return logarithm + moments["error"].astype(np.float64) ** 2 / variance


def _pinball(
    ensemble: NDArray[Any], analysis: NDArray[Any], *, levels: NDArray[np.float64], skip_missing: bool
) -> NDArray[np.float64]:
    members = np.sort(ensemble.astype(np.float64, copy=False), axis=-1)
    valid = np.count_nonzero(~np.isnan(members), axis=-1)
    enough = valid > 0 if skip_missing else valid == members.shape[-1]
    # A sort puts NaN last, so the quantile of what is there interpolates among the first `valid`.
    position = np.maximum(valid - 1, 0)[..., None] * levels
    low = np.floor(position).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(valid - 1, 0)[..., None])
    below, above = (np.take_along_axis(members, index, axis=-1) for index in (low, high))
    quantile = np.where(enough[..., None], below + (above - below) * (position - low), np.nan)
    error = quantile - analysis[..., None]
    return np.where(np.isnan(error), np.nan, ((error > 0) - levels) * error)
