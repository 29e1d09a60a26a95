"""The conditions of a run, as the user writes them or from a file of observations."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from forecast.control.conditions import Condition, parse_condition
from forecast.control.point_observations import read_observations
from forecast.system.system import System


def imposed_conditions(
    system: System, init_time: np.datetime64, what_if: Sequence[str], observe: Path | None
) -> tuple[Condition, ...]:
    """Return what the members of a run are to meet.

    Args:
        system: The system, which says which channels there are.
        init_time: Init time of the forecast, UTC.
        what_if: Conditions as text.
        observe: CSV or NetCDF file of point observations after the init time; None for none.

    Raises:
        ConfigurationError: A text is no condition, or an observation is of another channel or too early.
        MissingDataError: The file does not exist.
        InvalidDataError: The file is no table of observations.
    """
    written = [parse_condition(text) for text in what_if]
    if observe is None:
        return tuple(written)
    return (*written, *read_observations(observe, system.state.predictands).conditions(init_time))
