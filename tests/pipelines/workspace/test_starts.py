"""Starts need past states; verifiable ones also need analyses at their lead times."""

from pathlib import Path

import numpy as np

from pipelines.workspace.starts import complete_starts, startable
from pipelines.workspace.systems import find_system


def days(*numbers: int) -> np.ndarray:
    return (np.datetime64("2008-01-01") + np.array(numbers)).astype("datetime64[ns]")


def test_starts(tiny: Path) -> None:
    looks_back = find_system(str(tiny))
    system = looks_back.changed(state=looks_back.state.changed(past_states=1))
    times = days(0, 1, 2, 4, 5, 6, 7)
    np.testing.assert_array_equal(startable(system, times), times)
    np.testing.assert_array_equal(complete_starts(system, times, 2), days(0, 4, 5))
    np.testing.assert_array_equal(startable(looks_back, times), days(1, 2, 5, 6, 7))
    np.testing.assert_array_equal(complete_starts(looks_back, times, 2), days(5))
    assert complete_starts(system, times, 4).size == 0
