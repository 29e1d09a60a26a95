"""Jumps in time."""

import numpy as np

from data_catalog.quality.jumps import jumps, smaller_side


def test_a_wrong_day_departs_from_both_sides(make_fields) -> None:
    changes = np.full((6, 3, 4), np.nan, np.float32)
    changes[1:] = 1
    changes[3:5] = [[[7]], [[-7]]]
    courses = np.full_like(changes, np.nan)
    courses[1:-1] = (changes[1:-1] - changes[2:]) / 2
    found = jumps(changes, courses, make_fields(msl=changes))
    assert np.nanargmax(found["step"].values) == np.nanargmax(found["course"].values) == 3
    assert found["step_mean"].values[3] == np.float32(7)
    assert np.isnan(found["course"].values[[0, -1]]).all()


def test_the_last_time_has_one_side() -> None:
    np.testing.assert_array_equal(smaller_side(np.array([np.nan, 5.0, 1.0])), [5.0, 1.0, 1.0])
