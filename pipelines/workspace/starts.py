"""Times at which a forecast can start."""

import numpy as np
from numpy.typing import NDArray

from data_catalog.errors import MissingDataError
from data_catalog.layout.times import day
from forecast.system.periods import Period
from forecast.system.system import System
from pipelines.terminal.times import LAST_OF_DAY

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


def spaced_starts(system: System, times: Times, period: Period, *, count: int, lead_steps: int) -> Times:
    """Return init times spread evenly over a period, with all past states and valid times within it.

    Args:
        system: The system.
        times: Times of the analysis.
        period: Allowed days.
        count: Number of starts; fewer are returned if the period has fewer.
        lead_steps: Length of each forecast, in steps of the system.

    Raises:
        MissingDataError: There is no such init time.
    """
    first, last = np.datetime64(period.start, "ns"), np.datetime64(period.end, "ns") + LAST_OF_DAY
    inside = times[(times >= first) & (times <= last)]
    possible = complete_starts(system, inside, lead_steps)
    if not possible.size:
        raise MissingDataError(
            f"forecasts of '{system.name}': expected analyses for {lead_steps} lead steps after a start between "
            f"{day(first)} and {day(last)}, found none among {inside.size} analyses of these days"
        )
    places = np.linspace(0, possible.size - 1, min(count, possible.size)).round().astype(int)
    chosen: NDArray[np.datetime64] = possible[places]
    return chosen
