"""Given a normal distribution's exact denoiser, samplers find its mean and variance, and faster with higher order."""

import math

import pytest
import torch

from forecast.diffusion.preconditioning import loss_weight, precondition
from forecast.diffusion.samplers import euler, heun
from forecast.diffusion.schedules import log_normal_sigmas, rho_schedule

MEAN, STD = 0.7, 0.5


def exact_denoiser(x, sigma):
    level = sigma[:, None, None, None].square()
    return (x * STD**2 + MEAN * level) / (STD**2 + level)


def sampled(sampler, sampling_steps):
    noise = torch.linspace(-2, 2, 9, dtype=torch.float64).reshape(9, 1, 1, 1)
    sigmas = rho_schedule(sampling_steps, sigma_min=0.002, sigma_max=80.0, rho=7.0)
    samples = sampler(exact_denoiser, noise * 80.0, sigmas).flatten()
    slope = float((samples[-1] - samples[0]) / 4)  # the sampler is linear in the noise
    return float(samples[4]), slope


@pytest.mark.parametrize(("sampler", "order"), [(euler, 1), (heun, 2)])
def test_known_answer_and_order_of_convergence(sampler, order):
    exact_slope = 80.0 * STD / math.sqrt(80.0**2 + STD**2)
    errors = [abs(sampled(sampler, steps)[1] - exact_slope) for steps in (64, 128, 256)]
    assert errors[-1] < {1: 0.01, 2: 1e-3}[order]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.35)
    mean, _ = sampled(sampler, 256)
    assert mean == pytest.approx(MEAN, abs=0.02)


@pytest.mark.parametrize(("steps", "expected"), [(8, 1.23), (20, 1.03), (64, 1.00)])
def test_heun_spread_with_few_steps_is_the_published_one(steps, expected):
    noise = torch.tensor([-1.0, 1.0], dtype=torch.float64).reshape(2, 1, 1, 1) * 80.0
    sigmas = rho_schedule(steps, sigma_min=0.02, sigma_max=80.0, rho=7.0)

    def unit(x, sigma):
        return x / (1 + sigma[:, None, None, None].square())

    low, high = heun(unit, noise, sigmas).flatten().tolist()
    assert (high - low) / 2 == pytest.approx(expected, abs=0.02)


def test_schedule_descends_to_zero():
    sigmas = rho_schedule(5, sigma_min=0.02, sigma_max=80.0, rho=7.0)
    assert sigmas[0] == pytest.approx(80.0)
    assert sigmas[-2] == pytest.approx(0.02)
    assert sigmas[-1] == 0
    assert (sigmas.diff() < 0).all()


def test_training_levels_have_the_stated_distribution():
    sigmas = log_normal_sigmas(4096, mean=-1.2, std=1.2, generator=torch.Generator().manual_seed(0)).log()
    assert float(sigmas.mean()) == pytest.approx(-1.2, abs=0.01)
    assert float(sigmas.std()) == pytest.approx(1.2, abs=0.01)


def test_precondition_is_exact_for_a_standard_normal_with_a_silent_network():
    x, sigma = torch.randn(4, 1, 2, 2), torch.tensor([0.1, 1.0, 5.0, 80.0])
    denoised = precondition(lambda x, label: torch.zeros_like(x), x, sigma)
    torch.testing.assert_close(denoised, x / (1 + sigma[:, None, None, None] ** 2))


def test_loss_weight_undoes_the_output_scale():
    sigma = torch.tensor([0.05, 1.0, 30.0])
    output_scale = sigma / (sigma**2 + 1).sqrt()
    torch.testing.assert_close(loss_weight(sigma) * output_scale**2, torch.ones(3))
