"""TODO: forecast/states/starts.py."""

import hashlib

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError, MissingDataError


def past_times(init_time: np.datetime64, past_states: int, step_hours: int) -> NDArray[np.datetime64]:
    """Times of the states a forecast starts from, oldest first, the last one `init_time`."""
    steps = np.arange(past_states - 1, -1, -1) * np.timedelta64(step_hours, "h")
    times: NDArray[np.datetime64] = (init_time.astype("datetime64[ns]") - steps).astype("datetime64[ns]")
    return times


def select_past(analysis: xr.Dataset, init_time: np.datetime64, past_states: int, step_hours: int) -> xr.Dataset:
    """The analyses that a forecast from `init_time` starts from.

    Raises:
        MissingDataError: `init_time` is later than the last analysis.
        InvalidDataError: A needed time is absent though later ones are there.
    """
    known = analysis["time"].values
    wanted = past_times(init_time, past_states, step_hours)
    absent = wanted[~np.isin(wanted, known)]
    if absent.size:
        message = f"init time {iso(init_time)}: expected an analysis at {iso(absent[0])}, found {_span(known)}"
        raise (MissingDataError if absent.max() > known.max() else InvalidDataError)(message)
    return analysis.sel(time=wanted)


def _span(times: NDArray[np.datetime64]) -> str:
    return f"{times.size} times from {iso(times.min())} to {iso(times.max())}"


def iso(time: np.datetime64) -> str:
    """Return a time to the minute, such as `2008-01-15T00:00`."""
    return str(np.datetime_as_string(time.astype("datetime64[ns]"), unit="m"))


def initial_state_hash(past: xr.Dataset, predictands: tuple[str, ...]) -> str:
    """Identity of the states that a cycle starts from.

    Args:
        past: The past states of the cycle, and nothing else in time.
        predictands: Channels that count.

    Returns:
        SHA-256 over times and values, 64 hexadecimal digits.
    """
    digest = hashlib.sha256(past["time"].values.astype("datetime64[s]").astype("<i8").tobytes())
    for name in predictands:
        digest.update(name.encode())
        values = past[name].transpose("time", "latitude", "longitude").values
        digest.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
    return digest.hexdigest()
