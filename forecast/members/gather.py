"""Gathers the members of one cycle into a dataset for scores and notebooks."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.checkpoints.checkpoint import Checkpoint
from forecast.members.ensemble import MemberRequest, forecast_members
from forecast.parallel.ranks import Ranks
from forecast.system.system import System

DIMS = ("member", "lead_time", "latitude", "longitude")


def lead_times(system: System, lead_steps: int) -> NDArray[np.timedelta64]:
    """Return the lead times of the first lead steps of a system.

    Args:
        system: The system, which defines the length of a step.
        lead_steps: Number of lead steps.

    Returns:
        timedelta64[ns], ascending; the first is one step.
    """
    hours = np.arange(1, lead_steps + 1) * np.timedelta64(system.state.step_hours, "h")
    return hours.astype("timedelta64[ns]")


def ensemble_forecast(
    checkpoint: Checkpoint,
    system: System,
    analysis: xr.Dataset,
    init_time: np.datetime64,
    *,
    members: int,
    lead_steps: int,
    device: str = "cpu",
) -> xr.Dataset:
    """Forecast an ensemble from one analysis, in memory; no file is read or written.

    Args:
        checkpoint: The trained model.
        system: The system of the members: `checkpoint.system`, or another version of it with the same name and state,
            whose sampler is used.
        analysis: Canonical analysis (dims time, latitude, longitude; SI units) with the system's predictands on the
            model's grid. It must hold the past states that the model starts from, the last of them at `init_time`.
        init_time: Init time of the forecast, UTC.
        members: Size of the ensemble.
        lead_steps: Length of the forecast, in steps of `system.state.step_hours`.
        device: Device to compute on: `cpu`, `cuda` or `cuda:1`.

    Returns:
        A float32 variable for each predictand, in the units of the analysis, with dims member, lead_time, latitude,
        longitude; `member` counts from 0, `lead_time` is timedelta64[ns], `init_time` a scalar coordinate.

    Raises:
        ConfigurationError: The checkpoint belongs to another system.
        InvalidDataError: A channel, value or past state is missing, or the grid differs.
        MissingDataError: `init_time` is later than the last analysis.
        DivergedError: A field is not finite.
    """
    latitude, longitude = analysis["latitude"].values, analysis["longitude"].values
    shape = (members, lead_steps, latitude.size, longitude.size)
    arrays = {name: np.full(shape, np.nan, dtype=np.float32) for name in system.state.predictands}
    made = forecast_members(
        checkpoint,
        system,
        analysis,
        MemberRequest(init_time, range(members), lead_steps),
        batch_size=system.forecast.batch_size,
        ranks=Ranks(device=device),
    )
    for fields in made:
        for name, values in arrays.items():
            values[list(fields.members), fields.lead_index] = fields.fields[name]
    return xr.Dataset(
        {name: (DIMS, values, analysis[name].attrs) for name, values in arrays.items()},
        coords={
            "member": np.arange(members),
            "lead_time": lead_times(system, lead_steps),
            "latitude": latitude,
            "longitude": longitude,
            "init_time": init_time,
        },
    )
