"""Events in each member, their combinations, and their probabilities.

An event is 1 where it happens, 0 where not and NaN where that is unknown. Members are combined (`all_of`, `any_of`,
over a window of lead times or a neighbourhood) before they are averaged, so joint probabilities keep their dependence.
"""

from collections.abc import Callable, Hashable
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.ensemble.arguments import dimension, member_dimension, on_points
from forecast.system.operators import OPERATORS, Operator


def event(members: xr.DataArray, operator: Operator, threshold: float | xr.DataArray) -> xr.DataArray:
    """Whether an event happens in each member at each point: a value compared with a threshold.

    Args:
        members: Ensemble or any field; NumPy or Dask inside.
        operator: `>`, `>=`, `<` or `<=`: how a value compares with the threshold when the event happens.
        threshold: In the unit of `members`: a number, or a field on any of their dimensions, such as a quantile of the
            climatology at the valid times. It is rounded to the precision of `members` when that is coarser.

    Returns:
        Float32, dims of `members`: 1 where it happens, 0 where not, NaN where member or threshold is missing.

    Raises:
        ConfigurationError: The operator is unknown, or a number is not finite.
        InvalidDataError: A field of thresholds does not fit `members`.
    """
    if operator not in OPERATORS:
        raise ConfigurationError(f"operator: expected one of {list(OPERATORS)}, found '{operator}'")
    if isinstance(threshold, xr.DataArray):
        limit = on_points("threshold", threshold, members)
    elif np.isfinite(threshold):
        limit = xr.DataArray(np.float64(threshold))
    else:
        raise ConfigurationError(f"threshold: expected a finite number, found {threshold}")
    coarse = np.float32 if np.float32 in (members.dtype, limit.dtype) else np.float64
    values, limit = members.astype(coarse), limit.astype(coarse)
    happens = OPERATORS[operator](values, limit).astype(np.float32)
    return _labelled(happens.where(values.notnull() & limit.notnull()), "event")


def checked_events(happens: NDArray[Any]) -> NDArray[np.float64]:
    """Refuse what is no event.

    Args:
        happens: Values of any shape.

    Returns:
        The values as float64.

    Raises:
        InvalidDataError: A value is neither 0 nor 1 nor NaN.
    """
    values = happens.astype(np.float64)
    wrong = (values != 0) & (values != 1) & ~np.isnan(values)
    if wrong.any():
        raise InvalidDataError(f"happens: expected events, which are 0 or 1, found {values[wrong][0]:g}; see event()")
    return values


def all_of(*events: xr.DataArray) -> xr.DataArray:
    """Whether all of several events happen together in a member.

    Args:
        *events: Events as `event` returns them, on the dimensions of the first or on some of them.

    Returns:
        Float32, dims of the first: 1 or 0, NaN where one of the events is unknown.

    Raises:
        InvalidDataError: There is no event, or they do not fit together.
    """
    return _joined(np.minimum, events)


def any_of(*events: xr.DataArray) -> xr.DataArray:
    """Whether at least one of several events happens in a member.

    Args:
        *events: Events as `event` returns them, on the dimensions of the first or on some of them.

    Returns:
        Float32, dims of the first: 1 or 0, NaN where one of the events is unknown.

    Raises:
        InvalidDataError: There is no event, or they do not fit together.
    """
    return _joined(np.maximum, events)


def event_in_window(
    happens: xr.DataArray, window: str | pd.Timedelta, *, throughout: bool = False, lead_dim: Hashable | None = None
) -> xr.DataArray:
    """Whether an event happens within a window of lead times: whether the extreme over the window passes the threshold.

    Args:
        happens: Event as `event` returns it, with `lead_dim` at even steps (timedelta64, or datetime64 of valid times).
        window: Length of the window, such as `"24h"`: a whole number of steps.
        throughout: True asks whether it happens at all of the window's times instead of at any.
        lead_dim: Name of the dimension of lead times; None finds `lead_time`, `step` and the like.

    Returns:
        Float32, dims of `happens`: at each lead time the window of the steps that end there, itself among them; lead
        times before the end of the first whole window are left out. NaN where a value of the window is unknown.

    Raises:
        ConfigurationError: The window is not a whole number of steps, or longer than all of them.
        InvalidDataError: There are no lead times, or their steps are uneven.
    """
    along = dimension("happens", happens, "lead_time", lead_dim)
    steps = _steps(happens, along, pd.Timedelta(window))
    size = happens.sizes[along]
    bare = happens.drop_vars([name for name, coord in happens.coords.items() if along in coord.dims])
    parts = [bare.isel({along: slice(first, size - steps + 1 + first)}) for first in range(steps)]
    combine: Callable[[Any, Any], Any] = np.minimum if throughout else np.maximum
    joined = reduce(combine, parts)
    ends = happens.isel({along: slice(steps - 1, None)})
    return _labelled(ends.copy(data=joined.data), f"event within {pd.Timedelta(window)}")


def probability(happens: xr.DataArray, *, member_dim: Hashable | None = None) -> xr.DataArray:
    """Probability of an event: the share of the members in which it happens.

    Args:
        happens: Event as `event` returns it, or booleans: `member_dim` and any other dimensions.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.

    Returns:
        0 to 1, float64, dims of `happens` less `member_dim`; NaN where it is unknown in a member.

    Raises:
        InvalidDataError: A value is neither 0 nor 1 nor NaN: at once, or when it is computed if it is lazy.
    """
    along = member_dimension(happens, member_dim)
    share: xr.DataArray = xr.apply_ufunc(
        _share, happens, input_core_dims=[[along]], dask="parallelized", output_dtypes=[np.float64],
        dask_gufunc_kwargs={"allow_rechunk": True},
    )  # fmt: skip
    return _labelled(share, "probability")


def probability_of_anomaly(
    members: xr.DataArray,
    mean: xr.DataArray,
    operator: Operator,
    departure: float,
    *,
    spread: xr.DataArray | None = None,
    member_dim: Hashable | None = None,
) -> xr.DataArray:
    """Probability that the departure from the climatology passes a limit.

    Args:
        members: Ensemble: `member_dim` and any other dimensions.
        mean: Mean of the climatology on any of the other dimensions, at the valid times where it depends on time.
        operator: `>`, `>=`, `<` or `<=`: how the departure compares with `departure` when the event happens.
        departure: Limit, in the unit of `members`, or in standard deviations where `spread` is given.
        spread: Standard deviation of the climatology, on any of the other dimensions; None takes departures in units.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.

    Returns:
        0 to 1, float64, dims of `members` less `member_dim`; NaN where a value is missing or the spread is 0.

    Raises:
        ConfigurationError: The operator is unknown, or the limit is not finite.
        InvalidDataError: The climatology does not fit `members`.
    """
    along = member_dimension(members, member_dim)
    points = members.isel({along: 0}, drop=True)
    departures = members.astype(np.float64) - on_points("mean", mean, points)
    if spread is not None:
        deviation = on_points("spread", spread, points)
        departures = departures / deviation.where(deviation > 0)
    return probability(event(departures, operator, departure), member_dim=along)


def _joined(combine: Callable[[Any, Any], Any], events: tuple[xr.DataArray, ...]) -> xr.DataArray:
    if not events:
        raise InvalidDataError("events: expected at least one, found none")
    others = [on_points(f"event {number}", each, events[0]) for number, each in enumerate(events[1:], 2)]
    result: xr.DataArray = reduce(combine, others, events[0])
    return _labelled(result.transpose(*events[0].dims), "event")


def _steps(happens: xr.DataArray, along: Hashable, window: pd.Timedelta) -> int:
    """Number of lead steps in a window."""
    leads = happens[along].values if along in happens.coords else np.array([])
    if leads.dtype.kind not in "mM" or leads.size < 2 or len(set(np.diff(leads))) != 1:
        raise InvalidDataError(f"happens: expected times at even steps along '{along}', found {leads.tolist()}")
    steps = window / pd.Timedelta(leads[1] - leads[0])
    if steps < 1 or steps != int(steps) or steps > leads.size:
        raise ConfigurationError(f"window: expected 1 to {leads.size} steps of {pd.Timedelta(leads[1] - leads[0])}, "
                                 f"found {window}, which is {steps:g}")  # fmt: skip
    return int(steps)


def _share(happens: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(checked_events(happens).mean(axis=-1))


def _labelled(field: xr.DataArray, long_name: str) -> xr.DataArray:
    field.attrs = {"long_name": long_name, "units": "1"}
    return field.rename(None)
