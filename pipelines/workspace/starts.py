"""TODO: pipelines/workspace/starts.py."""

import numpy as np
from numpy.typing import NDArray

from forecast.system.system import System

Times = NDArray[np.datetime64]
HOUR = np.timedelta64(1, "h")


def startable(system: System, times: Times) -> Times:
    """Archived times at which a forecast can start: those whose past states are archived too."""
    state = system.state
    possible = np.ones(times.size, dtype=bool)
    for step in range(1, state.past_states):
        possible &= np.isin(times - step * state.step_hours * HOUR, times)
    return times[possible]


def complete_starts(system: System, times: Times, lead_steps: int) -> Times:
    """Archived times at which a forecast can start and at whose every valid time there is an analysis."""
    possible = startable(system, times)
    for lead_step in range(1, lead_steps + 1):
        possible = possible[np.isin(possible + lead_step * system.state.step_hours * HOUR, times)]
    return possible
