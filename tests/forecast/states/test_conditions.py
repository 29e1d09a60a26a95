"""Season and hour are periodic and smooth."""

import numpy as np
import torch

from forecast.states.conditions import SCALARS, condition_maps, step_scalars


def test_the_season_is_periodic():
    times = np.array(["2007-12-31T23:59", "2008-01-01T00:00"], dtype="datetime64[ns]")
    scalars = step_scalars(times, 24)
    assert scalars.shape == (2, SCALARS)
    torch.testing.assert_close(scalars[0], scalars[1], atol=0.01, rtol=0)


def test_seasons_and_hours_differ():
    times = np.array(["2008-01-01T00", "2008-07-01T00", "2008-01-01T12"], dtype="datetime64[ns]")
    winter, summer, noon = step_scalars(times, 24)
    assert (winter - summer).abs().max() > 1
    assert (winter - noon).abs().max() > 1


def test_the_lead_time_of_each_step_is_a_smooth_number():
    times = np.array(["2008-01-01", "2008-01-01", "2008-01-01"], dtype="datetime64[ns]")
    scalars = step_scalars(times, np.array([1.0, 12.0, 24.0]))
    assert (scalars[0, :-1] == scalars[2, :-1]).all()
    torch.testing.assert_close(scalars[:, -1], torch.tensor([1 / 24, 0.5, 1.0]).log())
    torch.testing.assert_close(step_scalars(times, 12), scalars[1].expand(3, -1))


def test_maps_are_stacked_in_a_fixed_order():
    past = torch.arange(2.0).reshape(1, 2, 1, 1, 1).expand(3, 2, 1, 4, 5)
    maps = condition_maps(past, torch.full((3, 1, 4, 5), 2.0), torch.full((1, 4, 5), 3.0), torch.full((2, 4, 5), 4.0))
    assert maps[:, :, 0, 0].tolist() == [[0, 1, 2, 3, 4, 4]] * 3
