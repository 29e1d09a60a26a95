"""Scores of the ensemble as a whole: its mean, its spread, and its distribution (CRPS).

All take `forecast` and `analysis` as `checks.paired` describes, and share these options:

    member_dim     dimension of the members
    reduce         dimensions to average over; empty gives a score per point; roots are taken after averaging
    weights        weights of the average, such as `area_weights(latitude)`; None weighs each point alike
    skip_missing   leave out missing members and points; otherwise one missing value makes its score NaN
"""

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from forecast.verification.ensemble_pass.statistics import ensemble_statistics
from forecast.verification.weighting import weighted_mean

Dims = Sequence[Hashable]


def crps(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    fair: bool = True,
) -> xr.DataArray:
    """Continuous ranked probability score: mean|x_i - y| - sum over i < j of |x_i - x_j| / (M (M-1)).

    Args:
        forecast: See the module.
        analysis: See the module.
        member_dim: See the module.
        reduce: See the module.
        weights: See the module.
        skip_missing: See the module.
        fair: Score the distribution that the members are drawn from (NaN for one member); otherwise score the members
            as if they were all there is, with M M in place of M (M-1).

    Returns:
        Units of `forecast`; smaller is better; the fair one can be negative.

    Source: Ferro (2014), doi:10.1002/qj.2270; Hersbach (2000), doi:10.1175/1520-0434(2000)015<0559:DOTCRP>2.0.CO;2
    """
    statistics = ensemble_statistics(forecast, analysis, member_dim=member_dim, skip_missing=skip_missing)
    values = statistics["fair_crps" if fair else "crps"].rename("crps")
    return _in_units_of(forecast, weighted_mean(values, reduce, weights, skip_missing=skip_missing))


def ensemble_mean_rmse(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Root mean square error of the ensemble mean.

    Args:
        forecast: See the module.
        analysis: See the module.
        member_dim: See the module.
        reduce: See the module.
        weights: See the module.
        skip_missing: See the module.

    Returns:
        Units of `forecast`; without `reduce` the absolute error.
    """
    error = _error(forecast, analysis, member_dim, skip_missing)
    squares = weighted_mean(_squared(error), reduce, weights, skip_missing=skip_missing)
    return _in_units_of(forecast, (squares**0.5).rename("rmse"))


def bias(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Mean of ensemble mean minus analysis.

    Args:
        forecast: See the module.
        analysis: See the module.
        member_dim: See the module.
        reduce: See the module.
        weights: See the module.
        skip_missing: See the module.

    Returns:
        Units of `forecast`; positive where the forecast is too high.
    """
    error = _error(forecast, analysis, member_dim, skip_missing)
    return _in_units_of(forecast, weighted_mean(error, reduce, weights, skip_missing=skip_missing).rename("bias"))


def mae(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Mean absolute error of the ensemble mean.

    Args:
        forecast: See the module.
        analysis: See the module.
        member_dim: See the module.
        reduce: See the module.
        weights: See the module.
        skip_missing: See the module.

    Returns:
        Units of `forecast`.
    """
    error = abs(_error(forecast, analysis, member_dim, skip_missing))
    return _in_units_of(forecast, weighted_mean(error, reduce, weights, skip_missing=skip_missing).rename("mae"))


def spread(
    forecast: xr.DataArray,
    analysis: xr.DataArray | None = None,
    *,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Root of the mean ensemble variance (ddof 1).

    Args:
        forecast: See the module.
        analysis: Only says which points count: those where it is missing do not. None counts all.
        member_dim: See the module.
        reduce: See the module.
        weights: See the module.
        skip_missing: See the module.

    Returns:
        Units of `forecast`; NaN for one member.
    """
    present = forecast.isel({member_dim: 0}, drop=True) if analysis is None else analysis
    variance = _moments(forecast, present, member_dim, skip_missing)["variance"]
    if analysis is not None:
        variance = variance.where(analysis.notnull())
    mean = weighted_mean(variance.astype(np.float64), reduce, weights, skip_missing=skip_missing)
    return _in_units_of(forecast, (mean**0.5).rename("spread"))


def spread_skill_ratio(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    unbiased: bool = False,
) -> xr.DataArray:
    """Spread over error of the ensemble mean; 1 if members and analysis are drawn alike.

    The default is sqrt(mean of (M+1)/M s2) / RMSE. The unbiased form, sqrt(mean s2 / mean(e2 - s2/M)), estimates what
    an endless ensemble would have; it is NaN where its denominator is not positive.

    Args:
        forecast: At least 2 members; see the module.
        analysis: See the module.
        member_dim: See the module.
        reduce: See the module.
        weights: See the module.
        skip_missing: See the module.
        unbiased: Take the second form.

    Returns:
        A ratio; below 1 the ensemble is too sure of itself.

    Source: Fortin et al. (2014), doi:10.1175/JHM-D-14-0008.1
    """
    moments = _moments(forecast, analysis, member_dim, skip_missing)
    members = moments["members"].astype(np.float64)
    variance, squares = moments["variance"].astype(np.float64), _squared(moments["error"])
    variance = variance.where(squares.notnull())
    squares = squares.where(variance.notnull())
    if unbiased:
        squares = squares - variance / members
    else:
        variance = variance * (members + 1) / members
    above = weighted_mean(variance, reduce, weights, skip_missing=skip_missing)
    below = weighted_mean(squares, reduce, weights, skip_missing=skip_missing)
    ratio = above / below.where(below > 0)
    return (ratio**0.5).rename("spread_skill_ratio").drop_attrs()


def _moments(forecast: xr.DataArray, analysis: xr.DataArray, member_dim: Hashable, skip_missing: bool) -> xr.Dataset:
    return ensemble_statistics(forecast, analysis, member_dim=member_dim, skip_missing=skip_missing, ranked=False)


def _error(forecast: xr.DataArray, analysis: xr.DataArray, member_dim: Hashable, skip_missing: bool) -> xr.DataArray:
    return _moments(forecast, analysis, member_dim, skip_missing)["error"]


def _squared(error: xr.DataArray) -> xr.DataArray:
    return error.astype(np.float64) ** 2


def _in_units_of(forecast: xr.DataArray, score: xr.DataArray) -> xr.DataArray:
    units = {"units": forecast.attrs["units"]} if "units" in forecast.attrs else {}
    return score.drop_attrs().assign_attrs(units)
