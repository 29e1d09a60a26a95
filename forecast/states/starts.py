"""The analyses that a forecast starts from: their times, how they are selected, and their hash."""

import hashlib

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.layout.times import iso, span


def past_times(init_time: np.datetime64, past_states: int, step_hours: int) -> NDArray[np.datetime64]:
    """Return the valid times of the states that a forecast starts from.

    Args:
        init_time: Init time of the forecast.
        past_states: Number of states, at least 1.
        step_hours: Hours between them.

    Returns:
        (past_states,) times, oldest first; the last one is `init_time`.
    """
    steps = np.arange(past_states - 1, -1, -1) * np.timedelta64(step_hours, "h")
    times: NDArray[np.datetime64] = (init_time.astype("datetime64[ns]") - steps).astype("datetime64[ns]")
    return times


def select_past(analysis: xr.Dataset, init_time: np.datetime64, past_states: int, step_hours: int) -> xr.Dataset:
    """Select the analyses that a forecast starts from.

    Args:
        analysis: Analysis with ascending `time`.
        init_time: Init time of the forecast.
        past_states: Number of states, at least 1.
        step_hours: Hours between them.

    Returns:
        The analysis at `past_states` times, oldest first.

    Raises:
        MissingDataError: `init_time` is later than the last analysis.
        InvalidDataError: A time is absent although later ones are present.
    """
    known = analysis["time"].values
    wanted = past_times(init_time, past_states, step_hours)
    absent = wanted[~np.isin(wanted, known)]
    if absent.size:
        message = f"init time {iso(init_time)}: expected an analysis at {iso(absent[0])}, found {span(known)}"
        raise (MissingDataError if absent.max() > known.max() else InvalidDataError)(message)
    return analysis.sel(time=wanted)


def start_members(analysis: xr.Dataset) -> tuple[int, ...]:
    """Return the members of an ensemble of analyses that forecasts start from in turn; empty for single analyses.

    Member m of a forecast starts from the member at position m modulo their number.

    Args:
        analysis: Analysis, with `member` if it is an ensemble.
    """
    return tuple(map(int, analysis["member"].values)) if "member" in analysis.dims else ()


def initial_state_hash(past: xr.Dataset, predictands: tuple[str, ...]) -> str:
    """Return the SHA-256 of the times and values that a forecast starts from.

    Args:
        past: The past states, from `select_past`; with `member` if the analyses are ensembles.
        predictands: Channels that enter the hash, in the order of the state.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256(past["time"].values.astype("datetime64[s]").astype("<i8").tobytes())
    for name in predictands:
        digest.update(name.encode())
        values = past[name].transpose("time", ..., "latitude", "longitude").values
        digest.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
    return digest.hexdigest()
