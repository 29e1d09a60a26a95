"""A student of an exact denoiser learns the map of its sampler, and has the right spread with one evaluation."""

import pytest
import torch

from forecast.diffusion.consistency import consistency_loss, heun_between
from forecast.diffusion.preconditioning import precondition
from forecast.diffusion.samplers import heun
from forecast.diffusion.schedules import rho_schedule

WEIGHTS = torch.ones(1, 1, 1, dtype=torch.float64)


def pairs(count, levels, generator):
    """Pairs of neighbouring levels, all equally often."""
    place = torch.arange(count) % (levels.numel() - 1)
    noise = torch.randn(count, 1, 1, 1, dtype=torch.float64, generator=generator)
    return (levels[place], levels[place + 1]), noise


def test_heun_between_is_a_step_of_heun(exact):
    x = exact.noise_quantiles(5) * 3.0
    for end in (1.2, 0.0):
        found = heun_between(
            exact.two_peaks.denoiser, x, torch.full((5,), 3.0).double(), torch.full((5,), end).double()
        )
        levels = torch.tensor([3.0, end], dtype=torch.float64)
        torch.testing.assert_close(found, heun(exact.two_peaks.denoiser, x, levels))


def test_the_map_of_the_probability_flow_has_no_loss(exact):
    """The denoiser, which lacks the spread, has a loss."""
    case, generator = exact.normal, torch.Generator().manual_seed(0)

    def flow_map(x, sigma):
        level = sigma[:, None, None, None]
        return 0.7 + (x - 0.7) * 0.5 / (0.25 + level.square()).sqrt()

    levels = rho_schedule(60, sigma_min=0.01, sigma_max=20.0, rho=7.0)
    both, noise = pairs(600, levels, generator)
    clean = 0.7 + 0.5 * torch.randn(600, 1, 1, 1, dtype=torch.float64, generator=generator)
    loss = consistency_loss(flow_map, case.denoiser, clean, noise, both, WEIGHTS)
    of_denoiser = consistency_loss(case.denoiser, case.denoiser, clean, noise, both, WEIGHTS)
    assert float(loss.mean()) < 0.01 * float(of_denoiser.mean())


def test_only_the_noisier_point_is_differentiated(exact):
    generator = torch.Generator().manual_seed(0)
    seen = []

    def student(x, sigma):
        seen.append(torch.is_grad_enabled())
        return x * parameter

    parameter = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    both, noise = pairs(8, rho_schedule(4, sigma_min=0.1, sigma_max=20.0, rho=7.0), generator)
    clean = torch.zeros(8, 1, 1, 1, dtype=torch.float64)
    consistency_loss(student, exact.standard.denoiser, clean, noise, both, WEIGHTS).mean().backward()
    assert seen == [False, True]
    assert float(parameter.grad) != 0


def test_a_student_learns_the_spread_that_its_teacher_needs_many_steps_for(exact):
    case, generator = exact.two_peaks, torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    layers = torch.nn.Sequential(
        torch.nn.Linear(2, 48), torch.nn.SiLU(), torch.nn.Linear(48, 48), torch.nn.SiLU(), torch.nn.Linear(48, 1)
    ).double()

    def network(x, label):
        return layers(torch.stack([x.flatten(), label.double()], dim=1)).reshape(x.shape)

    def student(x, sigma):
        return precondition(network, x, sigma)

    levels = rho_schedule(16, sigma_min=0.05, sigma_max=10.0, rho=7.0)
    optimiser = torch.optim.Adam(layers.parameters(), lr=5e-3)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 500)
    for _ in range(500):
        both, noise = pairs(128, levels, generator)
        clean = case.sampled(128, generator)
        optimiser.zero_grad()
        consistency_loss(student, case.denoiser, clean, noise, both, WEIGHTS).mean().backward()
        optimiser.step()
        falling.step()
    start = exact.noise_quantiles(101) * 10.0
    expected = case.transported(start, 10.0, 0.0)
    with torch.no_grad():
        found = student(start, torch.full((101,), 10.0).double())
    assert float(found.std() / expected.std()) == pytest.approx(1.0, abs=0.1)
    assert float(case.denoiser(start, torch.full((101,), 10.0).double()).std() / expected.std()) < 0.2
    assert float((found - expected).square().mean().sqrt()) < 0.25
