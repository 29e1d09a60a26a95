"""What is usual for a channel at each place, learned from what is believed already, or robustly from the batch."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_catalog.layout.variables import channel
from data_catalog.quality.fields import Fields
from data_catalog.quality.neighbours import Neighbours, fit_neighbours
from data_catalog.quality.seasons import Seasons, fit_seasons, has_nan

_CLIPPED_AT = 5.0
_MEAN_TO_SPREAD = np.float32(np.sqrt(np.pi / 2))
_LEAST_SPREAD = 0.05
_LEAST_SPREAD_OF_RAIN = 0.3


@dataclass(frozen=True)
class ChannelReference:
    """The usual values of a channel.

    Attributes:
        name: Name of the channel.
        seasons: Expected field at each time.
        spread: Standard deviation of anomalies, (latitude, longitude).
        spreads: Standard deviations of what is derived from standardised anomalies, by name.
        missing: Where values may be missing, (latitude, longitude).
        neighbours: What neighbours say of each point.
    """

    name: str
    seasons: Seasons
    spread: NDArray[np.float32]
    spreads: Mapping[str, NDArray[np.float32]]
    missing: NDArray[np.bool_]
    neighbours: Neighbours

    def anomalies(self, times: NDArray[np.datetime64], values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return standardised anomalies, (time, latitude, longitude); 0 where a value is missing.

        Args:
            times: (time,).
            values: (time, latitude, longitude), in the units of the variable table.
        """
        found = (as_judged(self.name, values) - self.seasons.expected(times)) / self.spread
        return np.nan_to_num(found, copy=False) if has_nan(found) else found


def as_judged(name: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values on the scale on which they are judged: the cube root of what is skewed, as precipitation is.

    Args:
        name: Name of the channel.
        values: In the units of the variable table.
    """
    return np.cbrt(values) if is_skewed(name) else values


def is_skewed(name: str) -> bool:
    """Whether most values of a channel are small or none, and a few are large."""
    return channel(name).variable.regional_constant is not None


def fit_reference(name: str, fields: Fields) -> ChannelReference:
    """Learn what is usual for a channel.

    Args:
        name: Name of the channel.
        fields: Times to learn from; single faults among them do little harm.
    """
    values = as_judged(name, fields.values[name])
    seasons = fit_seasons(fields.times, values)
    off = values - seasons.expected(fields.times)
    missing = np.asarray(np.isnan(values).any(axis=0))
    spread = clipped_spread(np.nan_to_num(off, copy=False))
    spread = _floored(spread, fields.weights, _LEAST_SPREAD_OF_RAIN if is_skewed(name) else _LEAST_SPREAD)
    anomalies = off / spread
    neighbours = fit_neighbours(anomalies, periodic=fields.is_periodic)
    derived = derived_fields(anomalies, fields, neighbours)
    spreads = {kind: _floored(clipped_spread(one), None, _LEAST_SPREAD) for kind, one in derived.items()}
    return ChannelReference(name, seasons, spread, spreads, missing, neighbours)


def derived_fields(
    anomalies: NDArray[np.float32], fields: Fields, neighbours: Neighbours
) -> dict[str, NDArray[np.float32]]:
    """Return what is derived from standardised anomalies: changes in time, and differences from neighbours.

    Args:
        anomalies: (time, latitude, longitude).
        fields: The fields that they are of; only times and grid are read.
        neighbours: What neighbours say of each point.

    Returns:
        `change` from the time before and `course`, from the mean of the times before and after, both only where these
        are a step away; `rough`, from what the neighbours say, and `sudden`, the course of that; `across` and `along`,
        from the mean of the meridional and of the zonal neighbours. The first dimension is that of the anomalies, NaN
        where there is nothing to compare.
    """
    change, course = _in_time(anomalies, fields)
    rough = neighbours.departures(anomalies)
    across, along = _from_neighbours(anomalies, 1, periodic=False), _from_neighbours(anomalies, 2, fields.is_periodic)
    found = {"change": change, "course": course, "rough": rough, "across": across, "along": along}
    return {**found, "sudden": _in_time(rough, fields)[1]}


def _in_time(field: NDArray[np.float32], fields: Fields) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Change from the time before, and departure from the mean of the times before and after."""
    change = np.full_like(field, np.nan)
    change[1:] = np.where(fields.follows[1:, None, None], field[1:] - field[:-1], np.nan)
    course = np.full_like(field, np.nan)
    course[:-1] = (change[:-1] - change[1:]) / 2
    return change, course


def _from_neighbours(field: NDArray[np.float32], axis: int, periodic: bool) -> NDArray[np.float32]:
    """Difference from the mean of the two neighbours along an axis; at an end, from the only one."""
    if field.shape[axis] < 2:
        return np.zeros_like(field)
    before, after = np.roll(field, 1, axis), np.roll(field, -1, axis)
    if not periodic:
        first = tuple(0 if dim == axis else slice(None) for dim in range(field.ndim))
        last = tuple(-1 if dim == axis else slice(None) for dim in range(field.ndim))
        before[first], after[last] = after[first], before[last]
    return np.asarray(field - (before + after) / 2, np.float32)


def clipped_spread(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Root mean square over time, in which what lies far off counts no more than what lies at five times the first.

    Args:
        values: (time, latitude, longitude); a time that is NaN is left out.
    """
    kept = values[~np.isnan(values).any(axis=(1, 2))]
    if not len(kept):
        return np.ones(values.shape[1:], np.float32)
    first = _MEAN_TO_SPREAD * np.mean(np.abs(kept), axis=0)
    for _ in range(2):
        first = np.sqrt(np.mean(np.minimum(np.abs(kept), _CLIPPED_AT * first) ** 2, axis=0))
    return np.asarray(first, np.float32)


def _floored(spread: NDArray[np.float32], weights: NDArray[np.float64] | None, share: float) -> NDArray[np.float32]:
    typical = np.sqrt(np.average(spread**2, weights=weights))
    return np.maximum(spread, np.float32(max(share * float(typical), 1e-30)))
