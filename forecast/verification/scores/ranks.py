"""Rank histograms: where the analysis falls among the members, and whether it falls there evenly."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import scipy
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, check_reduce
from forecast.verification.datasets import for_each_variable
from forecast.verification.ensemble_pass.statistics import point_statistics
from forecast.verification.set_aside import combined, placed
from forecast.verification.variables import ratio
from forecast.verification.weighting import for_each_weight, point_weights


@aligned()
def rank_histogram(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
) -> xr.DataArray:
    """Share of analyses that exceed 0, 1, ... M members.

    An analysis that equals e members has e + 1 ranks that are equally right, and counts 1 / (e + 1) in each: the
    expected value of drawing one of them at random, without the draw.

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the dimensions to count over, such as `("latitude", "longitude")`; empty gives each point
            shares of its own.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        weights: Weights of the points, 0 or more, on any dimensions of `analysis`, such as
            `area_weights(forecast["latitude"])`; None weighs each alike. A point of weight 0 does not count, whatever
            it holds.
        skip_missing: True leaves out points that lack a member or the analysis, as their ranks are other ranks; False
            makes every histogram NaN that such a point goes into.

    Returns:
        Shares along `rank` (0 to M) and the dimensions that are left; their sum is 1. They are alike if members and
        analysis are drawn alike; a bowl means too little spread, a slope a bias.

    Raises:
        UnscorableError: `forecast` and `analysis` do not fit together, or `reduce` or `weights` do not fit them.

    Source: Hamill (2001), doi:10.1175/1520-0493(2001)129<0550:IORHFV>2.0.CO;2
    """
    statistics = point_statistics(forecast, analysis, member_dim, "counts", skip_missing=skip_missing)
    members, below = forecast.sizes[member_dim], statistics["below"]
    # An infinite member has a rank, though the mean has no error.
    known = combined(lambda count, seen: (count == members) & seen.notnull(), statistics["members"], analysis)

    def shares(weights: xr.DataArray | None) -> xr.DataArray:
        weight = point_weights(weights, below, known, skip_missing=skip_missing)
        counts = histogram(below, statistics["equal"], weight, reduce, members)
        total = combined(lambda each: each.sum(list(reduce), skipna=False), weight)
        share = combined(ratio, counts, total)
        return share.assign_coords(rank=np.arange(members + 1))

    return for_each_weight(weights, below, shares).rename("rank_histogram")


@for_each_variable
def rank_histogram_test(histogram: xr.DataArray, *, cases: float) -> xr.Dataset:
    """Chi-squared test of whether a rank histogram is flat: as a whole, and of its slope and its bowl.

    Args:
        histogram: Shares along `rank`, from `rank_histogram`, of at least 3 ranks.
        cases: Number of independent cases that it was made of: fewer than its points where neighbours or times are
            alike.

    Returns:
        Along `part`: `all`, `slope` (which a bias makes) and `bowl` (which too little or too much spread makes). Their
        `statistic`, and the `p_value`: the chance of one at least as large from a flat histogram.

    Raises:
        UnscorableError: There are fewer than 3 ranks.

    Source: Jolliffe and Primo (2008), doi:10.1175/2007MWR2219.1
    """
    bins = histogram.sizes.get("rank", 0)
    if bins < 3:
        raise UnscorableError(f"rank histogram: expected at least 3 ranks, found {bins}")
    parts = _chi_squared_parts((histogram - 1.0 / bins) * np.sqrt(cases * bins))
    statistic = xr.concat(list(parts.values()), xr.DataArray(list(parts), dims="part", name="part"))
    freedom = xr.DataArray([bins - 1, 1, 1], dims="part")
    p_value = xr.apply_ufunc(scipy.stats.chi2.sf, statistic, freedom, dask="parallelized", output_dtypes=[np.float64])
    return xr.Dataset({"statistic": statistic, "p_value": p_value})


def _chi_squared_parts(departure: xr.DataArray) -> dict[str, xr.DataArray]:
    """Squares of standardised departures from a flat histogram: all, and those along a slope and along a bowl."""
    position = np.linspace(-1.0, 1.0, departure.sizes["rank"])
    bowl = position**2 - np.mean(position**2)
    parts = {"all": (departure**2).sum("rank", skipna=False)}
    for name, shape in (("slope", position), ("bowl", bowl)):
        unit = xr.DataArray(shape / np.sqrt(np.sum(shape**2)), dims="rank")
        parts[name] = (departure * unit).sum("rank", skipna=False) ** 2
    return parts


def histogram(
    below: xr.DataArray,
    equal: xr.DataArray | None,
    weight: xr.DataArray,
    reduce: Dims,
    members: int,
    *,
    along: str = "rank",
) -> xr.DataArray:
    """Sums of weight over classes 0 to M.

    Args:
        below: First class of each point, a whole number from 0 to M.
        equal: Number of further classes that share the weight of the point, each alike; None for none at all points.
        weight: Weight of each point; dims in the order of `below`.
        reduce: Names of the dimensions to sum over.
        members: Last class M.
        along: Name of the dimension of the classes.

    Returns:
        Float64, along that dimension and the dimensions that are left; lazy, chunk by chunk, where `below` is.

    Raises:
        UnscorableError: A dimension of `reduce` is unknown.
    """
    check_reduce(reduce, below)
    kept = [dim for dim in below.dims if dim not in reduce]
    axes = tuple(below.get_axis_num(dim) for dim in reduce)
    sums = _histogram(below, equal, weight, axes, members)
    return placed(xr.Variable([*kept, along], sums), below)


def _histogram(
    below: xr.DataArray, equal: xr.DataArray | None, weight: xr.DataArray, axes: tuple[int, ...], members: int
) -> Any:
    ties = None if equal is None else equal.data
    if below.chunks is None:
        return block_histogram(below.data, ties, weight.values, axes, members).sum(axis=axes)
    alike = weight.chunk(dict(zip(below.dims, below.chunks, strict=True)))
    chunks = [(1,) * len(sizes) if axis in axes else sizes for axis, sizes in enumerate(below.chunks)]
    blocks = below.data.map_blocks(
        block_histogram,
        ties,
        alike.data,
        axes=axes,
        members=members,
        dtype=np.float64,
        chunks=(*chunks, (members + 1,)),
        new_axis=below.ndim,
        meta=np.empty((0,) * (below.ndim + 1)),
    )
    return blocks.sum(axis=axes)


def block_histogram(
    below: NDArray[Any], equal: NDArray[Any] | None, weight: NDArray[np.float64], axes: tuple[int, ...], members: int
) -> NDArray[np.float64]:
    """Sums of weight over classes 0 to M, of one block.

    Args:
        below: First class of each point, 0 to M, such as the number of members below the analysis.
        equal: Number of further classes that share the weight of the point, such as that of members equal to it.
        weight: Weight of each point, the shape of `below`.
        axes: Axes to sum over; they are kept with size 1.
        members: Last class M.

    Returns:
        Sums on the axes of `below`, then classes 0 to M.
    """
    shape = [1 if axis in axes else below.shape[axis] for axis in range(below.ndim)]
    size = int(np.prod(shape)) * (members + 1)
    first = np.arange(0, size, members + 1).reshape(shape) + below
    single = True if equal is None else equal == 0
    if equal is None or np.all(single):
        totals = np.bincount(first.ravel(), weights=weight.ravel(), minlength=size)
        return np.asarray(totals, dtype=np.float64).reshape(*shape, members + 1)
    sums = np.zeros(size) + np.bincount(first[single], weights=weight[single], minlength=size)
    ties, start, share = equal[~single].astype(np.int64), first[~single], weight[~single]
    for rank in range(int(ties.max(initial=-1)) + 1):
        reached = ties >= rank
        sums += np.bincount(start[reached] + rank, weights=(share / (ties + 1))[reached], minlength=size)
    return np.asarray(sums, dtype=np.float64).reshape(*shape, members + 1)
