"""Simulated weather of days before 2000, made by SPEEDY when it is first asked for and kept in a folder.

Source: jcm 3.0.0 (Apache-2.0); Molteni (2003), doi:10.1007/s00382-002-0268-2
"""

import os
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.errors import ConfigurationError
from data_catalog.layout.coordinates import at_times
from data_catalog.sources.files import combine
from data_catalog.sources.reading import open_netcdf
from data_catalog.sources.speedy.diagnosis import CHANNELS, STATIC
from data_catalog.sources.speedy.simulation import LAST_DAY, Simulation

_HOURS = 12


def open_speedy(
    location: str | None,
    channels: Sequence[str],
    static: Sequence[str] = (),
    *,
    step_hours: int,
    start: date,
    end: date | None = None,
) -> xr.Dataset:
    """Open some days as a checked, lazy analysis, after simulating those that are missing.

    Args:
        location: Folder of the simulation; None for the one in PLUMECAST_HOME.
        channels: Channels to read, of those of `speedy-5p6`.
        static: Channels without time to read as well.
        step_hours: Hours between times, a multiple of 12.
        start: First time, from 1990 on.
        end: Last time, inclusive, before 2000; None for the last there will ever be.

    Raises:
        ConfigurationError: A day or channel is none that is simulated, or the model is not installed.
        InvalidDataError: A file of the simulation is damaged.
        MissingDataError: The simulation ended early; run it again to go on.
    """
    odd = [name for name in (*channels, *static) if name not in (*CHANNELS, *STATIC)]
    if odd:
        raise ConfigurationError(f"speedy: expected channels of {', '.join((*CHANNELS, *STATIC))}, found {odd[0]}")
    if step_hours % _HOURS:
        raise ConfigurationError(f"speedy: expected a step that is a multiple of {_HOURS} h, found {step_hours} h")
    folder = Path(location).expanduser() if location else default_folder()
    first, last = _day(start), LAST_DAY if end is None else _day(end)
    files = Simulation(folder).files(first, last)
    analysis = combine([(str(file), open_netcdf(file)) for file in files], channels, static, str(folder))
    hours = analysis["time"].values.astype("M8[h]").astype(np.int64)
    return at_times(analysis, np.flatnonzero(hours % step_hours == 0))


def default_folder() -> Path:
    """Return the folder of the simulation in PLUMECAST_HOME."""
    return Path(os.environ.get("PLUMECAST_HOME") or "plumecast-data") / "simulations" / "speedy"


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
