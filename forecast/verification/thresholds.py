"""Thresholds of events, and the one comparison of a field with them: in the precision of the fields.

A field in float32 holds 0.1 as float32(0.1), which is more than 0.1: compared with the number itself, all its values
equal to the threshold would be above it.
"""

from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from forecast.verification.checks import UnscorableError

Threshold = float | Iterable[float] | NDArray[Any] | xr.DataArray
"""A number, several numbers, or a field of thresholds."""


def comparison_precision(*fields: xr.DataArray) -> np.dtype[Any]:
    """Return the precision in which fields are compared with thresholds: the coarsest of their float types.

    Args:
        fields: Forecast and analysis; integers are exact, and are compared in float64 among themselves.
    """
    floats = [field.dtype for field in fields if field.dtype.kind == "f"]
    return min(floats, key=lambda dtype: dtype.itemsize) if floats else np.dtype(np.float64)


def limits(role: str, threshold: Threshold, precision: np.dtype[Any]) -> xr.DataArray:
    """Thresholds as a DataArray, rounded to the precision of the fields that are compared with them.

    Args:
        role: Name of the argument, with which a message begins.
        threshold: A number; several in a sequence or a one-dimensional array; or a DataArray on any dimensions.
        precision: From `comparison_precision`.

    Returns:
        Without dimensions for a number; along `threshold`, with the given numbers as coordinate, for several.

    Raises:
        UnscorableError: It is none of these.
    """
    if isinstance(threshold, xr.DataArray):
        _check_kind(role, threshold.dtype, threshold)
        return threshold.astype(precision)
    try:
        numbers = np.asarray(threshold if isinstance(threshold, np.ndarray | str) else _listed(threshold))
    except ValueError:
        numbers = np.asarray("numbers of unequal length")
    _check_kind(role, numbers.dtype if numbers.size else np.dtype(float), threshold)
    if numbers.ndim > 1:
        raise UnscorableError(
            f"{role}: expected a number, several, or a DataArray with named dimensions, found {numbers.ndim} dimensions"
        )
    coords = {"threshold": numbers} if numbers.ndim else None
    with np.errstate(over="ignore"):
        return xr.DataArray(numbers.astype(precision), dims=["threshold"][: numbers.ndim], coords=coords)


Field = TypeVar("Field", xr.DataArray, NDArray[Any])


def exceeds(field: Field, limit: Field, *, strict: bool = True) -> Field:
    """Whether the event happens: a value above the threshold.

    Args:
        field: Forecast or analysis.
        limit: Thresholds from `limits`, in the precision to compare in.
        strict: True: the event is a value above the threshold; False: at or above it.
    """
    field = field.astype(limit.dtype, copy=False)
    return field > limit if strict else field >= limit


def highest_not_above(limit: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return thresholds for numbers of a finer type that give the events of the coarser type.

    A number of the finer type is above the result just where, rounded to the type of `limit`, it is above `limit`.

    Args:
        limit: Thresholds in the precision of the comparison.
        dtype: Type of the numbers that are compared, such as float64 for a float64 forecast of a float32 analysis.
    """
    if np.dtype(dtype).itemsize <= limit.dtype.itemsize:
        return limit.astype(dtype)
    with np.errstate(over="ignore"):  # infinity follows the largest number
        following = np.nextafter(limit, limit.dtype.type(np.inf))
    middle = (limit.astype(dtype) + following.astype(dtype)) / 2
    above = middle.astype(limit.dtype) > limit
    return np.where(np.isfinite(limit), np.where(above, np.nextafter(middle, dtype.type(-np.inf)), middle), limit)


def categories(limit: xr.DataArray, points: xr.DataArray) -> tuple[xr.DataArray, Hashable]:
    """Thresholds between categories, which do not decrease along a dimension of their own, and its name.

    Args:
        limit: Thresholds from `limits`; a single one, also of each place, gets a dimension `threshold`.
        points: A field on all points, whose dimensions are not that of the thresholds.

    Raises:
        UnscorableError: Thresholds decrease, at once or when they are computed if they are lazy; or it is not plain
            which dimension they are along.
    """
    own = [dim for dim in limit.dims if dim not in points.dims]
    if not own:
        limit, own = limit.expand_dims("threshold"), ["threshold"]
    along = "threshold" if "threshold" in own else own[0] if len(own) == 1 else None
    if along is None:
        raise UnscorableError(f"threshold: expected a dimension 'threshold', found {list(limit.dims)}")
    if limit.chunks is not None:
        limit = limit.chunk({along: -1})
    checked: xr.DataArray = xr.apply_ufunc(
        _increasing,
        limit,
        kwargs={"strict": limit.ndim == 1},
        input_core_dims=[[along]],
        output_core_dims=[[along]],
        dask="parallelized",
        output_dtypes=[limit.dtype],
    )
    return checked, along


def _listed(threshold: float | Iterable[float]) -> ArrayLike:
    return list(threshold) if isinstance(threshold, Iterable) and np.ndim(threshold) else threshold  # type: ignore[arg-type, return-value]


def _check_kind(role: str, dtype: np.dtype[Any], found: object) -> None:
    if dtype.kind not in "fiub":
        raise UnscorableError(f"{role}: expected a number, several, or a DataArray, found {str(found).splitlines()[0]}")


def _increasing(numbers: NDArray[Any], *, strict: bool) -> NDArray[Any]:
    """Thresholds along the last axis; those of a place may be equal, as where it is mostly dry."""
    steps = np.diff(numbers, axis=-1)
    if numbers.shape[-1] == 0 or (steps < 0).any() or (strict and not (steps > 0).all()):
        found = numbers.tolist() if numbers.ndim == 1 else "thresholds that decrease at some point"
        raise UnscorableError(f"thresholds: expected increasing numbers, found {found}")
    return numbers
