"""Members of one cycle gathered into a dataset, as scores want them."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.system.system import System

if TYPE_CHECKING:
    from forecast.checkpoints.checkpoint import Checkpoint


def lead_times(system: System, lead_steps: int) -> NDArray[np.timedelta64]:
    """Lead times of the first lead steps."""
    hours = np.arange(1, lead_steps + 1) * np.timedelta64(system.state.step_hours, "h")
    return hours.astype("timedelta64[ns]")


def ensemble_forecast(
    checkpoint: "Checkpoint",
    system: System,
    analysis: xr.Dataset,
    init_time: np.datetime64,
    *,
    members: int,
    lead_steps: int,
    device: str = "cpu",
) -> xr.Dataset:
    """All members of one cycle, in memory.

    Returns:
        Dims member, lead_time, latitude, longitude; scalar init_time.
    """
    from forecast.members.ensemble import forecast_members

    latitude, longitude = analysis["latitude"].values, analysis["longitude"].values
    names = system.state.predictands
    shape = (members, lead_steps, latitude.size, longitude.size)
    arrays = {name: np.full(shape, np.nan, dtype=np.float32) for name in names}
    made = forecast_members(
        checkpoint,
        system,
        analysis,
        init_time,
        range(members),
        lead_steps,
        batch_size=system.forecast.batch_size,
        device=device,
    )
    for fields in made:
        for name in names:
            arrays[name][list(fields.members), fields.lead_index] = fields.fields[name]
    dims = ("member", "lead_time", "latitude", "longitude")
    return xr.Dataset(
        {name: (dims, values, analysis[name].attrs) for name, values in arrays.items()},
        coords={
            "member": np.arange(members),
            "lead_time": lead_times(system, lead_steps),
            "latitude": latitude,
            "longitude": longitude,
            "init_time": init_time,
        },
    )
