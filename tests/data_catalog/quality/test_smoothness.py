"""Spikes, stripes and blocks."""

from dataclasses import replace

import numpy as np

from data_catalog.quality.smoothness import flatness, smoothness


def test_lines_and_points() -> None:
    quiet = np.zeros((3, 6, 8), np.float32)
    row, column, point = quiet.copy(), quiet.copy(), quiet.copy()
    row[1, 2] = 5
    column[2, :, 3] = 4
    point[0, 1, 1] = 9
    found = smoothness(point, row, column, np.full_like(quiet, np.nan))
    assert found["row"].values.tolist() == [0, 5, 0]
    assert found["column"].values.tolist() == [0, 0, 4]
    assert found["spike"].values.tolist() == [9, 0, 0]
    assert found["sudden_spike"].count == 0


def test_a_block_of_one_value_is_flat(weather) -> None:
    values = weather.values["t850"].copy()
    values[7, 3:6] = 280
    values[8, 3:6] = 0
    found = flatness("t850", replace(weather, values={"t850": values}))
    assert found["flat"].values.argmax() == 7
    assert found["zeros"].values[8] == 3 / 14
