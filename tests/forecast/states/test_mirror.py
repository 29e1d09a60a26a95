"""Reflected weather is weather: northward winds turn round, seasons change, hours stay."""

import numpy as np
import torch

from forecast.states.conditions import step_scalars
from forecast.states.mirror import mirror_signs, reflect_maps, shift_half_a_year


def test_only_winds_to_the_north_turn_round():
    assert mirror_signs(("z500", "u850", "v850", "v250", "tp24")).tolist() == [1, 1, -1, -1, 1]


def test_seasons_change_and_hours_do_not():
    times = np.array(["2001-01-15T06", "2001-07-16T18", "2001-04-01T00"], dtype="datetime64[ns]")
    later = np.array(["2001-07-16T18", "2002-01-15T06", "2001-04-01T00"], dtype="datetime64[ns]")
    found = shift_half_a_year(step_scalars(times, 24), torch.tensor([True, True, False]))
    hours = [4, 5]
    torch.testing.assert_close(found[:, :4], step_scalars(later, 24)[:, :4], atol=0.02, rtol=0)
    torch.testing.assert_close(found[:, hours], step_scalars(times, 24)[:, hours], rtol=0, atol=0)


def test_looking_twice_is_looking_at_it():
    maps, signs = torch.randn(2, 3, 8, 16), mirror_signs(("z500", "u850", "v850"))[:, None, None]
    mirrored = torch.tensor([True, False])
    torch.testing.assert_close(reflect_maps(reflect_maps(maps, signs, mirrored), signs, mirrored), maps, rtol=0, atol=0)
