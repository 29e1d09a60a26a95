"""Gross errors of station observations: values that no weather has, found before they are scored against.

Source: WMO-No. 488, part VI; Lussana, Uboldi and Salvati (2010), doi:10.1002/qj.660 (neighbours)
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from forecast.verification.checks import UnscorableError
from forecast.verification.stations import EARTH_RADIUS_KM, on_the_sphere

Array = NDArray[np.float64]
BOUNDS, SPIKE, FROZEN, NEIGHBOURS = 1, 2, 4, 8
"""What a value may be suspected of; reasons of one value add up."""
_MOST_NEIGHBOURS, _FEWEST_NEIGHBOURS, _FEWEST_TIMES = 8, 3, 12
_NORMAL = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True)
class ObservationLimits:
    """What is suspect of a quantity, in its unit.

    Attributes:
        bounds: Smallest and largest possible value.
        spike: Least departure from both the value before and the one after; where the station varies more, six
            standard deviations of its steps.
        neighbours: Least departure from the median of its neighbours that is suspect; where the station usually departs
            more, five standard deviations of that.
        frozen_steps: Number of equal values in a row that are suspect, if neighbours changed meanwhile.
        lapse: Change with height, per m.
    """

    bounds: tuple[float, float]
    spike: float
    neighbours: float
    frozen_steps: int = 12
    lapse: float = 0.0


LIMITS = {
    "t2m": ObservationLimits((170.0, 340.0), spike=6.0, neighbours=8.0, lapse=-0.0065),
    "d2m": ObservationLimits((150.0, 320.0), spike=8.0, neighbours=10.0, lapse=-0.0065),
    "msl": ObservationLimits((85e3, 112e3), spike=300.0, neighbours=600.0),
    "wind_speed": ObservationLimits((0.0, 110.0), spike=12.0, neighbours=15.0, frozen_steps=24),
    "tp24": ObservationLimits((0.0, 900.0), spike=400.0, neighbours=250.0, frozen_steps=10**6),
}
"""Usual limits of hourly observations, by quantity: K, Pa and m s-1; of amounts of a day, kg m-2."""
NAMES = {BOUNDS: "bounds", SPIKE: "spike", FROZEN: "frozen", NEIGHBOURS: "neighbours"}
"""Words for the checks."""


def gross_errors(
    observations: xr.DataArray,
    latitude: xr.DataArray,
    longitude: xr.DataArray,
    *,
    limits: ObservationLimits,
    elevation: xr.DataArray | None = None,
    radius_km: float = 250.0,
) -> xr.Dataset:
    """Find observations that are suspect: out of bounds, spikes, frozen, or unlike their neighbours.

    Args:
        observations: Dims of a station and `time`, evenly spaced; NaN where nothing was observed.
        latitude: Of the stations, degrees, along their dimension.
        longitude: Of the stations, degrees east, likewise.
        limits: What is suspect, such as `LIMITS["t2m"]`.
        elevation: Of the stations, m, likewise; None to leave height out of account. A station of unknown height (NaN)
            is compared with no neighbour in what changes with height, and is none to others.
        radius_km: How far neighbours may lie, km.

    Returns:
        `suspect` (of the same dims): sum of the reasons `BOUNDS`, `SPIKE`, `FROZEN` and `NEIGHBOURS`, 0 of a good
        value; `measured`: the checks that could be made of each value, likewise, 0 where nothing was observed.

    Raises:
        UnscorableError: Dimensions are not as described, or nothing was observed.
    """
    station = str(latitude.dims[0]) if latitude.ndim == 1 else ""
    if set(observations.dims) != {station, "time"} or np.unique(np.diff(observations["time"].values)).size > 1:
        raise UnscorableError(
            f"observations: expected a dimension of stations and an evenly spaced time, found {observations.dims}"
        )
    values = observations.transpose(station, "time").values.astype(np.float64)
    there = np.isfinite(values)
    if not there.any():
        raise UnscorableError("observations: expected at least one value, found none")
    heights = np.zeros(len(values))
    if elevation is not None and limits.lapse:
        heights = elevation.values.astype(np.float64)
    around = _around(values, on_the_sphere(latitude, longitude), heights, limits.lapse, radius_km)
    low, high = limits.bounds
    checks = {
        BOUNDS: (there, (values < low) | (values > high)),
        SPIKE: _spikes(values, limits.spike),
        FROZEN: _frozen(values, around, limits),
        NEIGHBOURS: _unlike(values, around, limits.neighbours),
    }
    found = {
        "suspect": sum(reason * (made & wrong) for reason, (made, wrong) in checks.items()),
        "measured": sum(reason * (made & there) for reason, (made, _) in checks.items()),
    }
    dims, coords = (station, "time"), observations.coords
    fields = {name: (dims, np.asarray(codes, np.uint8)) for name, codes in found.items()}
    return xr.Dataset(fields, coords).transpose(*observations.dims)


@dataclass(frozen=True)
class CheckedObservations:
    """Observations without gross errors, and what the checks found.

    Attributes:
        values: The observations, NaN where suspect.
        checked: Number of values.
        left_out: Number of those that were suspect.
        measured: Number of values that each check could be made of, by its name.
        suspect: Number of values that each check found suspect, by its name.
    """

    values: xr.DataArray
    checked: int
    left_out: int
    measured: dict[str, int]
    suspect: dict[str, int]


def without_gross_errors(observations: xr.DataArray, quantity: str) -> CheckedObservations:
    """Leave out observations that are suspect by the usual limits of their quantity.

    Args:
        observations: Dims (station, time), evenly spaced, in SI units, NaN where nothing was observed; with the
            coordinates `latitude` and `longitude`, and perhaps `elevation`, along `station`. Without places, stations
            are not compared with each other.
        quantity: Name of the channel, one of `LIMITS`.

    Returns:
        The rest, with the number of values that each check measured and left out.

    Raises:
        UnscorableError: There are no limits of the quantity, or nothing was observed.
    """
    if quantity not in LIMITS:
        raise UnscorableError(f"observations: expected one of {', '.join(LIMITS)}, found '{quantity}'")
    if "latitude" in observations.coords and "longitude" in observations.coords:
        parts = [observations]
    else:
        alone = {name: ("station", [0.0]) for name in ("latitude", "longitude")}
        parts = [observations.isel(station=[number]) for number in range(observations.sizes["station"])]
        parts = [part.assign_coords(alone) for part in parts if part.notnull().any()]
    found = [
        gross_errors(
            part, part["latitude"], part["longitude"], limits=LIMITS[quantity], elevation=part.coords.get("elevation")
        )
        for part in parts
    ]
    if not found:
        raise UnscorableError("observations: expected at least one value, found none")
    codes = xr.concat([each.drop_vars(["latitude", "longitude"]) for each in found], "station")
    suspect = codes["suspect"].reindex_like(observations, fill_value=0)
    counts = {
        kind: {name: int(((codes[kind] & reason) > 0).sum()) for reason, name in NAMES.items()}
        for kind in ("measured", "suspect")
    }
    return CheckedObservations(
        values=observations.where(suspect.values == 0),
        checked=int(observations.notnull().sum()),
        left_out=int((suspect > 0).sum()),
        measured=counts["measured"],
        suspect=counts["suspect"],
    )


def _around(values: Array, places: Array, heights: Array, lapse: float, radius_km: float) -> Array:
    """Median of the neighbours of each station, brought to its height; NaN where too few of them observed."""
    chord = 2 * np.sin(min(radius_km / EARTH_RADIUS_KM, np.pi) / 2)
    distances, nearest = cKDTree(places).query(places, k=min(len(values), 1 + _MOST_NEIGHBOURS))
    median = np.full(values.shape, np.nan)
    for station, (apart, others) in enumerate(zip(np.atleast_2d(distances), np.atleast_2d(nearest), strict=True)):
        chosen = others[(apart <= chord) & (others != station)]
        if chosen.size < _FEWEST_NEIGHBOURS:
            continue
        theirs = values[chosen] + lapse * (heights[station] - heights[chosen])[:, None]
        enough = np.isfinite(theirs).sum(0) >= _FEWEST_NEIGHBOURS
        median[station, enough] = np.nanmedian(theirs[:, enough], axis=0)
    return median


def _spikes(values: Array, least: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a value could be compared with those before and after it, and where it departs from both."""
    steps = np.diff(values, axis=1)
    before, after = steps[:, :-1], -steps[:, 1:]
    limit = np.maximum(least, 6 * _deviation(steps))[:, None]
    made, wrong = np.zeros(values.shape, bool), np.zeros(values.shape, bool)
    made[:, 1:-1] = np.isfinite(before) & np.isfinite(after)
    wrong[:, 1:-1] = (np.sign(before) == np.sign(after)) & (np.minimum(np.abs(before), np.abs(after)) > limit)
    return made, wrong


def _frozen(values: Array, around: Array, limits: ObservationLimits) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a value has neighbours, and where it stands in a long row of equal ones while these changed."""
    made, wrong = np.isfinite(around), np.zeros(values.shape, bool)
    for station, series in enumerate(values):
        edges = np.flatnonzero(np.r_[True, np.diff(series) != 0, True])
        for first, last in pairwise(edges):
            if last - first >= limits.frozen_steps and np.isfinite(around[station, first:last]).any():
                wrong[station, first:last] = (
                    np.ptp(around[station, first:last][made[station, first:last]]) > limits.spike
                )
    return made, wrong


def _unlike(values: Array, around: Array, least: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a value could be compared with its neighbours, and where it departs from them more than usual."""
    apart = values - around
    counts = np.isfinite(apart).sum(1, keepdims=True)
    usual = np.where(counts >= _FEWEST_TIMES, _median(apart)[:, None], 0.0)
    usual = np.clip(usual, -least, least)  # a station that always departs by more is wrong itself
    limit = np.maximum(least, 5 * _deviation(apart - usual))[:, None]
    return np.isfinite(apart), np.abs(apart - usual) > limit


def _median(values: Array) -> Array:
    """Median of each row; 0 of a row without values."""
    found = np.zeros(len(values))
    present = np.isfinite(values).any(1)
    found[present] = np.nanmedian(values[present], axis=1)
    return found


def _deviation(values: Array) -> Array:
    """Robust standard deviation of each row."""
    return _NORMAL * _median(np.abs(values - _median(values)[:, None]))
