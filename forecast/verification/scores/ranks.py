"""Where the analysis falls among the members."""

from collections.abc import Hashable, Sequence
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import chi2

from forecast.verification.checks import UnscorableError
from forecast.verification.ensemble_pass.statistics import ensemble_statistics
from forecast.verification.weighting import check_weights


def rank_histogram(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    reduce: Sequence[Hashable] = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Share of analyses that exceed 0, 1, ... M members; flat if members and analysis are drawn alike.

    An analysis that equals e members has e + 1 ranks that are equally right, and counts 1/(e+1) in each: the expected
    value of drawing one at random, without the draw.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        member_dim: Dimension of the members.
        reduce: Dimensions to count over; empty gives each point its own (M+1) shares.
        weights: Weights of the points; None weighs each alike.
        skip_missing: Leave out points where a member or the analysis is missing, as their ranks are other ranks;
            otherwise one of them makes the histogram NaN.

    Returns:
        Along `rank` (0 to M); sums to 1.

    Source: Hamill (2001), doi:10.1175/1520-0493(2001)129<0550:IORHFV>2.0.CO;2
    """
    counts, weight = rank_sums(
        forecast, analysis, member_dim=member_dim, reduce=reduce, weights=weights, skip_missing=skip_missing
    )
    return (counts / weight.where(weight > 0)).rename("rank_histogram")


def rank_sums(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    reduce: Sequence[Hashable] = (),
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> tuple[xr.DataArray, xr.DataArray]:
    """Sums of weight per rank, and in all; those of two periods or regions add to those of both.

    Args:
        forecast: See `rank_histogram`.
        analysis: See `rank_histogram`.
        member_dim: See `rank_histogram`.
        reduce: See `rank_histogram`.
        weights: See `rank_histogram`.
        skip_missing: See `rank_histogram`.

    Returns:
        Weight along `rank`, and total weight; float64.
    """
    statistics = ensemble_statistics(forecast, analysis, member_dim=member_dim, skip_missing=skip_missing, ranked=False)
    return rank_sums_of(statistics, forecast.sizes[member_dim], reduce, weights, skip_missing=skip_missing)


def rank_sums_of(
    statistics: xr.Dataset,
    members: int,
    reduce: Sequence[Hashable],
    weights: xr.DataArray | None,
    *,
    skip_missing: bool,
) -> tuple[xr.DataArray, xr.DataArray]:
    """Sums of weight per rank from statistics that exist already.

    Args:
        statistics: From `ensemble_statistics`.
        members: Ensemble size M.
        reduce: See `rank_histogram`.
        weights: See `rank_histogram`.
        skip_missing: See `rank_histogram`.

    Returns:
        Weight along `rank`, and total weight; float64.
    """
    below = statistics["below"]
    if weights is not None:
        check_weights(weights, below)
    known = (statistics["members"] == members) & statistics["error"].notnull()
    weight = xr.ones_like(below, dtype=np.float64) if weights is None else weights.broadcast_like(below)
    weight = weight.transpose(*below.dims).astype(np.float64)
    weight = weight.where(known, 0.0) if skip_missing else weight.where(known | (weight == 0.0))
    ranks = histogram(below, statistics["equal"], weight, reduce, members)
    return ranks, weight.sum(list(reduce), skipna=False)


def histogram(
    below: xr.DataArray, equal: xr.DataArray, weight: xr.DataArray, reduce: Sequence[Hashable], members: int
) -> xr.DataArray:
    """Sums of weight over classes 0 to M.

    Args:
        below: First class of each point.
        equal: How many further classes share its weight, each alike.
        weight: Of each point; dims in the order of `below`.
        reduce: Dimensions to sum over.
        members: Last class M.

    Returns:
        Float64, along `rank`; lazily, chunk by chunk, where `below` is.
    """
    unknown = [dim for dim in reduce if dim not in below.dims]
    if unknown:
        raise UnscorableError(f"reduce: expected dimensions among {list(below.dims)}, found {unknown}")
    kept = [dim for dim in below.dims if dim not in reduce]
    axes = tuple(below.get_axis_num(dim) for dim in reduce)
    sums = _histogram(below.data, equal.data, weight.data, axes, members)
    coords = {name: coord for name, coord in below.coords.items() if set(coord.dims) <= set(kept)}
    return xr.DataArray(sums, dims=[*kept, "rank"], coords={**coords, "rank": np.arange(members + 1)})


def _histogram(below: Any, equal: Any, weight: Any, axes: tuple[int, ...], members: int) -> Any:
    if not isinstance(below, da.Array):
        return block_histogram(below, equal, np.asarray(weight), axes, members).sum(axis=axes)
    weight = da.asarray(weight).rechunk(below.chunks)  # type: ignore[no-untyped-call]
    chunks = [(1,) * len(sizes) if axis in axes else sizes for axis, sizes in enumerate(below.chunks)]
    blocks = da.map_blocks(  # type: ignore[no-untyped-call]
        block_histogram,
        below,
        equal,
        weight,
        axes=axes,
        members=members,
        dtype=np.float64,
        chunks=(*chunks, (members + 1,)),
        new_axis=below.ndim,
        meta=np.empty((0,) * (below.ndim + 1)),
    )
    return blocks.sum(axis=axes)


def block_histogram(
    below: NDArray[Any], equal: NDArray[Any], weight: NDArray[np.float64], axes: tuple[int, ...], members: int
) -> NDArray[np.float64]:
    """Weight per rank of one block.

    Args:
        below: Members below the analysis.
        equal: Members equal to it.
        weight: Of each point.
        axes: To sum over; kept with one entry.
        members: Ensemble size M.

    Returns:
        The axes of `below`, then ranks 0 to M.
    """
    kept = [axis for axis in range(below.ndim) if axis not in axes]
    shape = [1 if axis in axes else below.shape[axis] for axis in range(below.ndim)]
    cells = np.arange(int(np.prod(shape))).reshape(shape) * (members + 1)
    first = np.broadcast_to(cells, below.shape) + below if kept else below.astype(np.int64)
    size = int(np.prod(shape)) * (members + 1)
    single = equal == 0
    sums = np.zeros(size)
    sums += np.bincount(first[single], weights=weight[single], minlength=size)
    ties, start, share = equal[~single].astype(np.int64), first[~single], weight[~single]
    for rank in range(int(ties.max(initial=-1)) + 1):
        reached = ties >= rank
        sums += np.bincount(start[reached] + rank, weights=(share / (ties + 1))[reached], minlength=size)
    return np.asarray(sums, dtype=np.float64).reshape(*shape, members + 1)


def rank_histogram_test(histogram: xr.DataArray, *, cases: float) -> xr.Dataset:
    """Is a rank histogram flat? Chi-squared test, whole and of its slope (bias) and bowl (spread).

    Args:
        histogram: From `rank_histogram`, at least 3 ranks.
        cases: Independent cases that it was made of: fewer than its points where neighbours or times are alike.

    Returns:
        Along `part` (`all`, `slope`, `bowl`): `statistic`, and `p_value`: the chance of one as large from a flat one.

    Source: Jolliffe and Primo (2008), doi:10.1175/2007MWR2219.1
    """
    bins = histogram.sizes["rank"]
    if bins < 3:
        raise UnscorableError(f"rank histogram: expected at least 3 ranks, found {bins}")
    position = np.linspace(-1.0, 1.0, bins)
    bowl = position**2 - np.mean(position**2)
    departure = (histogram - 1.0 / bins) * np.sqrt(cases * bins)
    parts = {"all": (departure**2).sum("rank", skipna=False)}
    for name, shape in (("slope", position), ("bowl", bowl)):
        unit = xr.DataArray(shape / np.sqrt(np.sum(shape**2)), dims="rank")
        parts[name] = (departure * unit).sum("rank", skipna=False) ** 2
    statistic = xr.concat(list(parts.values()), xr.DataArray(list(parts), dims="part", name="part"))
    freedom = xr.DataArray([bins - 1, 1, 1], dims="part")
    p_value = xr.apply_ufunc(chi2.sf, statistic, freedom, dask="parallelized", output_dtypes=[np.float64])
    return xr.Dataset({"statistic": statistic, "p_value": p_value})
