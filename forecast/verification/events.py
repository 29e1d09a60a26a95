"""Events and their probabilities: whether something happened, and with what chance it was forecast."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.checks import UnscorableError
from forecast.verification.set_aside import combined

Operator = Literal[">", ">=", "<", "<="]
"""How a value has to compare with a threshold for the event to happen."""
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
}


def events(role: str, field: xr.DataArray, limit: xr.DataArray | None, operator: Operator) -> xr.DataArray:
    """Whether an event happens at each point.

    Args:
        role: Name of the argument, with which a message begins.
        field: Values that are compared with thresholds; or, without thresholds, events: booleans, or 0 and 1.
        limit: Thresholds in the precision to compare in; None takes the field as events.
        operator: How a value compares with the threshold when the event happens.

    Returns:
        Float64: 1 where it happens, 0 where not, NaN where value or threshold is missing.

    Raises:
        UnscorableError: The operator is unknown; or there is no threshold, and the field holds anything but 0 and 1.
    """
    if operator not in OPERATORS:
        raise UnscorableError(f"operator: expected one of {list(OPERATORS)}, found '{operator}'")
    if limit is None:
        return _blockwise(partial(_events_block, role=role), field)
    return _blockwise(partial(_happens, operator=operator), field, limit)


def probabilities(role: str, field: xr.DataArray) -> xr.DataArray:
    """Probabilities in float64.

    Args:
        role: Name of the argument, with which a message begins.
        field: Numbers from 0 to 1; what rounding leaves within 1e-6 outside is taken to the end.

    Raises:
        UnscorableError: A number is not from 0 to 1, at once or when it is computed if it is lazy.
    """
    return _blockwise(partial(_probabilities_block, role=role), field)


def _blockwise(function: Callable[..., NDArray[np.float64]], *fields: xr.DataArray) -> xr.DataArray:
    options: dict[str, Any] = {"dask": "parallelized", "output_dtypes": [np.float64]}
    return combined(lambda *variables: xr.apply_ufunc(function, *variables, **options), *fields)


def _happens(values: NDArray[Any], limit: NDArray[Any], *, operator: Operator) -> NDArray[np.float64]:
    found = OPERATORS[operator](values.astype(limit.dtype, copy=False), limit).astype(np.float64)
    missing = np.isnan(values) | np.isnan(limit)
    return np.where(missing, np.nan, found) if missing.any() else np.asarray(found)


def _events_block(values: NDArray[Any], *, role: str) -> NDArray[np.float64]:
    wrong = ~(np.isnan(values) | (values == 0) | (values == 1))
    if wrong.any():
        raise UnscorableError(
            f"{role}: expected events, which are 0 or 1, found {values[wrong].flat[0]:g}; give a threshold"
        )
    return np.asarray(values, dtype=np.float64)


def _probabilities_block(values: NDArray[Any], *, role: str) -> NDArray[np.float64]:
    wrong = (values < -1e-6) | (values > 1 + 1e-6)
    if wrong.any():
        raise UnscorableError(f"{role}: expected probabilities from 0 to 1, found {values[wrong].flat[0]:g}")
    return np.asarray(np.clip(values.astype(np.float64), 0.0, 1.0))
