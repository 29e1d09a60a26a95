"""Events and their probabilities: whether something happened, and with what chance it was forecast."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.system.operators import OPERATORS, Operator
from forecast.verification.checks import UnscorableError
from forecast.verification.set_aside import combined

try:
    from forecast.verification.ensemble_pass.points import first_between, first_outside
except ImportError:  # no numba for this platform: the same results, slower
    from forecast.verification.ensemble_pass.points_numpy import first_between, first_outside


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
        return blockwise(partial(_events_block, role=role), field)
    return blockwise(partial(_happens, operator=operator), field, limit)


def probabilities(role: str, field: xr.DataArray) -> xr.DataArray:
    """Probabilities in float64.

    Args:
        role: Name of the argument, with which a message begins.
        field: Numbers from 0 to 1; what rounding leaves within 1e-6 outside is taken to the end.

    Raises:
        UnscorableError: A number is not from 0 to 1, at once or when it is computed if it is lazy.
    """
    return blockwise(partial(_probabilities_block, role=role), field)


def blockwise(function: Callable[..., NDArray[np.float64]], *fields: xr.DataArray) -> xr.DataArray:
    """Result of a function of NumPy arrays at each point, chunk by chunk where fields are lazy.

    Args:
        function: Function of arrays whose shapes fit, which returns float64.
        fields: Fields on one grid.
    """
    options: dict[str, Any] = {"dask": "parallelized", "output_dtypes": [np.float64]}
    return combined(lambda *variables: xr.apply_ufunc(function, *variables, **options), *fields)


def _happens(values: NDArray[Any], limit: NDArray[Any], *, operator: Operator) -> NDArray[np.float64]:
    found = OPERATORS[operator](values.astype(limit.dtype, copy=False), limit).astype(np.float64)
    missing = np.isnan(values) | np.isnan(limit)
    return np.where(missing, np.nan, found) if missing.any() else np.asarray(found)


def _events_block(values: NDArray[Any], *, role: str) -> NDArray[np.float64]:
    wrong = first_between(values, 0.0, 1.0)
    if wrong >= 0:
        raise UnscorableError(
            f"{role}: expected events, which are 0 or 1, found {values.flat[wrong]:g}; give a threshold"
        )
    return values.astype(np.float64, copy=False)


def _probabilities_block(values: NDArray[Any], *, role: str) -> NDArray[np.float64]:
    numbers = values.astype(np.float64, copy=False)
    if first_outside(numbers, 0.0, 1.0) < 0:
        return numbers
    wrong = first_outside(numbers, -1e-6, 1 + 1e-6)
    if wrong >= 0:
        raise UnscorableError(f"{role}: expected probabilities from 0 to 1, found {numbers.flat[wrong]:g}")
    return np.asarray(np.clip(numbers, 0.0, 1.0))
