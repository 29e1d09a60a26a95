"""Scores of patterns and of precipitation; arguments as in `ensemble_scores`."""

from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from forecast.verification.checks import UnscorableError, on_grid_of, paired
from forecast.verification.ensemble_pass.statistics import ensemble_statistics
from forecast.verification.scores.event import event_counts
from forecast.verification.weighting import check_weights, weighted_mean, weighted_sums

Dims = Sequence[Hashable]
GRID: tuple[Hashable, Hashable] = ("latitude", "longitude")
DRY_LIMITS = (0.1, 0.85)


def acc(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    climatology: xr.DataArray,
    member_dim: Hashable = "member",
    dims: Dims = GRID,
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Anomaly correlation of the ensemble mean, uncentred, per field and then averaged.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        climatology: Mean that anomalies are departures from; its dims are among those of `analysis`.
        member_dim: See `ensemble_scores`.
        dims: Dimensions of one field.
        reduce: Of the other dimensions, to average over.
        weights: On dimensions of `dims`, such as `area_weights`.
        skip_missing: See `ensemble_scores`.

    Returns:
        -1 to 1; NaN where one of the fields has no anomaly.

    Source: Jolliffe and Stephenson (2012), Forecast Verification, 2nd edition, section 6.3.1; WMO-No. 485
    """
    statistics = ensemble_statistics(forecast, analysis, member_dim=member_dim, skip_missing=skip_missing, ranked=False)
    # The error is exact where forecast and analysis share a large offset; the mean in float32 would not be.
    observed = on_grid_of(analysis, statistics["error"]).astype(np.float64) - climatology
    predicted = statistics["error"].astype(np.float64) + observed
    observed = observed.where(predicted.notnull())
    sums = [
        weighted_mean(product, dims, weights, skip_missing=skip_missing)
        for product in (predicted * observed, predicted**2, observed**2)
    ]
    scale = (sums[1] * sums[2]) ** 0.5
    values = sums[0] / scale.where(scale > 0)
    return weighted_mean(values, reduce, None, skip_missing=skip_missing).rename("acc").drop_attrs()


def fss(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: float | xr.DataArray,
    window: int,
    member_dim: Hashable = "member",
    dims: tuple[Hashable, Hashable] = GRID,
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    strict: bool = True,
    periodic: Dims = (),
) -> xr.DataArray:
    """Fractions skill score: 1 - sum (p - o)2 / (sum p2 + sum o2), p and o means over windows.

    The forecast's p is the ensemble's probability of the event, averaged over the window; sums run over all windows
    that lie inside the field, and over `reduce`, before the ratio is taken.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        threshold: See `brier_score`.
        window: Side of the window in points, odd.
        member_dim: See `ensemble_scores`.
        dims: The two dimensions of one field.
        reduce: Of the other dimensions.
        weights: Of the centres of windows, such as `area_weights`.
        skip_missing: Leave out windows that touch a missing point.
        strict: See `brier_score`.
        periodic: Those of `dims` that close upon themselves, such as the longitude of a global grid.

    Returns:
        0 to 1; larger is better; NaN where the event neither happened nor was forecast.

    Source: Roberts and Lean (2008), doi:10.1175/2007MWR2123.1; Duc et al. (2013), doi:10.3402/tellusa.v65i0.18171
    """
    if window < 1 or window % 2 == 0 or any(window > forecast.sizes.get(dim, 0) for dim in dims):
        raise UnscorableError(f"window: expected an odd number within the field {list(dims)}, found {window}")
    counted = event_counts(
        forecast, analysis, threshold, member_dim=member_dim, strict=strict, skip_missing=skip_missing
    )
    probability, observed = (
        _window_mean(field, dims, window, periodic)
        for field in (counted["hits"] / counted["members"], counted["observed"])
    )
    every = [*dims, *reduce]
    if weights is not None:
        check_weights(weights, probability)
    above, below = (
        weighted_sums(
            field.where(_inside(field, dims, window, periodic), 0.0), every, weights, skip_missing=skip_missing
        )[0]
        for field in ((probability - observed) ** 2, probability**2 + observed**2)
    )
    return (1 - above / below.where(below > 0)).rename("fss").drop_attrs()


def seeps(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    dry_fraction: xr.DataArray,
    heavy_threshold: xr.DataArray,
    dry_threshold: float = 0.25,
    member_dim: Hashable = "member",
    reduce: Dims = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Stable equitable error in probability space, of 24-hour precipitation; the mean over members of each one's error.

    Args:
        forecast: In the unit of the thresholds; see `ensemble_scores`.
        analysis: See `ensemble_scores`.
        dry_fraction: p1, the climatological share of dry days; points outside 0.1 to 0.85 are not scored: they are
            missing, so `skip_missing` is what leaves them out.
        heavy_threshold: Climatological limit of heavy from light precipitation, which is twice as frequent.
        dry_threshold: Precipitation up to this is dry.
        member_dim: See `ensemble_scores`.
        reduce: See `ensemble_scores`.
        weights: See `ensemble_scores`.
        skip_missing: See `ensemble_scores`.

    Returns:
        0 for perfect, 1 for a forecast without skill.

    Source: Rodwell et al. (2010), doi:10.1002/qj.656, equation 15
    """
    forecast, analysis = paired(forecast, analysis, member_dim)
    analysis = on_grid_of(analysis, forecast)
    dry = dry_fraction.where((dry_fraction >= DRY_LIMITS[0]) & (dry_fraction <= DRY_LIMITS[1]))
    predicted, observed = (_category(field, heavy_threshold, dry_threshold) for field in (forecast, analysis))
    penalty = xr.zeros_like(predicted)
    for (found, truth), cost in _seeps_costs(dry).items():
        penalty = penalty + ((predicted == found) & (observed == truth)) * cost
    penalty = penalty.where(predicted.notnull() & observed.notnull())
    values = penalty.mean([member_dim], skipna=skip_missing)
    values = values.transpose(*(dim for dim in forecast.dims if dim != member_dim))
    return weighted_mean(values, reduce, weights, skip_missing=skip_missing).rename("seeps").drop_attrs()


def spread_skill_binned(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    edges: Sequence[float],
    member_dim: Hashable = "member",
    reduce: Dims,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.Dataset:
    """Error of the ensemble mean where the spread was small, larger, large.

    Args:
        forecast: At least 2 members; see `ensemble_scores`.
        analysis: See `ensemble_scores`.
        edges: Of the bins of spread (standard deviation, ddof 1), increasing; each holds its lower edge.
        member_dim: See `ensemble_scores`.
        reduce: Dimensions to collect over.
        weights: See `ensemble_scores`.
        skip_missing: Leave out missing points; otherwise one of them makes all bins NaN.

    Returns:
        Along `bin`: `spread` (root of the mean of (M+1)/M s2, as it is compared with the error), `rmse`, and `weight`.
        A reliable ensemble has equal numbers in both.

    Source: Leutbecher and Palmer (2008), doi:10.1016/j.jcp.2007.02.014
    """
    limits = np.asarray(edges, dtype=np.float64)
    if limits.ndim != 1 or limits.size < 2 or not np.all(np.diff(limits) > 0):
        raise UnscorableError(f"edges: expected at least 2 increasing numbers, found {list(edges)}")
    moments = ensemble_statistics(forecast, analysis, member_dim=member_dim, skip_missing=skip_missing, ranked=False)
    variance, members = moments["variance"].astype(np.float64), moments["members"].astype(np.float64)
    squares = moments["error"].astype(np.float64) ** 2
    known = variance.notnull() & squares.notnull()
    rows = []
    for low, high in pairwise(limits):
        chosen = ((variance**0.5 >= low) & (variance**0.5 < high)).where(known)
        total = weighted_sums(chosen, reduce, weights, skip_missing=skip_missing)[0]
        inflated = weighted_sums(
            chosen * variance * (members + 1) / members, reduce, weights, skip_missing=skip_missing
        )
        errors = weighted_sums(chosen * squares, reduce, weights, skip_missing=skip_missing)
        some = total.where(total > 0)
        rows.append(
            xr.Dataset({"spread": (inflated[0] / some) ** 0.5, "rmse": (errors[0] / some) ** 0.5, "weight": total})
        )
    result = xr.concat(rows, "bin").assign_coords(lower=("bin", limits[:-1]), upper=("bin", limits[1:]))
    units = {"units": forecast.attrs["units"]} if "units" in forecast.attrs else {}
    return result.assign({name: result[name].assign_attrs(units) for name in ("spread", "rmse")})


def _window_mean(field: xr.DataArray, dims: tuple[Hashable, Hashable], window: int, periodic: Dims) -> xr.DataArray:
    if field.chunks is not None:
        field = field.chunk(dict.fromkeys(dims, -1))
    mean: xr.DataArray = xr.apply_ufunc(
        _filtered,
        field,
        kwargs={"window": window, "wraps": tuple(dim in periodic for dim in dims)},
        input_core_dims=[list(dims)],
        output_core_dims=[list(dims)],
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return mean.transpose(*field.dims)


def _filtered(field: NDArray[Any], *, window: int, wraps: tuple[bool, bool]) -> NDArray[np.float64]:
    # A running sum would carry NaN along a whole row, so missing points are counted beside.
    missing = np.isnan(field)
    mean, absent = np.where(missing, 0.0, field), missing.astype(np.float64)
    for axis, wrap in zip((-2, -1), wraps, strict=True):
        mode = "wrap" if wrap else "constant"
        mean, absent = (uniform_filter1d(array, window, axis=axis, mode=mode) for array in (mean, absent))
    return np.where(absent > 0.5 / window**2, np.nan, mean)


def _inside(field: xr.DataArray, dims: tuple[Hashable, Hashable], window: int, periodic: Dims) -> xr.DataArray:
    half, inside = window // 2, xr.DataArray(True)
    for dim in dims:
        position = xr.DataArray(np.arange(field.sizes[dim]), dims=[dim])
        whole = (position >= half) & (position < field.sizes[dim] - half)
        inside = inside & (whole | (dim in periodic))
    return inside


def _category(field: xr.DataArray, heavy: xr.DataArray, dry: float) -> xr.DataArray:
    """0 dry, 1 light, 2 heavy; NaN where missing."""
    category = (field > dry).astype(np.float64) + ((field > dry) & (field > heavy)).astype(np.float64)
    return category.where(field.notnull() & heavy.notnull())


def _seeps_costs(dry: xr.DataArray) -> dict[tuple[int, int], xr.DataArray]:
    """Costs by (category forecast, category analysed)."""
    return {
        (0, 1): 1 / (1 - dry) / 2,
        (0, 2): 4 / (1 - dry) / 2,
        (1, 0): 1 / dry / 2,
        (1, 2): 3 / (1 - dry) / 2,
        (2, 0): (1 / dry + 3 / (2 + dry)) / 2,
        (2, 1): 3 / (2 + dry) / 2,
        **{(same, same): 0 * dry for same in range(3)},
    }
