"""With an exact denoiser, samplers converge to its distribution, faster with higher order."""

import itertools
import math

import pytest
import torch

from forecast.diffusion.samplers import (
    NO_CHURN,
    Churn,
    dpmpp_2m,
    dpmpp_2s,
    euler,
    heun,
    network_evaluations,
    renoise,
    run_sampler,
)
from forecast.diffusion.schedules import rho_schedule
from forecast.system.names import CHURNED

SAMPLERS = {"euler": euler, "heun": heun, "dpmpp-2s": dpmpp_2s, "dpmpp-2m": dpmpp_2m}
ORDERS = [("euler", 1), ("heun", 2), ("dpmpp-2s", 2), ("dpmpp-2m", 2)]


def no_noise(draw):
    raise AssertionError("no noise is needed")


@pytest.mark.parametrize(("name", "order"), ORDERS)
@pytest.mark.parametrize("case", ["normal", "two_peaks"])
def test_order_of_convergence(name, order, case, exact):
    """Down to sigma 0.1 only: the last step, to zero, is Euler's in all samplers."""
    case, noise = getattr(exact, case), exact.noise_quantiles(15) * 20.0
    expected = case.transported(noise, 20.0, 0.1)
    counts = (64, 128, 256)
    errors = []
    for count in counts:
        sigmas = rho_schedule(count + 1, sigma_min=0.1, sigma_max=20.0, rho=7.0)[:-1]
        errors.append(float((SAMPLERS[name](case.denoiser, noise, sigmas) - expected).square().mean().sqrt()))
    slopes = [math.log2(coarse / fine) for coarse, fine in itertools.pairwise(errors)]
    assert slopes[-1] == pytest.approx(order, abs=0.1), (errors, slopes)
    assert errors[-1] < {1: 5e-2, 2: 1e-3}[order]


@pytest.mark.parametrize("name", SAMPLERS)
def test_known_answer(name, exact):
    noise = exact.noise_quantiles(15) * 80.0
    for case in (exact.normal, exact.two_peaks):
        sigmas = rho_schedule(400, sigma_min=0.002, sigma_max=80.0, rho=7.0)
        expected = case.transported(noise, 80.0, 0.0)
        torch.testing.assert_close(
            SAMPLERS[name](case.denoiser, noise, sigmas), expected, rtol=0, atol=0.03 if name == "euler" else 1e-3
        )


@pytest.mark.parametrize(
    ("name", "spread"), [("euler", (0.73, 0.89, 0.97)), ("heun", (1.23, 1.03, 1.00)), ("dpmpp-2s", (0.92, 0.99, 1.00))]
)
def test_spread_with_few_steps_is_the_published_one(name, spread, exact):
    noise = torch.tensor([-1.0, 1.0], dtype=torch.float64).reshape(2, 1, 1, 1) * 80.0
    for count, expected in zip((8, 20, 64), spread, strict=True):
        sigmas = rho_schedule(count, sigma_min=0.02, sigma_max=80.0, rho=7.0)
        low, high = SAMPLERS[name](exact.standard.denoiser, noise, sigmas).flatten().tolist()
        assert (high - low) / 2 == pytest.approx(expected, abs=0.015)


@pytest.mark.parametrize("name", [*SAMPLERS, "renoise"])
def test_one_sampling_step_is_one_evaluation_straight_from_the_start(name, exact):
    asked = []

    def denoiser(x, sigma):
        asked.append(sigma.tolist())
        return exact.two_peaks.denoiser(x, sigma)

    noise = exact.noise_quantiles(3) * 20.0
    sigmas = rho_schedule(1, sigma_min=0.02, sigma_max=20.0, rho=7.0)
    found = run_sampler(name, denoiser, noise, sigmas, noise=no_noise)
    assert len(asked) == 1
    assert asked[0] == pytest.approx([20.0] * 3)
    torch.testing.assert_close(found, exact.two_peaks.denoiser(noise, torch.full((3,), 20.0)))


@pytest.mark.parametrize("name", [*SAMPLERS, "renoise"])
def test_evaluations_are_counted(name, exact):
    asked = []

    def denoiser(x, sigma):
        asked.append(sigma)
        return exact.standard.denoiser(x, sigma)

    sigmas = rho_schedule(5, sigma_min=0.02, sigma_max=20.0, rho=7.0)
    run_sampler(name, denoiser, exact.noise_quantiles(3) * 20.0, sigmas, noise=lambda draw: exact.noise_quantiles(3))
    assert len(asked) == network_evaluations(name, 5)


@pytest.mark.parametrize("name", [*SAMPLERS, "renoise"])
def test_every_sampler_can_be_differentiated(name, exact):
    factor = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    noise = torch.randn(3, 1, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    sigmas = rho_schedule(4, sigma_min=0.02, sigma_max=20.0, rho=7.0)

    def last(factor):
        def denoiser(x, sigma):
            return factor * exact.two_peaks.denoiser(x, sigma)

        churn = Churn(1.0) if name in CHURNED else NO_CHURN
        return run_sampler(name, denoiser, noise * 20.0, sigmas, noise=lambda draw: noise * draw, churn=churn).sum()

    assert torch.autograd.gradcheck(last, (factor,))


@pytest.mark.parametrize("name", CHURNED)
def test_churn_keeps_the_distribution(name, exact):
    case, generator = exact.normal, torch.Generator().manual_seed(0)

    def noise(draw):
        return torch.randn(20_000, 1, 1, 1, dtype=torch.float64, generator=generator)

    sigmas = rho_schedule(64, sigma_min=0.01, sigma_max=20.0, rho=7.0)
    samples = run_sampler(name, case.denoiser, noise(0) * 20.0, sigmas, noise=noise, churn=Churn(10.0))
    assert float(samples.mean()) == pytest.approx(0.7, abs=0.03)
    assert float(samples.std()) == pytest.approx(0.5, rel=0.1 if name == "euler" else 0.02)


def test_churn_draws_count_up_from_one_and_only_where_it_is_asked_for(exact):
    drawn = []

    def noise(draw):
        drawn.append(draw)
        return exact.noise_quantiles(3)

    sigmas = rho_schedule(6, sigma_min=0.02, sigma_max=20.0, rho=7.0)
    low, high = float(sigmas[3]), float(sigmas[1])
    start = exact.noise_quantiles(3) * 20.0
    run_sampler("heun", exact.normal.denoiser, start, sigmas, noise=noise, churn=Churn(2.0, low, high))
    assert drawn == [2, 3, 4]


def test_samplers_that_cannot_churn_refuse_it(exact):
    sigmas = rho_schedule(3, sigma_min=0.02, sigma_max=20.0, rho=7.0)
    with pytest.raises(ValueError, match="churn: expected none with sampler dpmpp-2m, found 1"):
        run_sampler(
            "dpmpp-2m", exact.normal.denoiser, exact.noise_quantiles(2), sigmas, noise=no_noise, churn=Churn(1.0)
        )


def test_churn_raises_sigma_by_its_share_but_never_too_far():
    assert Churn(1.2).raised(2.0, 6) == pytest.approx(2.4)
    assert Churn(60.0).raised(2.0, 6) == pytest.approx(2.0 * math.sqrt(2.0))
    assert Churn(1.2, 3.0, 9.0).raised(2.0, 6) == 2.0
    assert Churn().raised(2.0, 6) == 2.0


def test_renoise_adds_fresh_noise_to_each_estimate(exact):
    case, start, fresh = exact.two_peaks, exact.noise_quantiles(5) * 80.0, exact.noise_quantiles(5).flip(0)
    sigmas = torch.tensor([80.0, 0.8, 0.0], dtype=torch.float64)
    drawn = []

    def noise(draw):
        drawn.append(draw)
        return fresh

    first = case.denoiser(start, torch.full((5,), 80.0))
    expected = case.denoiser(first + 0.8 * fresh, torch.full((5,), 0.8, dtype=torch.float64))
    torch.testing.assert_close(renoise(case.denoiser, start, sigmas, noise), expected)
    assert drawn == [1]


def test_a_sample_does_not_depend_on_its_batch(exact):
    noise = exact.noise_quantiles(6) * 20.0
    sigmas = rho_schedule(6, sigma_min=0.02, sigma_max=20.0, rho=7.0)
    for sampler in SAMPLERS.values():
        together = sampler(exact.two_peaks.denoiser, noise, sigmas)
        torch.testing.assert_close(sampler(exact.two_peaks.denoiser, noise[2:3], sigmas), together[2:3])
