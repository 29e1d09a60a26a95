"""Reflection changes the sign of northward winds and shifts the season, but not the hour."""

import numpy as np
import torch

from forecast.states.conditions import step_scalars
from forecast.states.mirror import mirror_signs, reflect_maps, shift_half_a_year


def test_only_northward_winds_change_sign():
    assert mirror_signs(("z500", "u850", "v850", "v250", "tp24")).tolist() == [1, 1, -1, -1, 1]


def test_the_season_shifts_and_the_hour_does_not():
    times = np.array(["2001-01-15T06", "2001-07-16T18", "2001-04-01T00"], dtype="datetime64[ns]")
    later = np.array(["2001-07-16T18", "2002-01-15T06", "2001-04-01T00"], dtype="datetime64[ns]")
    found = shift_half_a_year(step_scalars(times, 24), torch.tensor([True, True, False]))
    hours = [4, 5]
    torch.testing.assert_close(found[:, :4], step_scalars(later, 24)[:, :4], atol=0.02, rtol=0)
    torch.testing.assert_close(found[:, hours], step_scalars(times, 24)[:, hours], rtol=0, atol=0)


def test_reflecting_twice_changes_nothing():
    maps, signs = torch.randn(2, 3, 8, 16), mirror_signs(("z500", "u850", "v850"))[:, None, None]
    mirrored = torch.tensor([True, False])
    torch.testing.assert_close(reflect_maps(reflect_maps(maps, signs, mirrored), signs, mirrored), maps, rtol=0, atol=0)
