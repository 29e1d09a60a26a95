"""The fused pass on DataArrays: layouts, chunks and names around `kernels`."""

import math
from collections.abc import Hashable, Sequence
from importlib import import_module
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.checks import on_grid_of, paired
from forecast.verification.ensemble_pass import kernels_numpy

kernels: ModuleType | None


try:
    kernels = import_module("forecast.verification.ensemble_pass.kernels")
except ImportError:  # no numba for this platform: the same results, slower
    kernels = None


FLOATS = ("mean", "error", "variance", "crps", "fair_crps")
COUNTS = ("members", "below", "equal")
EVENTS = ("exceedances", "brier", "fair_brier")
COPY_BYTES = 16_777_216
"""A layout that the pass cannot read in place is copied in pieces of this size."""
SHORT = 32
"""Points in a row below which the vector units would idle."""


def ensemble_statistics(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable = "member",
    thresholds: Sequence[float] = (),
    skip_missing: bool = False,
    ranked: bool = True,
) -> xr.Dataset:
    """Everything that sums, sorts or counts members, from one read of the ensemble.

    Args:
        forecast: Has `member_dim`; NumPy or Dask inside, any order of dimensions.
        analysis: Dims of `forecast` less `member_dim`; same units.
        member_dim: Dimension of the members.
        thresholds: Events to score, in units of `forecast`; an event is a value strictly above.
        skip_missing: Score a point by the members that it has; otherwise a missing member makes it missing.
        ranked: Sort the members; without, the CRPS is not computed and the pass is faster.

    Returns:
        Per point, in the forecast's precision: `mean`, `error` (mean - analysis, exact at any offset), `variance`
        (ddof 1), `crps` (plain), `fair_crps`; as integers: `members` (that are there), `below` and `equal` (members
        against the analysis, the two numbers that a rank with ties is drawn from); and for `thresholds`, along
        `threshold`: `exceedances`, `brier` and `fair_brier`. Floats are NaN where the analysis is missing, except
        `mean` and `variance`.

    Raises:
        UnscorableError: The two do not fit together.

    Source: Hersbach (2000), doi:10.1175/1520-0434(2000)015<0559:DOTCRP>2.0.CO;2; Ferro (2014), doi:10.1002/qj.2270
    """
    forecast, analysis = paired(forecast, analysis, member_dim)
    members = forecast.sizes[member_dim]
    precision, integers = _precision(forecast.dtype), np.dtype(np.int16 if members < 2**15 else np.int32)
    outputs = xr.apply_ufunc(
        _statistics,
        forecast,
        on_grid_of(analysis, forecast),
        kwargs={"thresholds": tuple(thresholds), "least": 1 if skip_missing else members, "ranked": ranked},
        input_core_dims=[[member_dim], []],
        output_core_dims=[[]] * (len(FLOATS) + len(COUNTS)) + [["threshold"]] * len(EVENTS),
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {"threshold": len(thresholds)}},
        output_dtypes=[precision] * len(FLOATS) + [integers] * (len(COUNTS) + 1) + [precision] * 2,
    )
    result = xr.Dataset(dict(zip((*FLOATS, *COUNTS, *EVENTS), outputs, strict=True)))
    if not thresholds:
        return result.drop_vars(EVENTS)
    return result.assign_coords(threshold=list(thresholds))


def _precision(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float32 if dtype in (np.float32, np.float16) else np.float64)


def _statistics(
    ensemble: NDArray[Any], analysis: NDArray[Any], *, thresholds: tuple[float, ...], least: int, ranked: bool
) -> tuple[NDArray[Any], ...]:
    """Statistics of one block, members on the last axis as `apply_ufunc` hands it over."""
    dtype = _precision(ensemble.dtype)
    order = np.argsort([-abs(stride) for stride in ensemble.strides[:-1]], kind="stable")
    position = sum(abs(stride) > abs(ensemble.strides[-1]) for stride in ensemble.strides[:-1])
    axes = [*order[:position], ensemble.ndim - 1, *order[position:]]
    observed = np.ascontiguousarray(np.transpose(analysis, order), dtype)
    floats = np.empty((len(FLOATS) + 2 * len(thresholds), *observed.shape), dtype)
    integers = np.int16 if ensemble.shape[-1] < 2**15 else np.int32
    counts = np.empty((len(COUNTS) + len(thresholds), *observed.shape), integers)
    events = np.asarray(thresholds, dtype)
    ordered = np.require(np.transpose(ensemble, axes).astype(dtype, copy=False), requirements="A")
    _fill(ordered, position, observed, events, floats, counts, least=least, ranked=ranked)
    back = np.argsort(order)
    fields = [np.transpose(field, back) for field in (*floats[: len(FLOATS)], *counts[: len(COUNTS)])]
    per_event = (counts[len(COUNTS) :], *np.split(floats[len(FLOATS) :], 2))
    return (*fields, *(np.transpose(field, [*(back + 1), 0]) for field in per_event))


def _fill(
    ensemble: NDArray[Any],
    position: int,
    observed: NDArray[Any],
    thresholds: NDArray[Any],
    floats: NDArray[Any],
    counts: NDArray[Any],
    *,
    least: int,
    ranked: bool,
) -> None:
    """Run the pass where the memory lies; copy into another layout only piece by piece.

    Args:
        ensemble: Axes in the order of memory.
        position: Axis of the members.
        observed: The other axes of `ensemble`.
        thresholds: Of the events.
        floats: To be filled; the axes of `observed` after the first.
        counts: To be filled; the axes of `observed` after the first.
        least: Valid members below which a point is missing.
        ranked: Sort the members.
    """
    blocks = _three_axes(ensemble, position)
    if blocks is None and ensemble.nbytes > COPY_BYTES and observed.shape[0] > 1:
        middle = observed.shape[0] // 2
        for half in (slice(None, middle), slice(middle, None)):
            part = ensemble[half] if position > 0 else ensemble[:, half]
            whole = (slice(None), half)
            _fill(part, position, observed[half], thresholds, floats[whole], counts[whole], least=least, ranked=ranked)
        return
    if blocks is None:
        blocks = np.ascontiguousarray(np.moveaxis(ensemble, position, 0)).reshape(1, ensemble.shape[position], -1)
    shape = (blocks.shape[0], blocks.shape[2])
    _run(
        blocks,
        observed.reshape(shape),
        thresholds,
        floats.reshape(len(floats), *shape),
        counts.reshape(len(counts), *shape),
        least,
        ranked,
    )


def _run(
    blocks: NDArray[Any],
    observed: NDArray[Any],
    thresholds: NDArray[Any],
    floats: NDArray[Any],
    counts: NDArray[Any],
    least: int,
    ranked: bool,
) -> None:
    if kernels is None:
        kernels_numpy.ensemble_pass(blocks, observed, thresholds, floats, counts, least, ranked=ranked)
        return
    network = kernels.block_network(blocks.shape[1])
    compiled = kernels.ensemble_pass(floats.dtype, counts.dtype)
    compiled(blocks, observed, thresholds, network, floats, counts, least, ranked)


def _three_axes(array: NDArray[Any], position: int) -> NDArray[Any] | None:
    """(outer, members, inner) on the same memory, or None where that needs a copy or would be slow."""
    before, after = array.shape[:position], array.shape[position + 1 :]
    if not (_mergeable(array, range(position)) and _mergeable(array, range(position + 1, array.ndim))):
        return None
    merged = array.reshape(math.prod(before), array.shape[position], math.prod(after))
    if merged.shape[2] == 1:
        return merged.transpose(2, 1, 0)
    return merged if merged.shape[2] >= SHORT or merged.shape[0] == 1 else None


def _mergeable(array: NDArray[Any], axes: range) -> bool:
    wide = [axis for axis in axes if array.shape[axis] != 1]
    return all(array.strides[a] == array.strides[b] * array.shape[b] for a, b in pairwise(wide))
