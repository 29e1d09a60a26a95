"""Further scores of the whole distribution: of its tails, its quantiles and where the analysis lies in it."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, in_units_of, numbers, without_unit
from forecast.verification.ensemble_pass.statistics import point_statistics
from forecast.verification.set_aside import combined, placed
from forecast.verification.variables import ratio, where
from forecast.verification.weighting import weighted_mean


@aligned(members="optional")
def twcrps(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    lower: float | xr.DataArray | None = None,
    upper: float | xr.DataArray | None = None,
    chaining: Callable[[xr.DataArray], xr.DataArray] | None = None,
    fair: bool = True,
) -> xr.DataArray:
    """Threshold-weighted CRPS: only what happens between two values counts.

    It is the CRPS of members and analysis that are first clipped to the interval, which weighs each threshold in it by
    1 and all others by 0. `lower` alone scores the upper tail, `upper` alone the lower tail. Any other weight w is
    given by `chaining`, a function v with v(b) - v(a) = integral of w from a to b, in place of clipping.

    Args:
        forecast: Ensemble (`member_dim` and any other dimensions), or a forecast without members; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over, such as `("latitude", "longitude")`; empty gives one score a
            point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike. A point of weight 0 does not count,
            whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.
        lower: Start of the interval, in the unit of `forecast`: a number, or a DataArray on any dimensions of
            `analysis`; None leaves it open.
        upper: End of the interval, likewise; None leaves it open.
        chaining: Function v of a DataArray, such as `lambda x: np.exp(-x)`, which is applied to forecast and analysis;
            without `lower` and `upper`. The score is then in the unit of v. None clips.
        fair: True scores the distribution that the members are drawn from, whatever their number, and is NaN for one
            member; False scores the members as if they were all there is.

    Returns:
        Score in the unit of `forecast`, on the dimensions that are left. Smaller is better.

    Raises:
        UnscorableError: `lower` is not below `upper`, `chaining` is given beside them or returns something else,
            `forecast` and `analysis` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Gneiting and Ranjan (2011), doi:10.1198/jbes.2010.08110; Allen et al. (2023), doi:10.1137/22M1532184
    """
    if chaining is not None:
        if lower is not None or upper is not None:
            raise UnscorableError("chaining: expected it without lower and upper, found one of these, too")
        forecast, analysis = (_chained(field, chaining) for field in (forecast, analysis))
    else:
        forecast, analysis = _clipped(forecast, analysis, lower, upper)
    statistics = point_statistics(forecast, analysis, member_dim, "crps", skip_missing=skip_missing)
    values = statistics["fair_crps" if fair else "crps"].rename("twcrps")
    return in_units_of(forecast, weighted_mean(values, reduce, weights, skip_missing=skip_missing))


@aligned(members="optional")
def quantile_score(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    quantiles: float | Sequence[float] | NDArray[np.float64] = (0.1, 0.25, 0.5, 0.75, 0.9),
) -> xr.DataArray:
    """Quantile (pinball) score of the ensemble's quantiles.

    With the quantile q of level tau and the analysis y: (1{y < q} - tau) (q - y). Twice its mean over evenly spaced
    levels is the CRPS.

    Args:
        forecast: Ensemble (`member_dim` and any other dimensions), or a forecast without members; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over, such as `("latitude", "longitude")`; empty gives one score a
            point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike. A point of weight 0 does not count,
            whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.
        quantiles: Levels tau, one or several, strictly between 0 and 1. A quantile of the ensemble interpolates
            linearly between its sorted members (type 7 of Hyndman and Fan, doi:10.1080/00031305.1996.10473566).

    Returns:
        Score in the unit of `forecast`, along `quantile` and the dimensions that are left. Smaller is better.

    Raises:
        UnscorableError: A level is not between 0 and 1, `forecast` and `analysis` do not fit together, or `reduce` or
            `weights` do not fit them.

    Source: Koenker and Machado (1999), doi:10.1080/01621459.1999.10473882
    """
    levels = numbers("quantiles", quantiles)
    if not np.all((levels > 0) & (levels < 1)):
        raise UnscorableError(f"quantiles: expected levels between 0 and 1, found {levels.tolist()}")
    found: xr.Variable = xr.apply_ufunc(
        _pinball,
        forecast.variable,
        analysis.variable,
        kwargs={"levels": levels, "skip_missing": skip_missing},
        input_core_dims=[[member_dim], []],
        output_core_dims=[["quantile"]],
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {"quantile": len(levels)}},
        output_dtypes=[np.float64],
    )
    values = placed(found, analysis).assign_coords(quantile=levels)
    score = weighted_mean(values, reduce, weights, skip_missing=skip_missing)
    return in_units_of(forecast, score.rename("quantile_score"))


@aligned()
def pit(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Probability integral transform: the share of members below the analysis, those equal to it counting half.

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to average over, such as `("latitude", "longitude")`; empty gives one score a
            point.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the average, 0 or more, on any dimensions of the score, such as
            `area_weights(forecast["latitude"])`; None weighs each point alike. A point of weight 0 does not count,
            whatever it holds.
        skip_missing: True scores a point by the members that it has, and leaves out points that lack the analysis;
            False makes every score NaN that a missing member or analysis goes into.

    Returns:
        Share, 0 to 1, on the dimensions that are left; its mean is 1/2 for a forecast without bias. `rank_histogram`
        gives its distribution.

    Raises:
        UnscorableError: `forecast` and `analysis` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Gneiting et al. (2007), doi:10.1111/j.1467-9868.2007.00587.x
    """
    statistics = point_statistics(forecast, analysis, member_dim, "counts", skip_missing=skip_missing)
    least = 1 if skip_missing else forecast.sizes[member_dim]

    def share(below: xr.Variable, equal: xr.Variable, members: xr.Variable, analysis: xr.Variable) -> xr.Variable:
        # An infinite member has a place in the order, though the mean has no error.
        return where(ratio(below + equal / 2, members), (members >= least) & analysis.notnull())

    values = combined(share, *(statistics[name] for name in ("below", "equal", "members")), analysis)
    return without_unit(weighted_mean(values, reduce, weights, skip_missing=skip_missing), "pit")


def _clipped(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    lower: float | xr.DataArray | None,
    upper: float | xr.DataArray | None,
) -> tuple[xr.DataArray, xr.DataArray]:
    if lower is None and upper is None:
        return forecast, analysis
    if lower is not None and upper is not None and bool(np.any(np.asarray(lower >= upper))):
        raise UnscorableError("twcrps: expected lower below upper, found values that are not")
    return forecast.clip(lower, upper, keep_attrs=True), analysis.clip(lower, upper, keep_attrs=True)


def _chained(field: xr.DataArray, chaining: Callable[[xr.DataArray], xr.DataArray]) -> xr.DataArray:
    """A field after a function of its points, whose unit is not known."""
    found: Any = chaining(field.astype(np.float64, copy=False) if field.dtype.kind != "f" else field)
    if not isinstance(found, xr.DataArray) or found.sizes != field.sizes or found.dtype.kind not in "fiu":
        shape = getattr(found, "sizes", type(found).__name__)
        raise UnscorableError(f"chaining: expected a DataArray of numbers on {dict(field.sizes)}, found {shape}")
    return found.drop_attrs(deep=False)


def _pinball(
    ensemble: NDArray[Any], analysis: NDArray[Any], *, levels: NDArray[np.float64], skip_missing: bool
) -> NDArray[np.float64]:
    members = np.sort(ensemble if ensemble.dtype == np.float32 else ensemble.astype(np.float64, copy=False), axis=-1)
    quantile = sorted_quantiles(members, levels, skip_missing)
    with np.errstate(invalid="ignore"):
        error = np.where(quantile == analysis[..., None], 0.0, quantile - analysis[..., None])
    return np.where(np.isnan(error), np.nan, ((error > 0) - levels) * error)


def sorted_quantiles(members: NDArray[Any], levels: NDArray[np.float64], skip_missing: bool) -> NDArray[np.float64]:
    """Quantiles of sorted members by linear interpolation (type 7 of Hyndman and Fan).

    Args:
        members: Sorted along the last axis, missing ones last.
        levels: Levels from 0 to 1.
        skip_missing: Take the quantiles of the members that are there; otherwise a missing one makes them NaN.

    Returns:
        Float64, the levels along the last axis; NaN where no member is there.
    """
    if not np.isnan(members[..., -1]).any():
        low, high, share = _ranks_beside(np.asarray(members.shape[-1] - 1), levels)
        return _between(members[..., low], members[..., high], share)
    valid = np.count_nonzero(~np.isnan(members), axis=-1)[..., None]
    low, high, share = _ranks_beside(np.maximum(valid - 1, 0), levels)
    below, above = (np.take_along_axis(members, rank, axis=-1) for rank in (low, high))
    enough = valid > 0 if skip_missing else valid == members.shape[-1]
    return np.where(enough, _between(below, above, share), np.nan)


def _ranks_beside(
    last: NDArray[np.int64], levels: NDArray[np.float64]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Ranks, 0 to `last`, beside each quantile, and the share of the way from the lower to the upper one."""
    position = last * levels
    low = np.floor(position).astype(np.int64)
    return low, np.minimum(low + 1, last), position - low


def _between(below: NDArray[Any], above: NDArray[Any], share: NDArray[np.float64]) -> NDArray[Any]:
    """Linear interpolation, which next to an infinite member is infinite."""
    below, above = below.astype(np.float64), above.astype(np.float64)
    with np.errstate(invalid="ignore"):
        finite = below + (above - below) * share
    infinite = np.where((share == 0) | (above == below) | (np.isinf(below) & np.isfinite(above)), below, above)
    opposite = np.isinf(below) & np.isinf(above) & (below != above) & (share > 0)
    return np.where(np.isfinite(finite), finite, np.where(opposite, np.nan, infinite))
