"""Statistics of an ensemble as DataArrays, from one pass over its members, whatever their layout and chunks."""

import math
from collections.abc import Callable, Hashable
from itertools import pairwise
from types import ModuleType
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.arguments import aligned
from forecast.verification.checks import UnscorableError
from forecast.verification.ensemble_pass import kernels_numpy
from forecast.verification.ensemble_pass.infinite import mend_infinite
from forecast.verification.ensemble_pass.threads import in_pieces
from forecast.verification.set_aside import placed
from forecast.verification.thresholds import Threshold, comparison_precision, highest_not_above, limits

kernels: ModuleType | None
try:
    from forecast.verification.ensemble_pass import kernels as compiled_kernels
except ImportError:  # no numba for this platform: the same results, slower
    kernels = None
else:
    kernels = compiled_kernels


FLOATS = ("mean", "error", "variance", "crps", "fair_crps")
COUNTS = ("members", "below", "equal")
EVENTS = ("exceedances", "brier", "fair_brier")
Depth = Literal["counts", "error", "variance", "crps"]
SUMS: dict[Depth, tuple[str, ...]] = {"counts": (), "error": FLOATS[:2], "variance": FLOATS[:3], "crps": FLOATS}
"""What the members are summed to, beside counts and events: the less is asked for, the less the pass costs."""
COPY_BYTES = 16_777_216
"""Bytes of the pieces in which a layout is copied that the pass cannot read in place."""
SHORT = 32
"""Number of points in a row below which the vector units would idle."""


@aligned()
def ensemble_statistics(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    threshold: Threshold | None = None,
    skip_missing: bool = False,
    ranked: bool = True,
) -> xr.Dataset:
    """Everything that sums, sorts or counts the members of each point, from one read of the ensemble.

    Args:
        forecast: Ensemble: `member_dim` and any other dimensions, in any order; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        threshold: Thresholds of events, in the unit of `forecast`: a number, several, or None for no events; an event
            is a value above its threshold, which is rounded to the precision of the fields.
        skip_missing: True takes the members that a point has; False makes its floats NaN if one is missing.
        ranked: False does not sort the members, which is faster, and leaves `crps` and `fair_crps` undefined.

    Returns:
        Of each point, in the precision of `forecast`: `mean`; `error` (mean less analysis, exact at any offset);
        `variance` (divided by M - 1); `crps` (with M M in place of M (M - 1)) and `fair_crps`. As integers: the number
        of `members` that are there, and of those `below` and `equal` to the analysis. Along `threshold`, if there are
        any: `exceedances` (members above it), `brier` and `fair_brier`. Floats are NaN where the analysis is missing,
        except `mean` and `variance`.

    Raises:
        UnscorableError: `forecast` and `analysis` do not fit together, or a threshold is not a number.

    Source: Hersbach (2000), doi:10.1175/1520-0434(2000)015<0559:DOTCRP>2.0.CO;2; Ferro (2014), doi:10.1002/qj.2270
    """
    statistics = xr.Dataset(
        point_statistics(
            forecast,
            analysis,
            member_dim,
            "crps" if ranked else "variance",
            threshold=threshold,
            skip_missing=skip_missing,
        )
    )
    if ranked:
        return statistics
    unknown = xr.full_like(statistics["mean"], np.nan)
    return statistics.assign(crps=unknown, fair_crps=unknown)


def point_statistics(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    member_dim: Hashable | None,
    depth: Depth,
    *,
    threshold: Threshold | None = None,
    skip_missing: bool = False,
) -> dict[str, xr.DataArray]:
    """Those of the `ensemble_statistics` that a score needs, from one read of the ensemble.

    Args:
        forecast: Ensemble on the grid of `analysis`, as `aligned` hands it to a score.
        analysis: Verifying analysis, or other numbers to count members below, likewise.
        member_dim: Name of the dimension of the members.
        depth: What is computed beside counts and events: nothing (`"counts"`); mean and `"error"`; these and the
            `"variance"`; or these and the `"crps"`, which sorts the members.
        threshold: Thresholds of events, the same at all points; None for no events.
        skip_missing: True takes the members that a point has; False makes its floats NaN if one is missing.

    Returns:
        By name, as of `ensemble_statistics`.

    Raises:
        UnscorableError: A threshold is not a number.
    """
    limit = _same_everywhere(threshold, comparison_precision(forecast, analysis), forecast)
    members, along = forecast.sizes[member_dim], limit.dims[0]
    names, precision, integers = (
        SUMS[depth],
        pass_precision(forecast),
        np.dtype(np.int16 if members < 2**15 else np.int32),
    )
    outputs = xr.apply_ufunc(
        _statistics,
        forecast.variable,
        analysis.variable,
        kwargs={
            "thresholds": tuple(highest_not_above(limit.values, precision).tolist()),
            "least": 1 if skip_missing else members,
            "sums": len(names),
        },
        input_core_dims=[[member_dim], []],
        output_core_dims=[[]] * (len(names) + len(COUNTS)) + [[along]] * len(EVENTS),
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {along: limit.size}},
        output_dtypes=[precision] * len(names) + [integers] * (len(COUNTS) + 1) + [precision] * 2,
    )
    wanted = (*names, *COUNTS, *(EVENTS if limit.size else ()))
    return {name: placed(output, analysis, limit) for name, output in zip(wanted, outputs, strict=False)}


def _same_everywhere(threshold: Threshold | None, precision: np.dtype[Any], forecast: xr.DataArray) -> xr.DataArray:
    """Thresholds along one dimension of their own."""
    if threshold is None:
        return xr.DataArray(np.empty(0, precision), dims=["no_threshold"])
    limit = limits("threshold", threshold, precision)
    if limit.size == 0:
        return _same_everywhere(None, precision, forecast)
    if limit.ndim == 0:
        return limit.expand_dims("threshold")
    if limit.ndim > 1 or limit.dims[0] in forecast.dims:
        raise UnscorableError(
            f"threshold: expected numbers, the same at all points, found a field of {list(limit.dims)}; brier_score "
            "and rps take fields"
        )
    return limit


def pass_precision(forecast: xr.DataArray | NDArray[Any]) -> np.dtype[Any]:
    """Return the precision that the pass compares and returns numbers in.

    Args:
        forecast: Ensemble.
    """
    return np.dtype(np.float32 if forecast.dtype in (np.float32, np.float16) else np.float64)


def _statistics(
    ensemble: NDArray[Any], analysis: NDArray[Any], *, thresholds: tuple[float, ...], least: int, sums: int
) -> tuple[NDArray[Any], ...]:
    """Statistics of one block with members on the last axis, as `apply_ufunc` passes it."""
    if ensemble.ndim == 1:
        of_one = _statistics(ensemble[None], analysis[None], thresholds=thresholds, least=least, sums=sums)
        return tuple(field[0] for field in of_one)
    dtype = pass_precision(ensemble)
    order = np.argsort([-abs(stride) for stride in ensemble.strides[:-1]], kind="stable")
    position = sum(abs(stride) > abs(ensemble.strides[-1]) for stride in ensemble.strides[:-1])
    axes = [*order[:position], ensemble.ndim - 1, *order[position:]]
    observed = np.ascontiguousarray(np.transpose(analysis, order), dtype)
    floats = np.empty((sums + 2 * len(thresholds), *observed.shape), dtype)
    integers = np.int16 if ensemble.shape[-1] < 2**15 else np.int32
    counts = np.empty((len(COUNTS) + len(thresholds), *observed.shape), integers)
    ordered = np.require(np.transpose(ensemble, axes).astype(dtype, copy=False), requirements="A")
    finite = _fill(ordered, position, observed, np.asarray(thresholds, dtype), floats, counts, least)
    if sums and not finite:
        mend_infinite(np.moveaxis(ordered, position, -1), observed, floats[:sums], counts, least)
    back = np.argsort(order)
    fields = [np.transpose(field, back) for field in (*floats[:sums], *counts[: len(COUNTS)])]
    per_event = (counts[len(COUNTS) :], *np.split(floats[sums:], 2))
    return (*fields, *(np.transpose(field, [*(back + 1), 0]) for field in per_event))


def _fill(
    ensemble: NDArray[Any],
    position: int,
    observed: NDArray[Any],
    thresholds: NDArray[Any],
    floats: NDArray[Any],
    counts: NDArray[Any],
    least: int,
) -> bool:
    """Run the pass in place; copy the ensemble into another layout only where it must be, and piece by piece.

    Args:
        ensemble: Members, with axes in the order of memory.
        position: Axis of the members.
        observed: Verifying values, on the other axes of `ensemble`.
        thresholds: Thresholds of the events.
        floats: To be filled: statistics first, then the axes of `observed`.
        counts: To be filled: statistics first, then the axes of `observed`.
        least: Number of valid members below which the floats of a point are missing.

    Returns:
        Whether all members are known to be there and all numbers finite.
    """
    blocks = _three_axes(ensemble, position)
    if blocks is None and ensemble.nbytes > COPY_BYTES and observed.shape[0] > 1:
        middle, finite = observed.shape[0] // 2, True
        for half in (slice(None, middle), slice(middle, None)):
            part = ensemble[half] if position > 0 else ensemble[:, half]
            whole = (slice(None), half)
            finite &= _fill(part, position, observed[half], thresholds, floats[whole], counts[whole], least)
        return finite
    if blocks is None:
        blocks = np.ascontiguousarray(np.moveaxis(ensemble, position, 0)).reshape(1, ensemble.shape[position], -1)
    shape = (blocks.shape[0], blocks.shape[2])
    filled = (floats.reshape(len(floats), *shape), counts.reshape(len(counts), *shape))
    return _run_in_pieces(blocks, observed.reshape(shape), thresholds, *filled, least)


def _run_in_pieces(
    blocks: NDArray[Any],
    observed: NDArray[Any],
    thresholds: NDArray[Any],
    floats: NDArray[Any],
    counts: NDArray[Any],
    least: int,
) -> bool:
    """Divide the longer axis of points among threads."""
    outer, members, inner = blocks.shape
    run = _runner(members, floats.dtype, counts.dtype)

    def work(part: slice) -> bool:
        if outer > inner:
            return run(blocks[part], observed[part], thresholds, floats[:, part], counts[:, part], least)
        along = (..., part)
        return run(blocks[along], observed[along], thresholds, floats[along], counts[along], least)

    return all(in_pieces(work, max(outer, inner), blocks.nbytes))


def _runner(members: int, precision: np.dtype[Any], integers: np.dtype[Any]) -> Callable[..., bool]:
    if kernels is None:
        return kernels_numpy.ensemble_pass
    network, sort = kernels.sorting(members, precision)
    compiled = kernels.ensemble_pass(precision, integers)

    def run(
        blocks: NDArray[Any],
        observed: NDArray[Any],
        thresholds: NDArray[Any],
        floats: NDArray[Any],
        counts: NDArray[Any],
        least: int,
    ) -> bool:
        return bool(compiled(blocks, observed, thresholds, network, sort, floats, counts, least))

    return run


def _three_axes(array: NDArray[Any], position: int) -> NDArray[Any] | None:
    """View the same memory as (outer, members, inner); None where that needs a copy or would be slow."""
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
