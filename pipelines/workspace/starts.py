"""Times at which a forecast can start."""

import numpy as np
from numpy.typing import NDArray

from forecast.system.system import System

Times = NDArray[np.datetime64]
"""Shape (time,)."""
HOUR = np.timedelta64(1, "h")


def startable(system: System, times: Times) -> Times:
    """Return the times at which a forecast can start: those whose past states are there too.

    Args:
        system: The system, which defines the number of past states.
        times: Times of the analysis.
    """
    state = system.state
    possible = np.ones(times.size, dtype=bool)
    for step in range(1, state.past_states):
        possible &= np.isin(times - step * state.step_hours * HOUR, times)
    return times[possible]


def complete_starts(system: System, times: Times, lead_steps: int) -> Times:
    """Return the times at which a forecast can start and has a verifying analysis at every lead time.

    Args:
        system: The system, which defines the number of past states and the length of a step.
        times: Times of the analysis.
        lead_steps: Length of the forecast, in steps of the system.
    """
    possible = startable(system, times)
    for lead_step in range(1, lead_steps + 1):
        possible = possible[np.isin(possible + lead_step * system.state.step_hours * HOUR, times)]
    return possible
