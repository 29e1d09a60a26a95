"""Schedules descend from the first to the smallest level and then to zero, evenly in their own measure."""

import pytest
import torch

from forecast.diffusion.paths import PATHS
from forecast.diffusion.schedules import path_schedule, rho_schedule


def test_the_rho_schedule_is_even_in_its_root():
    levels = rho_schedule(6, sigma_min=0.02, sigma_max=80.0, rho=7.0)
    assert levels.dtype == torch.float64
    assert levels[[0, -2, -1]].tolist() == pytest.approx([80.0, 0.02, 0.0])
    steps = levels[:-1].pow(1 / 7).diff()
    torch.testing.assert_close(steps, steps[:1].expand(5))


@pytest.mark.parametrize("name", PATHS)
def test_a_path_s_schedule_is_even_in_its_time(name):
    path = PATHS[name]
    levels = path_schedule(6, path=path, sigma_min=0.05, sigma_max=20.0)
    assert levels[[0, -2, -1]].tolist() == pytest.approx([20.0, 0.05, 0.0], rel=1e-6)
    assert (levels.diff() < 0).all()
    steps = path.time(levels[:-1]).diff()
    torch.testing.assert_close(steps, steps[:1].expand(5), rtol=1e-6, atol=0)


def test_one_step_goes_from_the_first_level_to_zero():
    assert rho_schedule(1, sigma_min=0.02, sigma_max=80.0, rho=7.0).tolist() == pytest.approx([80.0, 0.0])
    assert path_schedule(1, path=PATHS["flow"], sigma_min=0.02, sigma_max=80.0).tolist() == pytest.approx([80.0, 0.0])
